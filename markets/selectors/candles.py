"""Candles and indicators, as of a moment."""

from __future__ import annotations

import datetime as dt

from markets.models import CandlePeriod, Candlestick, Indicator, Market


def candles(
    *,
    market: Market,
    as_of: dt.datetime,
    period_minutes: int = CandlePeriod.HOUR,
    since: dt.datetime | None = None,
) -> list[Candlestick]:
    """Return the candles of a market that were known at a moment, oldest first.

    Args:
        market: Which.
        as_of: Nothing known later counts.
        period_minutes: 1, 60 or 1440.
        since: Only those that end at this moment or later.
    """
    rows = Candlestick.objects.filter(
        market=market, period_minutes=period_minutes, available_at__lte=as_of
    )
    if since is not None:
        rows = rows.filter(end_at__gte=since)
    return list(rows.order_by("end_at"))


def latest_indicators(
    *, market: Market, as_of: dt.datetime, period_minutes: int = CandlePeriod.HOUR
) -> dict[str, Indicator]:
    """Return the newest known row of each indicator of a market, by name.

    An indicator without a value at its newest candle is not there; see each row's ``at``.
    """
    rows = Indicator.objects.filter(
        market=market, period_minutes=period_minutes, available_at__lte=as_of
    ).order_by("at")
    return {row.name: row for row in rows}
