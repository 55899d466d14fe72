from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from weather.domain.temperature import (
    IntervalF,
    interval_of_tenths,
    interval_of_whole_celsius,
    recovered_fahrenheit,
    require_plausible,
    unit_mixup,
    whole_fahrenheit,
)

TABLE = {
    15: (59, 59), 16: (60, 61), 17: (62, 63), 18: (64, 65), 19: (66, 67), 20: (68, 68),
    21: (69, 70), 22: (71, 72), 23: (73, 74), 24: (75, 76), 25: (77, 77), 26: (78, 79),
    27: (80, 81), 28: (82, 83), 29: (84, 85), 30: (86, 86), 31: (87, 88), 32: (89, 90),
    33: (91, 92), 34: (93, 94), 35: (95, 95), 36: (96, 97), 37: (98, 99), 38: (100, 101),
    0: (32, 32), -1: (30, 31), -18: (-1, 0),
}  # fmt: skip


@pytest.mark.parametrize(("temp_c", "expected"), TABLE.items())
def test_whole_celsius_means_one_or_two_whole_fahrenheit(temp_c, expected):
    assert interval_of_whole_celsius(temp_c) == IntervalF(*expected)


@given(st.integers(-62, 60))
def test_whole_celsius_intervals_tile_the_whole_degrees(temp_c):
    assert (
        interval_of_whole_celsius(temp_c).high_f + 1 == interval_of_whole_celsius(temp_c + 1).low_f
    )


@given(st.integers(-80, 140))
def test_whole_fahrenheit_survives_the_way_through_tenths_of_celsius(temp_f):
    tenths = round((temp_f - 32) / 1.8 * 10)
    assert whole_fahrenheit(tenths) == temp_f
    assert interval_of_tenths(tenths) == IntervalF(temp_f, temp_f)


@given(st.integers(-800, 600))
def test_whole_fahrenheit_rounds_halves_upward(tenths):
    exact = (18 * tenths + 3200) / 100
    assert abs(whole_fahrenheit(tenths) - exact) <= 0.5
    assert whole_fahrenheit(25) == 37  # 36.5
    assert whole_fahrenheit(-225) == -8  # -8.5
    assert whole_fahrenheit(tenths) == math.floor(exact + 0.5)


def test_tenths_that_no_whole_degree_is_sent_as_stay_an_interval():
    assert interval_of_tenths(253) == IntervalF(77, 78)
    assert not interval_of_tenths(253).is_exact


def test_forecast_maxima_recover_the_whole_degree_they_were_made_from():
    assert recovered_fahrenheit(28.88888888888889) == 84.0
    assert recovered_fahrenheit((0 - 32) / 1.8) == 0.0


@pytest.mark.parametrize("value", [-200.0, 140.1, float("nan"), float("inf")])
def test_what_cannot_be_weather_is_refused(value):
    with pytest.raises(InvalidDataError, match="cannot be true"):
        require_plausible(value, what="A forecast")


def test_zero_is_a_temperature():
    assert require_plausible(0.0, what="A forecast") == 0.0


def test_a_wrong_unit_is_recognised_beside_recent_highs():
    assert unit_mixup(10.0, reference_f=52.0) == "degrees Celsius given as Fahrenheit"
    assert unit_mixup(122.0, reference_f=52.0) == "degrees Fahrenheit given as Celsius"
    assert unit_mixup(30.0, reference_f=52.0) is None
    assert unit_mixup(52.0, reference_f=52.0) is None
