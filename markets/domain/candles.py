"""Open, high, low, close and volume of a contract's YES price, from its trades.

A period without trades has no candle: a price nobody paid is never made up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from boz.core.clock import UTC, require_utc
from boz.core.errors import InvalidDataError
from boz.core.money import FEE_STEP, ONE, ZERO, round_down

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Trade:
    """One public trade: when, the YES price in dollars, and how many contracts."""

    at: dt.datetime
    yes_price: Decimal
    count: Decimal


@dataclass(frozen=True, slots=True)
class Candle:
    """A period's prices in dollars of the YES leg.

    Attributes:
        start: First moment of the period, UTC, inclusive.
        end: End of the period, UTC, exclusive; the candle is complete and known only from then on.
        open: Price of the first trade.
        high: Highest price.
        low: Lowest price.
        close: Price of the last trade.
        volume: Contracts traded.
        vwap: Volume-weighted mean price, rounded down to $0.000001.
        trades: Number of trades.
    """

    start: dt.datetime
    end: dt.datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    vwap: Decimal
    trades: int


def candles_from_trades(trades: Iterable[Trade], *, period: dt.timedelta) -> tuple[Candle, ...]:
    """Group trades into candles whose periods are counted from midnight UTC of 1970-01-01.

    Trades may come in any order; those of the same moment keep the order given.

    Args:
        trades: Public trades of one market.
        period: Length of a candle, above zero (one minute, one hour, one day).

    Raises:
        ValueError: If the period is not above zero or a time has no zone.
        InvalidDataError: If a price is outside 0..1 or a count not above zero.
    """
    if period <= dt.timedelta(0):
        raise ValueError(f"a candle needs a period above zero, was {period}")
    grouped: dict[dt.datetime, list[Trade]] = {}
    for trade in sorted(trades, key=lambda item: require_utc(item.at, name="trade time")):
        _require_trade(trade)
        at = require_utc(trade.at, name="trade time")
        grouped.setdefault(_EPOCH + (at - _EPOCH) // period * period, []).append(trade)
    return tuple(_candle(start, start + period, group) for start, group in grouped.items())


def _candle(start: dt.datetime, end: dt.datetime, group: list[Trade]) -> Candle:
    prices = [trade.yes_price for trade in group]
    volume = sum((trade.count for trade in group), ZERO)
    turnover = sum((trade.count * trade.yes_price for trade in group), ZERO)
    return Candle(
        start=start,
        end=end,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=volume,
        vwap=round_down(turnover / volume, FEE_STEP),
        trades=len(group),
    )


def _require_trade(trade: Trade) -> None:
    if not (trade.yes_price.is_finite() and ZERO <= trade.yes_price <= ONE):
        raise InvalidDataError(f"A trade at {trade.yes_price} is impossible.")
    if not (trade.count.is_finite() and trade.count > 0):
        raise InvalidDataError(f"A trade of {trade.count} contracts is impossible.")
