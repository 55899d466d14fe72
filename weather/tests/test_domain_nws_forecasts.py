from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.clients.nws import PeriodForecast
from weather.domain.nws_forecasts import (
    ForecastPeriod,
    daytime_maxima,
    hourly_temperatures,
    period_day_forecasts,
)

PAYLOADS = Path(__file__).parent / "payloads"
EASTERN = dt.timedelta(hours=-5)
EST = dt.timezone(dt.timedelta(hours=-5))
EDT = dt.timezone(dt.timedelta(hours=-4))
DAY = dt.date(2026, 7, 9)


def recorded(name: str) -> PeriodForecast:
    body = json.loads((PAYLOADS / name).read_text())
    return PeriodForecast.model_validate(body["properties"])


def daytime(
    value: float,
    *,
    day: dt.date = DAY,
    start: int = 6,
    end: int = 18,
    zone: dt.tzinfo = EDT,
    unit: str | None = "degF",
    is_daytime: bool = True,
) -> ForecastPeriod:
    return ForecastPeriod(
        start=dt.datetime.combine(day, dt.time(start), tzinfo=zone).astimezone(dt.UTC),
        end=dt.datetime.combine(day, dt.time(end), tzinfo=zone).astimezone(dt.UTC),
        is_daytime=is_daytime,
        value=value,
        unit=unit,
    )


def hours(values: list[float], *, start: dt.datetime, unit: str = "degF") -> list[ForecastPeriod]:
    hour = dt.timedelta(hours=1)
    return [
        ForecastPeriod(start + number * hour, start + (number + 1) * hour, False, value, unit)
        for number, value in enumerate(values)
    ]


def test_recorded_days_give_their_highs_and_the_cut_afternoon_none():
    """Issued at 15:32 EST; clocks changed on March 8."""
    forecast = recorded("nws_forecast_okx_20260304.json")

    days = period_day_forecasts(by_half_days=forecast.periods(), by_hours=(), offset=EASTERN)

    assert [(day.climate_day.isoformat(), day.high_f) for day in days] == [
        ("2026-03-05", 43.0),
        ("2026-03-06", 43.0),
        ("2026-03-07", 57.0),
        ("2026-03-08", 60.0),
        ("2026-03-09", 59.0),
        ("2026-03-10", 67.0),
    ]
    assert forecast.issued_at == dt.datetime(2026, 3, 4, 18, 59, tzinfo=dt.UTC)


def test_recorded_hours_of_parts_of_days_make_no_forecast():
    """24 hours from 15:00: nine of one day, fifteen of the next."""
    hourly = recorded("nws_forecast_hourly_okx_20260304.json").periods()

    assert len(hourly) == 24
    assert period_day_forecasts(by_half_days=(), by_hours=hourly, offset=EASTERN) == ()


def test_hours_raise_a_high_that_falls_outside_the_daytime():
    """Behind a cold front the day is warmest just after midnight."""
    midnight = dt.datetime(2026, 3, 5, 5, tzinfo=dt.UTC)
    periods = [daytime(43, day=dt.date(2026, 3, 5), zone=EST)]

    (day,) = period_day_forecasts(
        by_half_days=periods, by_hours=hours([51.0, 48.0, 45.0], start=midnight), offset=EASTERN
    )

    assert (day.high_f, day.window_high_f, day.hourly_high_f) == (51.0, 43.0, 51.0)


def test_the_hour_before_standard_midnight_belongs_to_the_day_before():
    """In summer the civil date has changed already."""
    last = dt.datetime(2026, 7, 10, 4, tzinfo=dt.UTC)  # 00:00 EDT, 23:00 EST
    whole = hours([70.0] * 23 + [90.0], start=last - dt.timedelta(hours=23))

    (day,) = period_day_forecasts(by_half_days=(), by_hours=whole, offset=EASTERN)

    assert (day.climate_day, day.high_f) == (DAY, 90.0)


@pytest.mark.parametrize(
    ("start", "end", "is_used"),
    [
        (6, 18, True),
        (10, 18, True),
        (13, 18, True),
        (14, 18, False),
        (17, 18, False),
        (6, 17, False),
    ],
)
def test_a_daytime_that_lost_the_noon_is_no_high_of_the_day(start, end, is_used):
    """Hours are daylight time: 13:00 is noon by standard time."""
    found = daytime_maxima([daytime(85, start=start, end=end)], offset=EASTERN)
    assert bool(found) is is_used


def test_a_night_gives_no_high():
    assert daytime_maxima([daytime(85, is_daytime=False)], offset=EASTERN) == ()


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (85, "degF", 85.0),
        (0, "degF", 0.0),
        (29, "degC", 84.2),
        (28.88888888888889, "wmoUnit:degC", 84.0),
        (85, "wmoUnit:degF", 85.0),
    ],
)
def test_both_units_are_read(value, unit, expected):
    (found,) = daytime_maxima([daytime(value, unit=unit)], offset=EASTERN)
    assert found.value == expected


@pytest.mark.parametrize("unit", [None, "", "F", "wmoUnit:K"])
def test_a_temperature_without_known_unit_is_refused(unit):
    with pytest.raises(InvalidDataError, match="unit"):
        daytime_maxima([daytime(85, unit=unit)], offset=EASTERN)
    with pytest.raises(InvalidDataError, match="unit"):
        hourly_temperatures([daytime(85, unit=unit)])


@pytest.mark.parametrize(("value", "unit"), [(141, "degF"), (-81, "degF"), (85, "degC")])
def test_a_temperature_that_cannot_be_is_refused(value, unit):
    with pytest.raises(InvalidDataError, match="cannot be true"):
        daytime_maxima([daytime(value, unit=unit)], offset=EASTERN)


def test_daytime_and_hours_that_contradict_each_other_are_refused():
    midnight = dt.datetime(2026, 7, 9, 5, tzinfo=dt.UTC)
    with pytest.raises(InvalidDataError, match="contradicts itself"):
        period_day_forecasts(
            by_half_days=[daytime(85)],
            by_hours=hours([29.0] * 24, start=midnight),
            offset=EASTERN,
        )


@given(
    st.dates(dt.date(2024, 1, 1), dt.date(2028, 12, 31)),
    st.sampled_from([-4, -5]),
    st.integers(-80, 140),
)
def test_the_civil_date_of_a_daytime_is_its_climate_day_all_year(day, civil_hours, high_f):
    zone = dt.timezone(dt.timedelta(hours=civil_hours))
    (found,) = period_day_forecasts(
        by_half_days=[daytime(high_f, day=day, zone=zone)], by_hours=(), offset=EASTERN
    )
    assert (found.climate_day, found.high_f) == (day, float(high_f))
