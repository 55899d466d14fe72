"""Reads of the exchange as of a moment; nothing later than ``as_of`` is visible."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q

from boz.core.errors import InvalidDataError, OperatorActionRequired
from boz.core.schemas import FeeTerms, OrderBook
from markets.domain.fees import fee_terms_from_exchange
from markets.domain.ticks import PriceRange
from markets.models import BookSnapshot, Event, FeeSchedule, Market, Quote

#: An older book is no basis for an order.
MAX_BOOK_AGE = dt.timedelta(minutes=20)


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


def latest_books(
    *, event: Event, as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> dict[str, OrderBook]:
    """Return the newest known book of each market, by ticker; only books young enough.

    A market without such a book is absent; one whose book was empty has an empty book.
    """
    fresh = Q(available_at__lte=as_of, at__lte=as_of, at__gte=as_of - max_age)
    tickers = {market.pk: market for market in event.markets.all()}
    newest: dict[int, BookSnapshot] = {}
    for row in BookSnapshot.objects.filter(fresh, market__in=tickers).order_by("at"):
        newest[row.market_id] = row
    books: dict[str, OrderBook] = {}
    for market_id, row in newest.items():
        row.market = tickers[market_id]
        books[row.market.ticker] = row.as_order_book()
    return books


def latest_book(
    *, market: Market, as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> OrderBook | None:
    """Return the newest known book of one market, or None when none is young enough."""
    row = (
        BookSnapshot.objects.filter(
            market=market, available_at__lte=as_of, at__lte=as_of, at__gte=as_of - max_age
        )
        .select_related("market")
        .order_by("-at")
        .first()
    )
    return None if row is None else row.as_order_book()


def last_prices(
    *, event: Event, as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> dict[str, Decimal]:
    """Return the last traded price of each market as read with its books, dollars by ticker.

    A market that had not traded, or was not read lately, is absent.
    """
    rows = (
        Quote.objects.filter(
            market__event=event,
            available_at__lte=as_of,
            at__lte=as_of,
            at__gte=as_of - max_age,
            last_price_dollars__isnull=False,
        )
        .order_by("at", "pk")
        .values_list("market__ticker", "last_price_dollars")
    )
    return {ticker: price for ticker, price in rows if price is not None}


def fee_terms(*, event: Event, as_of: dt.datetime) -> FeeTerms:
    """Return the fee in force for an event: its own when it has one, else its series'.

    Raises:
        OperatorActionRequired: If none was known then, or it is one that we cannot compute.
    """
    known = Q(effective_from__lte=as_of, available_at__lte=as_of)
    rows = FeeSchedule.objects.filter(known, series=event.series_id).filter(
        Q(event=event) | Q(event__isnull=True)
    )
    newest = sorted(rows, key=lambda row: (row.event_id is not None, row.effective_from))
    if not newest:
        raise OperatorActionRequired(
            f"No fee was known for {event.ticker}, so nothing may be ordered there.",
            {"event": event.ticker, "as_of": as_of.isoformat()},
        )
    return fee_terms_from_exchange(newest[-1].fee_type, newest[-1].multiplier)


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
