"""Days are cut into pieces of the calendar; none is lost and none is asked for twice."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weather.services.history.spans import DaySpan, Period, pieces_of, runs_of

DAYS = st.sets(st.dates(dt.date(2023, 12, 1), dt.date(2024, 4, 30)), max_size=60)
DAY = dt.date


def months(day: dt.date, period: Period) -> tuple[int, int]:
    length = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}[period]
    return day.year, (day.month - 1) // length


@given(DAYS, st.sampled_from(list(Period)))
def test_pieces_hold_every_day_once_and_never_cross_the_calendar(days, period):
    pieces = pieces_of(days, period)

    assert sorted(day for piece in pieces for day in piece if day in days) == sorted(days)
    assert all(months(piece.first, period) == months(piece.last, period) for piece in pieces)
    assert all(before.last < after.first for before, after in itertools.pairwise(pieces))
    assert len({months(piece.first, period) for piece in pieces}) == len(pieces)
    assert all({piece.first, piece.last} <= days for piece in pieces)


@given(DAYS)
def test_runs_are_exactly_the_days(days):
    runs = runs_of(days)

    assert {day for run in runs for day in run} == days
    assert all((after.first - before.last).days > 1 for before, after in itertools.pairwise(runs))


def test_a_leap_day_is_a_day():
    span = DaySpan(DAY(2024, 2, 28), DAY(2024, 3, 1))

    assert list(span) == [DAY(2024, 2, 28), DAY(2024, 2, 29), DAY(2024, 3, 1)]
    assert len(span) == 3
    assert DAY(2024, 2, 29) in span
    assert pieces_of(span, Period.MONTH)[0].last == DAY(2024, 2, 29)


def test_days_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="wrong order"):
        DaySpan(DAY(2024, 2, 2), DAY(2024, 2, 1))
