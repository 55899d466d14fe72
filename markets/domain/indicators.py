"""Moving averages and relative strength of a price series, for display and for rule strategies.

Every value uses only its own and earlier prices. Where too few prices exist yet the value is NaN,
never a guess. Prices are floats here: indicators are statistics, not money.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from boz.core.errors import InvalidDataError

FloatArray = npt.NDArray[np.float64]


def sma(prices: Sequence[float] | FloatArray, window: int) -> FloatArray:
    """Return the simple moving average over ``window`` prices, shape as ``prices``."""
    series = _series(prices, window)
    out = np.full(series.size, np.nan)
    if series.size >= window:
        out[window - 1 :] = np.lib.stride_tricks.sliding_window_view(series, window).mean(axis=1)
    return out


def ema(prices: Sequence[float] | FloatArray, window: int) -> FloatArray:
    """Return the exponential moving average with ``alpha = 2 / (window + 1)``.

    It starts at position ``window - 1`` from the simple average of the prices so far.
    """
    series = _series(prices, window)
    out = np.full(series.size, np.nan)
    if series.size < window:
        return out
    alpha = 2.0 / (window + 1.0)
    out[window - 1] = series[:window].mean()
    for i in range(window, series.size):
        out[i] = out[i - 1] + alpha * (series[i] - out[i - 1])
    return out


def rsi(prices: Sequence[float] | FloatArray, window: int = 14) -> FloatArray:
    """Return Wilder's relative strength index, 0 to 100, from position ``window`` on.

    ``100 G / (G + L)`` with mean gain G and mean loss L, first simple means over ``window``
    changes, then smoothed by ``1 / window``. Without any change it is 50: neither side is stronger.

    Source:
        Wilder (1978), New Concepts in Technical Trading Systems, section VI.
    """
    series = _series(prices, window)
    out = np.full(series.size, np.nan)
    if series.size <= window:
        return out
    changes = np.diff(series)
    gains, losses = np.maximum(changes, 0.0), np.maximum(-changes, 0.0)
    gain, loss = gains[:window].mean(), losses[:window].mean()
    out[window] = _strength(gain, loss)
    for i in range(window, changes.size):
        gain += (gains[i] - gain) / window
        loss += (losses[i] - loss) / window
        out[i + 1] = _strength(gain, loss)
    return out


def _strength(gain: float, loss: float) -> float:
    total = gain + loss
    return 50.0 if total == 0 else float(100.0 * gain / total)


def _series(prices: Sequence[float] | FloatArray, window: int) -> FloatArray:
    if window < 1:
        raise InvalidDataError(f"A window holds at least one price, was {window}.")
    series = np.asarray(prices, dtype=np.float64)
    if series.ndim != 1 or not np.isfinite(series).all():
        raise InvalidDataError("The prices must form one list without gaps or infinite values.")
    return series
