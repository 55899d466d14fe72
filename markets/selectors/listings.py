"""Events and markets as they are stored now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef

from boz.core.errors import InvalidDataError
from markets.domain.ticks import PriceRange
from markets.models import Event, Market


def tradeable_events(*, now: dt.datetime) -> list[Event]:
    """Return proven, open events with at least one market open at ``now``, oldest day first.

    A city that is switched off has none; what is held there is still settled.
    Whether a series takes *new entries* is another question, which
    ``event.series.entries_stopped_reason`` answers.
    """
    open_markets = Market.objects.filter(
        event=OuterRef("pk"),
        status=Market.Status.ACTIVE,
        open_time__lte=now,
        close_time__gt=now,
    )
    events = (
        Event.objects.filter(
            Exists(open_markets),
            status=Event.Status.OPEN,
            quarantine_reason="",
            series__station__is_active=True,
        )
        .select_related("series__station")
        .order_by("climate_day", "ticker")
    )
    return list(events)


def ladder(event: Event) -> list[Market]:
    """Return an event's markets from cold to warm."""
    # Sorted here, so that prefetched markets are used.
    return sorted(
        event.markets.all(), key=lambda market: (market.low_f is not None, market.low_f or 0)
    )


def price_ranges(market: Market) -> tuple[PriceRange, ...]:
    """Return the price grid of a market.

    Raises:
        InvalidDataError: If the stored grid is empty or no grid.
    """
    ranges = tuple(_price_range(market, part) for part in market.price_ranges)
    if not ranges:
        raise InvalidDataError(
            f"The price grid of {market.ticker} is not known.", {"market": market.ticker}
        )
    return ranges


def _price_range(market: Market, part: Mapping[str, Any]) -> PriceRange:
    try:
        return PriceRange(
            start=Decimal(part["start"]), end=Decimal(part["end"]), step=Decimal(part["step"])
        )
    except (KeyError, TypeError, ArithmeticError) as error:
        raise InvalidDataError(
            f"The price grid of {market.ticker} is malformed.", {"market": market.ticker}
        ) from error
