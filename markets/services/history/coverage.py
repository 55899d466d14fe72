"""What there is of the exchange's past, per series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from boz.core.clock import format_utc
from markets.models import Candlestick, Event, MarketHistoryChunk, MarketTrade, Quote, Series


@dataclass(frozen=True, slots=True)
class SeriesCoverage:
    """What there is of a series between two days.

    Args:
        events: Settled ones.
        days_missing: Climate days between the first and the last event without one.
        quarantined: Events whose ladder is not proven.
        fetched: Events per kind of data that were fetched whole.
        rows: Rows by table, however they came.
        refused: Entries of the backfill that could not be used.
    """

    series: str
    first_day: dt.date | None
    last_day: dt.date | None
    events: int
    days_missing: int
    quarantined: int
    fetched: dict[str, int]
    rows: dict[str, int]
    refused: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        return {
            "series": self.series,
            "first_day": None if self.first_day is None else self.first_day.isoformat(),
            "last_day": None if self.last_day is None else self.last_day.isoformat(),
            "events": self.events,
            "days_missing": self.days_missing,
            "quarantined": self.quarantined,
            "fetched": self.fetched,
            "rows": self.rows,
            "refused": self.refused,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was stored at a moment."""

    as_of: dt.datetime
    series: tuple[SeriesCoverage, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        return {
            "as_of": format_utc(self.as_of),
            "series": [item.as_dict() for item in self.series],
        }


def coverage(
    series: Iterable[Series], *, as_of: dt.datetime, since: dt.date, until: dt.date
) -> Coverage:
    """Return what is stored of settled events of some climate days."""
    return Coverage(as_of, tuple(_of_series(item, since, until) for item in series))


def _of_series(series: Series, since: dt.date, until: dt.date) -> SeriesCoverage:
    events = Event.objects.filter(
        series=series,
        climate_day__range=(since, until),
        status__in=(Event.Status.DETERMINED, Event.Status.SETTLED),
    )
    facts = events.aggregate(
        first=Min("climate_day"),
        last=Max("climate_day"),
        count=Count("pk"),
        quarantined=Count("pk", filter=~Q(quarantine_reason="")),
    )
    span = 0 if facts["first"] is None else (facts["last"] - facts["first"]).days + 1
    chunks = MarketHistoryChunk.objects.filter(event__in=events)
    by_kind = chunks.order_by().values_list("kind").annotate(count=Count("pk"))
    return SeriesCoverage(
        series=series.ticker,
        first_day=facts["first"],
        last_day=facts["last"],
        events=facts["count"],
        days_missing=span - facts["count"],
        quarantined=facts["quarantined"],
        fetched=dict(by_kind),
        rows=_rows(events),
        refused=chunks.aggregate(total=Sum("problems"))["total"] or 0,
    )


def _rows(events: Any) -> dict[str, int]:
    of = {"market__event__in": events}
    candles = dict(
        Candlestick.objects.filter(**of)
        .order_by()
        .values_list("period_minutes")
        .annotate(count=Count("pk"))
    )
    return {
        "trades": MarketTrade.objects.filter(**of).count(),
        "quotes": Quote.objects.filter(**of).count(),
        **{f"candles-{minutes}": count for minutes, count in sorted(candles.items())},
    }
