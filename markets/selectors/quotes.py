"""Books and last prices, as of a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from boz.core.schemas import OrderBook
from markets.models import BookSnapshot, Event, Market, Quote

#: An older book is no basis for an order.
MAX_BOOK_AGE = dt.timedelta(minutes=20)


def latest_books(
    *, event: Event, as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> dict[str, OrderBook]:
    """Return the newest known book of each market, by ticker; only books young enough.

    A market without such a book is absent, also when its book has become unknown since; one whose
    book was empty has an empty book.
    """
    return latest_books_of_events(events=[event], as_of=as_of, max_age=max_age)


def latest_books_of_events(
    *, events: Sequence[Event], as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> dict[str, OrderBook]:
    """Return :func:`latest_books` of several events, with one query beside their markets."""
    markets = {market.pk: market for event in events for market in event.markets.all()}
    recent = BookSnapshot.objects.filter(_recent(as_of, max_age), market__in=markets)
    books: dict[str, OrderBook] = {}
    for row in BookSnapshot.objects.filter(pk__in=_newest(recent)).order_by():
        if not row.is_known:
            continue
        row.market = markets[row.market_id]
        books[row.market.ticker] = row.as_order_book()
    return books


def latest_book(
    *, market: Market, as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> OrderBook | None:
    """Return the newest book of one market; None when it is too old or unknown since."""
    row = (
        BookSnapshot.objects.filter(
            market=market, available_at__lte=as_of, at__lte=as_of, at__gte=as_of - max_age
        )
        .select_related("market")
        .order_by("-at")
        .first()
    )
    return row.as_order_book() if row is not None and row.is_known else None


def last_prices(
    *, event: Event, as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> dict[str, Decimal]:
    """Return the last traded price of each market as read with its books, dollars by ticker.

    A market that had not traded, or was not read lately, is absent.
    """
    return last_prices_of_events(events=[event], as_of=as_of, max_age=max_age)


def last_prices_of_events(
    *, events: Sequence[Event], as_of: dt.datetime, max_age: dt.timedelta = MAX_BOOK_AGE
) -> dict[str, Decimal]:
    """Return :func:`last_prices` of several events, with one query."""
    recent = Quote.objects.filter(
        _recent(as_of, max_age),
        market__event__in=[event.pk for event in events],
        last_price_dollars__isnull=False,
    )
    rows = Quote.objects.filter(pk__in=_newest(recent)).order_by()
    found = rows.values_list("market__ticker", "last_price_dollars")
    return {ticker: price for ticker, price in found if price is not None}


def _recent(as_of: dt.datetime, max_age: dt.timedelta) -> Q:
    return Q(available_at__lte=as_of, at__lte=as_of, at__gte=as_of - max_age)


def _newest(rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    """Return the key of each market's newest row; the levels of the others are never read."""
    newest = Window(RowNumber(), partition_by="market", order_by=(F("at").desc(), F("pk").desc()))
    return rows.order_by().annotate(rank=newest).filter(rank=1).values("pk")
