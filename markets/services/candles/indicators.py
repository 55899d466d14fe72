"""Indicator rows of a market from its stored candles, as of a moment.

The price of a candle is its last trade; a candle without trades repeats the one before it, as
nobody has paid another price since. A missing candle is a gap, after which everything begins
afresh. Every value uses its own and earlier candles only, so it was known when its candle was.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import numpy as np

from markets.domain.indicators import FloatArray, atr, bollinger, ema, macd, rsi, sma, vwap
from markets.models import CandlePeriod, Candlestick, Indicator, Market
from markets.selectors import candles

#: Hours of a contract's short life: it trades for about 38.
SMA_WINDOWS = (6, 12)
EMA_WINDOW = 12
MACD_WINDOWS = (12, 26, 9)
RSI_WINDOW = 14
BOLLINGER_WINDOW = 20
ATR_WINDOW = 14
PRICE = "last trade, carried forward"


def compute_indicators(
    *, market: Market, as_of: dt.datetime, period_minutes: int = CandlePeriod.HOUR
) -> int:
    """Store what can be computed of candles known at ``as_of``; return how many rows are new.

    A value that needs more candles than there are has no row.
    """
    known = candles(market=market, as_of=as_of, period_minutes=period_minutes)
    if not known:
        return 0
    last = (
        Indicator.objects.filter(market=market, period_minutes=period_minutes)
        .order_by("-at")
        .values_list("at", flat=True)
        .first()
    )
    places = _places(known, period_minutes)
    rows = [
        Indicator(
            market=market,
            period_minutes=period_minutes,
            name=name,
            value=float(values[place]),
            at=candle.end_at,
            available_at=candle.available_at,
            metadata={"price": PRICE, "candles": number},
        )
        for name, values in _all_values(known, places).items()
        for number, (candle, place) in enumerate(zip(known, places, strict=True), start=1)
        if (last is None or candle.end_at > last) and math.isfinite(values[place])
    ]
    Indicator.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    return len(rows)


def _places(known: Sequence[Candlestick], period_minutes: int) -> list[int]:
    """Return each candle's place on a time axis without holes."""
    period = dt.timedelta(minutes=period_minutes)
    return [(candle.end_at - known[0].end_at) // period for candle in known]


def _all_values(known: Sequence[Candlestick], places: Sequence[int]) -> dict[str, FloatArray]:
    high, low, close, mean, volume = _axes(known, places)
    fast, slow, signal = MACD_WINDOWS
    convergence = macd(close, fast=fast, slow=slow, signal=signal)
    bands = bollinger(close, BOLLINGER_WINDOW)
    suffix = "_".join(map(str, MACD_WINDOWS))
    return {
        **{f"sma_{window}": sma(close, window) for window in SMA_WINDOWS},
        f"ema_{EMA_WINDOW}": ema(close, EMA_WINDOW),
        f"macd_{suffix}": convergence.line,
        f"macd_signal_{suffix}": convergence.signal,
        f"macd_histogram_{suffix}": convergence.histogram,
        f"rsi_{RSI_WINDOW}": rsi(close, RSI_WINDOW),
        f"bollinger_lower_{BOLLINGER_WINDOW}": bands.lower,
        f"bollinger_upper_{BOLLINGER_WINDOW}": bands.upper,
        f"atr_{ATR_WINDOW}": atr(high, low, close, ATR_WINDOW),
        "vwap": vwap(mean, volume),
    }


def _axes(known: Sequence[Candlestick], places: Sequence[int]) -> list[FloatArray]:
    """Return highs, lows, closes, means and volumes on the time axis; a gap is NaN."""
    size = places[-1] + 1
    axes = [np.full(size, np.nan) for _ in range(4)]
    volume = np.zeros(size)
    before = math.nan
    expected = places[0]
    for candle, place in zip(known, places, strict=True):
        if place != expected:
            before = math.nan
        expected = place + 1
        if candle.close_dollars is None:
            values = (before,) * 4
        else:
            close = float(candle.close_dollars)
            values = (
                _float(candle.high_dollars, close),
                _float(candle.low_dollars, close),
                close,
                _float(candle.mean_dollars, close),
            )
            volume[place] = float(candle.volume)
        for axis, value in zip(axes, values, strict=True):
            axis[place] = value
        before = values[2]
    return [*axes, volume]


def _float(price: object, otherwise: float) -> float:
    return otherwise if price is None else float(str(price))
