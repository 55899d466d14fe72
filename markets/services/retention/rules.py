"""The rules, with their reasons. What was derived from recorded data is never thinned."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from django.db.models import Model, Q

from markets.models import BookSnapshot, CandlePeriod, Candlestick, Indicator, Quote

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of one table beyond an age.

    Args:
        name: Stable; the progress is kept under it.
        model: The table.
        time: Its column of time.
        after: The age from which it holds.
        step: The last row of each such stretch stays; None removes all.
        only: Which rows.
    """

    name: str
    model: type[Model]
    time: str
    after: dt.timedelta
    step: dt.timedelta | None
    only: Q = field(default_factory=Q)


RULES = (
    # A week of every change answers what happened around a fill. Afterwards the pace of the
    # scheduled job, by which freshness is judged, is all that a replay of a day uses.
    Rule(
        "books: one in five minutes after a week",
        BookSnapshot,
        "at",
        7 * DAY,
        dt.timedelta(minutes=5),
        Q(derived_from=""),
    ),
    # Depth takes most of the room. After a season, hourly depth tells how thick a market was.
    Rule(
        "books: one an hour after 90 days",
        BookSnapshot,
        "at",
        90 * DAY,
        dt.timedelta(hours=1),
        Q(derived_from=""),
    ),
    # Best prices are small and what backtests read, so they stay at the pace of the job for ever.
    Rule(
        "quotes: one in five minutes after a week",
        Quote,
        "at",
        7 * DAY,
        dt.timedelta(minutes=5),
        Q(origin=""),
    ),
    # A year and a month of minutes, so that a season can be compared with the one before. Hours
    # and days stay.
    Rule(
        "candles: no minutes after 400 days",
        Candlestick,
        "end_at",
        400 * DAY,
        None,
        Q(period_minutes=CandlePeriod.MINUTE),
    ),
    # Indicators can be computed again from the candles.
    Rule("indicators: none after 90 days", Indicator, "at", 90 * DAY, None),
)
