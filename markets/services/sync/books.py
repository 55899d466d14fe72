"""Order books of all open markets, in one call: a snapshot and a quote per market and moment.

A row is written each time, also when nothing changed: that the book was still so is knowledge of
its own, and freshness is judged by it. A market whose book was asked for and cannot be used has no
known book from then on: the one before is not what is displayed now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from pydantic import ValidationError

from boz.core.agents import AgentResult
from boz.core.errors import InvalidDataError
from boz.core.money import COUNT_STEP, MICRO_STEP
from boz.core.schemas import BookLevel, OrderBook, Side, SkippedSubject
from markets.clients.kalshi import KalshiMarketData
from markets.clients.kalshi.objects import ExchangeBook
from markets.models import BookSnapshot, Event, Market, Quote

#: Levels kept per side, best first; deeper ones never matter to orders of our size.
DEPTH = 25
_ORIGIN_CHARS = 40

_Level = tuple[Decimal, Decimal]


def sync_books(
    *, now: dt.datetime, client: KalshiMarketData, last_prices: Mapping[str, Decimal]
) -> AgentResult:
    """Store the books of all open markets as of ``now``.

    Args:
        now: The present.
        client: Reads the exchange.
        last_prices: Dollars of the last trade by ticker, from the listing just read: books do not
            tell it.
    """
    markets = _open_markets(now)
    if not markets:
        return AgentResult(done={"books": 0})
    listing = client.orderbooks(list(markets))
    skipped = list(listing.refused)
    snapshots: list[BookSnapshot] = []
    quotes: list[Quote] = []
    unread = dict(markets)
    for item in listing.items:
        market = unread.get(item.ticker)
        if market is None:
            continue
        try:
            book = read_book(item, at=now)
        except InvalidDataError as error:
            skipped.append(SkippedSubject(subject=item.ticker, reason=error.message))
            continue
        del unread[item.ticker]
        snapshots.append(_snapshot(market, book))
        quotes.append(_quote(market, book, last_prices.get(item.ticker)))
    told = {item.ticker for item in listing.items} | {item.subject for item in listing.refused}
    skipped.extend(
        SkippedSubject(subject=ticker, reason="The exchange sent no book for this market.")
        for ticker in markets
        if ticker not in told
    )
    unknown = [_unknown(market, now) for market in unread.values()]
    with transaction.atomic():
        BookSnapshot.objects.bulk_create([*snapshots, *unknown], ignore_conflicts=True)
        Quote.objects.bulk_create(quotes, ignore_conflicts=True)
    return AgentResult(done={"books": len(snapshots)}, skipped=skipped)


def read_book(item: ExchangeBook, *, at: dt.datetime) -> OrderBook:
    """Return the typed book of one market.

    Raises:
        InvalidDataError: If a price or count cannot be true, a price comes twice, or the book is
            crossed.
    """
    try:
        book = OrderBook(
            market_ticker=item.ticker,
            at=at,
            yes_bids=_levels(item.orderbook_fp.yes_dollars, side=Side.YES),
            no_bids=_levels(item.orderbook_fp.no_dollars, side=Side.NO),
            derived_from=item.derived_from[:_ORIGIN_CHARS],
        )
    except ValidationError as error:
        raise InvalidDataError(
            "The book is malformed: a price comes twice.", {"market": item.ticker}
        ) from error
    if book.is_crossed:
        bid, ask = book.best_bid(Side.YES), book.best_ask(Side.YES)
        raise InvalidDataError(
            f"The book is crossed: YES bid {bid}, YES ask {ask}.", {"market": item.ticker}
        )
    return book


def _levels(rows: Sequence[_Level], *, side: Side) -> tuple[BookLevel, ...]:
    """Return levels best first; the exchange sends them best last."""
    for price, count in rows:
        if not 0 < price < 1 or price != price.quantize(MICRO_STEP):
            raise InvalidDataError(f"The book is malformed: a {side.value} bid at {price}.")
        if count <= 0:
            raise InvalidDataError(f"The book is malformed: {count} contracts bid at {price}.")
    best_first = sorted(rows, reverse=True)[:DEPTH]
    return tuple(
        BookLevel(price_dollars=price.quantize(MICRO_STEP), count=count.quantize(COUNT_STEP))
        for price, count in best_first
    )


def _open_markets(now: dt.datetime) -> dict[str, Market]:
    rows = Market.objects.filter(
        event__status__in=(Event.Status.OPEN, Event.Status.QUARANTINED),
        status=Market.Status.ACTIVE,
        open_time__lte=now,
        close_time__gt=now,
    ).order_by("ticker")
    return {market.ticker: market for market in rows}


def _snapshot(market: Market, book: OrderBook) -> BookSnapshot:
    return BookSnapshot(
        market=market,
        at=book.at,
        available_at=book.at,
        yes_bids=[[str(level.price_dollars), str(level.count)] for level in book.yes_bids],
        no_bids=[[str(level.price_dollars), str(level.count)] for level in book.no_bids],
        derived_from=book.derived_from,
    )


def _unknown(market: Market, at: dt.datetime) -> BookSnapshot:
    return BookSnapshot(market=market, at=at, available_at=at, derived_from=BookSnapshot.UNKNOWN)


def _quote(market: Market, book: OrderBook, last_price: Decimal | None) -> Quote:
    bid = book.yes_bids[0] if book.yes_bids else None
    asks = book.asks(Side.YES)
    ask = asks[0] if asks else None
    return Quote(
        market=market,
        at=book.at,
        available_at=book.at,
        yes_bid_dollars=None if bid is None else bid.price_dollars,
        yes_bid_count=None if bid is None else bid.count,
        yes_ask_dollars=None if ask is None else ask.price_dollars,
        yes_ask_count=None if ask is None else ask.count,
        last_price_dollars=last_price,
        origin=book.derived_from,
    )
