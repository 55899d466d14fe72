"""Books and last prices, as of a moment."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db.models import Q

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
    fresh = Q(available_at__lte=as_of, at__lte=as_of, at__gte=as_of - max_age)
    tickers = {market.pk: market for market in event.markets.all()}
    newest: dict[int, BookSnapshot] = {}
    for row in BookSnapshot.objects.filter(fresh, market__in=tickers).order_by("at"):
        newest[row.market_id] = row
    books: dict[str, OrderBook] = {}
    for market_id, row in newest.items():
        if not row.is_known:
            continue
        row.market = tickers[market_id]
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
