from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from markets.domain.indicators import atr, bollinger, ema, latest, macd, rsi, sma, vwap

PRICES = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=40)
NAN = math.nan

#: A worked example that is printed in many places (14 periods, Wilder's smoothing).
RSI_CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
    45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
]  # fmt: skip
#: The same for the exponential average over ten periods.
EMA_CLOSES = [
    22.27, 22.19, 22.08, 22.17, 22.18, 22.13, 22.23, 22.43, 22.24, 22.29, 22.15, 22.39, 22.38,
    22.61, 23.36,
]  # fmt: skip


def test_simple_average_by_hand():
    assert sma([1, 2, 3, 4], 2).tolist()[1:] == [1.5, 2.5, 3.5]
    assert math.isnan(sma([1, 2, 3, 4], 2)[0])


def test_exponential_average_of_the_worked_example():
    assert ema([1, 2, 3, 7], 3).tolist()[2:] == [2.0, 4.5]
    assert ema(EMA_CLOSES, 10)[9:].round(2).tolist() == [22.22, 22.21, 22.24, 22.27, 22.33, 22.52]


def test_relative_strength_of_the_worked_example():
    # Changes +1 -1 +2: over two, G = L = 0.5; then G = 1.25, L = 0.25.
    assert rsi([1, 2, 1, 3], 2).tolist()[2:] == [50.0, pytest.approx(100 * 1.25 / 1.5)]
    assert rsi(RSI_CLOSES)[14:].round(1).tolist() == [70.5, 66.3, 66.5, 69.4, 66.4, 58.0]


def test_relative_strength_at_its_ends():
    assert rsi([1, 2, 3], 2)[2] == 100
    assert rsi([3, 2, 1], 2)[2] == 0
    assert rsi([5, 5, 5], 2)[2] == 50


def test_convergence_by_hand():
    # EMA(1) is the price. EMA(2) = 1.5, 2.5, 5.5; the line 0.5, 0.5, 1.5; its EMA(2) 0.5, 7/6.
    found = macd([1, 2, 3, 7], fast=1, slow=2, signal=2)

    assert found.line.tolist()[1:] == pytest.approx([0.5, 0.5, 1.5])
    assert found.signal.tolist()[2:] == pytest.approx([0.5, 7 / 6])
    assert found.histogram.tolist()[2:] == pytest.approx([0.0, 1 / 3])
    assert np.isnan(found.signal[:2]).all()


def test_convergence_of_a_straight_line_is_the_difference_of_the_lags():
    # An EMA lags a line by (window - 1) / 2 steps: 5.5 and 12.5.
    found = macd(np.arange(60.0))

    assert latest(found.line) == pytest.approx(7.0)
    assert latest(found.histogram) == pytest.approx(0.0)


def test_bands_by_hand():
    # Of 2, 4, 4, 4, 5, 5, 7, 9 the mean is 5 and the deviation of the population 2.
    found = bollinger([2, 4, 4, 4, 5, 5, 7, 9], 8)

    assert (latest(found.lower), latest(found.middle), latest(found.upper)) == (1.0, 5.0, 9.0)


def test_true_range_by_hand():
    # Ranges 2; max(1, 0, 1) = 1; max(2, |15 - 10|, |13 - 10|) = 5. Mean of two 1.5; (1.5 + 5) / 2.
    found = atr(highs=[10, 10, 15], lows=[8, 9, 13], closes=[10, 10, 14], window=2)

    assert found.tolist()[1:] == [1.5, 3.25]


def test_volume_weighted_average_by_hand():
    found = vwap([NAN, 10, 20, NAN, 40], [0, 1, 3, 0, 1])

    assert math.isnan(found[0])
    assert found.tolist()[1:] == [10.0, 17.5, 17.5, 22.0]


def test_latest_value_is_none_when_there_is_none():
    assert latest(sma([0.5], 2)) is None
    assert latest(sma([], 2)) is None
    assert latest(sma([0.5, NAN], 1)) is None
    assert latest(sma([0.5, 0.7], 1)) == 0.7


INDICATORS = [
    pytest.param(sma, id="sma"),
    pytest.param(ema, id="ema"),
    pytest.param(rsi, id="rsi"),
    pytest.param(lambda p, w: bollinger(p, w).upper, id="bollinger"),
    pytest.param(lambda p, w: atr(p, p, p, w), id="atr"),
    pytest.param(lambda p, w: macd(p, fast=w, slow=w + 3, signal=2).histogram, id="macd"),
]


@pytest.mark.parametrize("indicator", INDICATORS)
def test_too_few_prices_give_no_value(indicator):
    assert np.isnan(indicator([0.5], 2)).all()
    assert indicator([], 2).size == 0


@pytest.mark.parametrize("indicator", INDICATORS)
def test_a_gap_starts_everything_afresh(indicator):
    before, after = [0.9, 0.1, 0.8, 0.2, 0.7, 0.3], [0.4, 0.5, 0.55, 0.7, 0.6, 0.65]

    found = indicator([*before, NAN, *after], 2)
    alone = indicator(after, 2)

    assert math.isnan(found[6])
    assert np.allclose(found[7:], alone, equal_nan=True, atol=1e-12)


@pytest.mark.parametrize("indicator", INDICATORS)
def test_an_infinite_price_is_no_price(indicator):
    assert np.isnan(indicator([0.5, math.inf, 0.4], 2)).all()


@pytest.mark.parametrize("indicator", INDICATORS)
@settings(deadline=None)  # a busy machine is no failure
@given(prices=PRICES, later=PRICES, window=st.integers(1, 10))
def test_later_prices_never_change_earlier_values(indicator, prices, later, window):
    before = indicator(prices, window)
    after = indicator([*prices, *later], window)

    assert np.allclose(before, after[: len(prices)], equal_nan=True, atol=1e-12)


@pytest.mark.parametrize("indicator", INDICATORS)
def test_window_without_prices_is_refused(indicator):
    with pytest.raises(InvalidDataError):
        indicator([0.5], 0)


def test_impossible_candles_are_refused():
    with pytest.raises(InvalidDataError, match="below its low"):
        atr([1], [2], [1], 1)
    with pytest.raises(InvalidDataError, match="same length"):
        atr([1, 2], [1], [1], 1)
    with pytest.raises(InvalidDataError, match="negative"):
        vwap([1], [-1])
    with pytest.raises(InvalidDataError, match="shorter"):
        macd([1], fast=3, slow=3)
