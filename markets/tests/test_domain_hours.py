from __future__ import annotations

import datetime as dt

import pytest

from markets.domain.hours import WeeklyHours, is_within_hours, sessions_from_days, weekly_pause_end

T = dt.time
UTC = dt.UTC


def _at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "ends"),
    [
        ("2026-11-19T07:59:59", None),
        ("2026-11-19T08:00:00", "2026-11-19T10:00:00"),
        ("2026-11-19T09:59:59", "2026-11-19T10:00:00"),
        ("2026-11-19T10:00:00", None),
        # An hour earlier in UTC while New York saves daylight.
        ("2026-07-16T07:00:00", "2026-07-16T09:00:00"),
        ("2026-07-16T09:00:00", None),
        ("2026-11-20T08:30:00", None),
    ],
)
def test_weekly_pause_is_thursday_three_to_five_in_new_york(moment, ends):
    assert weekly_pause_end(_at(moment)) == (None if ends is None else _at(ends))


def _week(days):
    return WeeklyHours(
        _at("2026-11-01T00:00:00"), _at("2026-12-01T00:00:00"), sessions_from_days(days)
    )


THURSDAY = {3: [(T(0), T(3)), (T(5), T(0))]}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-19T05:00:00", True),
        ("2026-11-19T07:59:59", True),
        ("2026-11-19T08:00:00", False),
        ("2026-11-19T10:00:00", True),
        ("2026-11-20T04:59:59", True),
        ("2026-11-20T05:00:00", False),
    ],
)
def test_hours_of_a_weekday_are_wall_clock_with_midnight_as_their_end(moment, is_open):
    assert is_within_hours([_week(THURSDAY)], _at(moment)) is is_open


def test_last_minute_of_a_day_belongs_to_it():
    assert is_within_hours([_week({3: [(T(0), T(23, 59))]})], _at("2026-11-20T04:59:30"))


def test_hours_that_are_not_valid_yet_or_no_longer_say_nothing():
    assert is_within_hours([_week(THURSDAY)], _at("2026-12-03T12:00:00")) is None
    assert is_within_hours([], _at("2026-11-19T12:00:00")) is None
