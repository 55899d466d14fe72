from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from boz.core.errors import InvalidDataError
from weather.domain.grid import (
    day_forecasts,
    fahrenheit_layer,
    hourly,
    layer_values,
    parse_duration,
    parse_valid_time,
)

EAST = dt.timedelta(hours=-5)
JULY_10 = dt.date(2026, 7, 10)
WINDOW = "2026-07-10T12:00:00+00:00/PT13H"


def layer(*items, unit="wmoUnit:degC"):
    return fahrenheit_layer(items, unit=unit, what="A forecast")


def hours_of(day_start: str, values):
    start = dt.datetime.fromisoformat(day_start)
    return {start + dt.timedelta(hours=n): value for n, value in enumerate(values)}


@pytest.mark.parametrize(
    ("text", "hours"),
    [("PT13H", 13), ("P1DT6H", 30), ("P7DT16H", 184), ("P1D", 24), ("PT90M", 1.5), ("P1W", 168)],
)
def test_durations_are_read(text, hours):
    assert parse_duration(text) == dt.timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "P", "PT", "PT0H", "P1M", "13H", "-PT1H", "P1Y"])
def test_lengths_without_a_fixed_meaning_are_refused(text):
    with pytest.raises(InvalidDataError):
        parse_duration(text)


def test_a_period_without_a_zone_is_refused():
    with pytest.raises(InvalidDataError):
        parse_valid_time("2026-07-10T12:00:00/PT1H")


def test_a_run_of_three_hours_is_the_same_value_three_times():
    values = layer_values(
        [("2026-07-09T15:00:00+00:00/PT3H", 22.0), ("2026-07-09T18:00:00Z/PT1H", None)]
    )
    hours = hourly(values)
    assert [moment.hour for moment in hours] == [15, 16, 17]


def test_recorded_windows_give_the_whole_degrees_of_their_days():
    path = Path(__file__).parent / "payloads" / "gridpoint_nyc_20260709.json"
    sent = json.loads(path.read_text())["properties"]["maxTemperature"]
    maxima = layer(*[(item["validTime"], item["value"]) for item in sent["values"]])
    highs = {
        day.climate_day.day: day.high_f
        for day in day_forecasts(maxima=maxima, hours={}, offset=EAST)
    }
    assert highs == {9: 84.0, 10: 89.0, 11: 83.0, 12: 84.0}


def test_a_midnight_high_outside_the_window_counts():
    hours = hours_of("2026-07-10T05:00:00+00:00", [91.0] + [80.0] * 23)
    (day,) = day_forecasts(maxima=layer((WINDOW, 85 / 1.8 - 32 / 1.8)), hours=hours, offset=EAST)
    assert (day.climate_day, day.high_f, day.window_high_f) == (JULY_10, 91.0, 85.0)


def test_the_cool_rest_of_a_day_makes_no_forecast():
    hours = hours_of("2026-07-11T00:00:00+00:00", [60.0] * 5)
    assert day_forecasts(maxima=(), hours=hours, offset=EAST) == ()


def test_the_cool_rest_of_a_hot_day_does_not_contradict_its_maximum():
    hours = hours_of("2026-07-11T03:00:00+00:00", [60.0, 59.0])
    (day,) = day_forecasts(maxima=layer((WINDOW, 38.0)), hours=hours, offset=EAST)
    assert day.high_f == 100.4


def test_a_window_that_spans_standard_midnight_belongs_to_no_day():
    maxima = layer(("2026-07-10T20:00:00+00:00/PT13H", 30.0))
    assert day_forecasts(maxima=maxima, hours={}, offset=EAST) == ()


def test_layers_in_different_units_contradict_each_other():
    hours = hours_of("2026-07-10T05:00:00+00:00", [30.0] * 24)
    with pytest.raises(InvalidDataError, match="contradicts itself"):
        day_forecasts(maxima=layer((WINDOW, 30.0)), hours=hours, offset=EAST)


@pytest.mark.parametrize("unit", [None, "", "wmoUnit:K"])
def test_a_missing_or_unknown_unit_is_refused(unit):
    with pytest.raises(InvalidDataError, match="unit"):
        layer((WINDOW, 30.0), unit=unit)


def test_minus_200_fahrenheit_is_refused():
    with pytest.raises(InvalidDataError, match="cannot be true"):
        layer((WINDOW, (-200 - 32) / 1.8))
