"""The climate day is midnight to midnight standard time all year, whatever the wall clock does."""

from __future__ import annotations

import datetime as dt

import pytest

from weather.models import Station
from weather.stations import STATIONS

UTC = dt.UTC


def station(code: str) -> Station:
    (facts,) = [facts for facts in STATIONS if facts.code == code]
    return Station(code=code, standard_offset_hours=facts.standard_offset_hours)


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    "day",
    [
        dt.date(2024, 3, 10),  # clocks go forward
        dt.date(2024, 11, 3),  # clocks go back
        dt.date(2024, 2, 29),
        dt.date(2024, 7, 4),
        dt.date(2024, 12, 31),
    ],
)
@pytest.mark.parametrize(("code", "hour"), [("NY", 5), ("CHI", 6), ("PHX", 7), ("LAX", 8)])
def test_a_climate_day_has_24_hours_from_standard_midnight(code, hour, day):
    start, end = station(code).climate_day_bounds(day)
    assert (start.hour, start.date()) == (hour, day)
    assert end - start == dt.timedelta(hours=24)
    assert station(code).climate_day(start) == day
    assert station(code).climate_day(end - dt.timedelta(seconds=1)) == day
    assert station(code).climate_day(end) == day + dt.timedelta(days=1)


def test_the_first_civil_hour_of_a_summer_day_belongs_to_the_day_before():
    half_past_midnight_edt = at(2024, 7, 5, 4, 30)
    assert station("NY").climate_day(half_past_midnight_edt) == dt.date(2024, 7, 4)


def test_the_leap_day_follows_28_february():
    assert station("NY").climate_day(at(2024, 2, 29, 5)) == dt.date(2024, 2, 29)
    assert station("NY").climate_day(at(2024, 2, 29, 4, 59)) == dt.date(2024, 2, 28)


def test_a_naive_time_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        station("NY").climate_day(dt.datetime(2024, 7, 4, 12))  # noqa: DTZ001
