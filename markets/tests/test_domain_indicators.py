from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from markets.domain.indicators import ema, rsi, sma

PRICES = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=40)


def test_simple_average_by_hand():
    assert sma([1, 2, 3, 4], 2).tolist()[1:] == [1.5, 2.5, 3.5]
    assert math.isnan(sma([1, 2, 3, 4], 2)[0])


def test_exponential_average_by_hand():
    assert ema([1, 2, 3, 7], 3).tolist()[2:] == [2.0, 4.5]


def test_relative_strength_by_hand():
    # Changes +1 -1 +2: over two, G = L = 0.5; then G = 1.25, L = 0.25.
    assert rsi([1, 2, 1, 3], 2).tolist()[2:] == [50.0, pytest.approx(100 * 1.25 / 1.5)]


def test_relative_strength_at_its_ends():
    assert rsi([1, 2, 3], 2)[2] == 100
    assert rsi([3, 2, 1], 2)[2] == 0
    assert rsi([5, 5, 5], 2)[2] == 50


@pytest.mark.parametrize("indicator", [sma, ema, rsi])
def test_too_few_prices_give_no_value(indicator):
    assert np.isnan(indicator([0.5], 2)).all()
    assert indicator([], 2).size == 0


@pytest.mark.parametrize("indicator", [sma, ema, rsi])
@settings(deadline=None)  # a busy machine is no failure
@given(prices=PRICES, later=PRICES, window=st.integers(1, 10))
def test_later_prices_never_change_earlier_values(indicator, prices, later, window):
    before = indicator(prices, window)
    after = indicator([*prices, *later], window)

    assert np.allclose(before, after[: len(prices)], equal_nan=True, atol=1e-12)


@pytest.mark.parametrize("indicator", [sma, ema, rsi])
@pytest.mark.parametrize(("prices", "window"), [([0.5, math.nan], 1), ([0.5], 0)])
def test_series_with_gaps_or_without_window_is_refused(indicator, prices, window):
    with pytest.raises(InvalidDataError):
        indicator(prices, window)
