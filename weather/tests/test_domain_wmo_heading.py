from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.domain.wmo_heading import transmission_time


def at(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("digits", "around", "expected"),
    [
        ("010512", at(2026, 12, 31, 23), at(2027, 1, 1, 5, 12)),
        ("312359", at(2027, 1, 1, 0, 5), at(2026, 12, 31, 23, 59)),
        ("290600", at(2028, 3, 1), at(2028, 2, 29, 6)),
        ("290600", at(2027, 3, 1), at(2027, 3, 29, 6)),  # no such day in that February
        ("310000", at(2026, 7, 1), at(2026, 7, 31)),  # June has none
    ],
)
def test_the_nearest_such_moment_is_meant(digits, around, expected):
    assert transmission_time(digits, around=around) == expected


@pytest.mark.parametrize("digits", ["000600", "320600", "012400", "010060"])
def test_an_impossible_moment_is_refused(digits):
    with pytest.raises(InvalidDataError, match=digits):
        transmission_time(digits, around=at(2026, 7, 9))


@given(
    st.integers(0, 50 * 365 * 24 * 60),
    st.timedeltas(dt.timedelta(days=-13), dt.timedelta(days=13)),
)
def test_a_moment_within_two_weeks_is_found_again(minutes, apart):
    moment = at(2000, 1, 1) + dt.timedelta(minutes=minutes)
    assert transmission_time(f"{moment:%d%H%M}", around=moment + apart) == moment
