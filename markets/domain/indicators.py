"""Technical indicators of a price series, for display and for rule strategies.

Every value uses only its own and earlier prices. A gap in the prices (NaN) starts everything
afresh, and where too few prices exist yet the value is NaN, never a guess; :func:`latest` turns
that into None. Prices are floats here: indicators are statistics, not money.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from boz.core.errors import InvalidDataError

FloatArray = npt.NDArray[np.float64]
Prices = Sequence[float] | FloatArray


class Macd(NamedTuple):
    """Difference of two averages, its own average, and the distance of the two."""

    line: FloatArray
    signal: FloatArray
    histogram: FloatArray


class Bands(NamedTuple):
    """Moving average and the bands around it."""

    lower: FloatArray
    middle: FloatArray
    upper: FloatArray


def latest(values: FloatArray) -> float | None:
    """Return the last value, or None when there is none."""
    if values.size == 0 or not np.isfinite(values[-1]):
        return None
    return float(values[-1])


def sma(prices: Prices, window: int) -> FloatArray:
    """Return the simple moving average: the mean of the last ``window`` prices.

    Source:
        Murphy (1999), Technical Analysis of the Financial Markets, chapter 9.
    """
    return _windowed(prices, window, lambda views: views.mean(axis=1))


def ema(prices: Prices, window: int) -> FloatArray:
    """Return the exponential moving average ``E += a (P - E)`` with ``a = 2 / (window + 1)``.

    It begins at the position ``window - 1`` with the mean of the prices so far.

    Source:
        Murphy (1999), chapter 9.
    """
    return _in_runs([_series(prices)], window, lambda p: _smoothed(p, window, 2.0 / (window + 1)))


def macd(prices: Prices, *, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return Appel's convergence and divergence: ``EMA(fast) - EMA(slow)`` and its own EMA.

    Source:
        Appel (2005), Technical Analysis: Power Tools for Active Investors, chapter 8.

    Raises:
        InvalidDataError: If the fast window is not shorter than the slow one.
    """
    if fast >= slow:
        raise InvalidDataError(f"The fast window {fast} must be shorter than the slow one {slow}.")
    line = ema(prices, fast) - ema(prices, slow)
    average = ema(line, signal)
    return Macd(line, average, line - average)


def rsi(prices: Prices, window: int = 14) -> FloatArray:
    """Return the relative strength index, 0 to 100, from position ``window`` on.

    ``100 G / (G + L)`` of the mean gain G and the mean loss L of the changes, first over
    ``window`` of them, then each smoothed by ``1 / window``. Without any change it is 50: neither
    side is the stronger.

    Source:
        Wilder (1978), New Concepts in Technical Trading Systems, section VI.
    """
    return _in_runs([_series(prices)], window, lambda p: _relative_strength(p, window))


def bollinger(prices: Prices, window: int = 20, *, deviations: float = 2.0) -> Bands:
    """Return the moving average and bands of so many standard deviations (of the population).

    Source:
        Bollinger (2001), Bollinger on Bollinger Bands, chapter 7.
    """
    middle = sma(prices, window)
    spread = deviations * _windowed(prices, window, lambda views: views.std(axis=1))
    return Bands(middle - spread, middle, middle + spread)


def atr(highs: Prices, lows: Prices, closes: Prices, window: int = 14) -> FloatArray:
    """Return the average true range in the unit of the prices, from position ``window - 1`` on.

    The true range is ``max(H - L, |H - C'|, |L - C'|)`` with the close before, ``H - L`` for the
    first; its mean over ``window``, then smoothed by ``1 / window``.

    Source:
        Wilder (1978), section III.

    Raises:
        InvalidDataError: If the three differ in length, or a high lies below its low.
    """
    series = _aligned(highs, lows, closes)
    if np.any(series[0] < series[1]):
        raise InvalidDataError("A candle's high lies below its low.")

    def one_run(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
        ranges = high - low
        before = close[:-1]
        ranges[1:] = np.maximum.reduce(
            [ranges[1:], np.abs(high[1:] - before), np.abs(low[1:] - before)]
        )
        return _smoothed(ranges, window, 1.0 / window)

    return _in_runs(series, window, one_run)


def vwap(prices: Prices, volumes: Prices) -> FloatArray:
    """Return the volume-weighted average price from the first candle to each.

    ``sum(V P) / sum(V)``; without any volume yet there is none. A candle without volume needs no
    price.

    Source:
        Berkowitz, Logue & Noser (1988), The Total Cost of Transactions on the NYSE.

    Raises:
        InvalidDataError: If the two differ in length or a volume is negative.
    """
    price, volume = _aligned(prices, volumes)
    if np.any(volume < 0):
        raise InvalidDataError("A volume is never negative.")
    with np.errstate(invalid="ignore", divide="ignore"):
        turnover = np.where(volume == 0, 0.0, price * volume)
        averages: FloatArray = np.cumsum(turnover) / np.cumsum(volume)
    return averages


def _relative_strength(prices: FloatArray, window: int) -> FloatArray:
    changes = np.diff(prices)
    gains = _smoothed(np.maximum(changes, 0.0), window, 1.0 / window)
    losses = _smoothed(np.maximum(-changes, 0.0), window, 1.0 / window)
    total = gains + losses
    out = np.full(prices.size, np.nan)
    with np.errstate(invalid="ignore"):
        out[1:] = np.where(total == 0, 50.0, 100.0 * gains / np.where(total == 0, 1.0, total))
    return out


def _smoothed(values: FloatArray, window: int, weight: float) -> FloatArray:
    """Start from the mean of the first ``window`` values, then move by ``weight`` to each."""
    out = np.full(values.size, np.nan)
    if values.size < window:
        return out
    out[window - 1] = values[:window].mean()
    for i in range(window, values.size):
        out[i] = out[i - 1] + weight * (values[i] - out[i - 1])
    return out


def _windowed(
    prices: Prices, window: int, reduce: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    series = _series(prices)
    _require_window(window)
    out = np.full(series.size, np.nan)
    if series.size >= window:
        out[window - 1 :] = reduce(np.lib.stride_tricks.sliding_window_view(series, window))
    return out


def _in_runs(
    series: Sequence[FloatArray], window: int, compute: Callable[..., FloatArray]
) -> FloatArray:
    """Apply ``compute`` to each run without a gap on its own."""
    _require_window(window)
    size = series[0].size
    out = np.full(size, np.nan)
    gaps = np.flatnonzero(~np.logical_and.reduce([np.isfinite(part) for part in series]))
    start = 0
    for end in [*gaps.tolist(), size]:
        if end > start:
            out[start:end] = compute(*(part[start:end] for part in series))
        start = end + 1
    return out


def _require_window(window: int) -> None:
    if window < 1:
        raise InvalidDataError(f"A window holds at least one price, was {window}.")


def _series(values: Prices) -> FloatArray:
    series = np.array(values, dtype=np.float64)
    if series.ndim != 1:
        raise InvalidDataError("Prices come as one series.")
    # An infinity is as little of a price as NaN is.
    series[~np.isfinite(series)] = np.nan
    return series


def _aligned(*parts: Prices) -> list[FloatArray]:
    series = [_series(part) for part in parts]
    if len({part.size for part in series}) > 1:
        raise InvalidDataError("The series of an indicator must have the same length.")
    return series
