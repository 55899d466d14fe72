"""Books, quotes and trades of the stream, written to the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from boz.core.schemas import Side
from markets.clients.kalshi_stream.messages import TradeBody
from markets.models import BookSnapshot, MarketTrade, Quote
from markets.services.stream.harvest import LostBook, Received, StoredBook

_Level = tuple[Decimal, Decimal]


@transaction.atomic
def store_books(
    books: Sequence[StoredBook], lost: Sequence[LostBook], *, market_ids: Mapping[str, int]
) -> int:
    """Store each book with its quote, and from when on others are unknown.

    Args:
        books: What is known.
        lost: What no longer is; a book of the same market that stands after it comes later.
        market_ids: Keys of the markets by ticker; of others nothing is stored.

    Returns:
        How many books were stored.
    """
    rows = [
        _unknown(market_ids[item.ticker], item.at) for item in lost if item.ticker in market_ids
    ]
    quotes: list[Quote] = []
    for book in books:
        market_id = market_ids.get(book.view.ticker)
        if market_id is not None:
            yes, no = book.view.levels(Side.YES), book.view.levels(Side.NO)
            rows.append(_snapshot(market_id, book.at, yes, no))
            quotes.append(quote_row(market_id, book.at, yes, no, book.last_price_dollars))
    BookSnapshot.objects.bulk_create(rows, ignore_conflicts=True)
    Quote.objects.bulk_create(quotes, ignore_conflicts=True)
    return len(quotes)


def store_trades(trades: Iterable[Received[TradeBody]], *, market_ids: Mapping[str, int]) -> int:
    """Store public trades; one that is stored already stays as it is.

    Returns:
        How many were offered for storing.
    """
    rows = [
        MarketTrade(
            market_id=market_ids[item.body.market_ticker],
            trade_id=item.body.trade_id,
            at=moment(item.body.ts_ms),
            yes_price_dollars=item.body.yes_price_dollars,
            count=item.body.count_fp,
            taker_side=item.body.taker_outcome_side,
            is_block=item.body.is_block_trade,
        )
        for item in trades
        if item.body.market_ticker in market_ids
    ]
    MarketTrade.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def moment(ts_ms: int) -> dt.datetime:
    """Return the time of the exchange's Unix milliseconds."""
    return dt.datetime.fromtimestamp(ts_ms / 1000, tz=dt.UTC)


def quote_row(
    market_id: int,
    at: dt.datetime,
    yes: Sequence[_Level],
    no: Sequence[_Level],
    last_price: Decimal | None,
) -> Quote:
    """Return the quote of a book, not saved; levels are bids, best first."""
    bid, bid_count = yes[0] if yes else (None, None)
    no_bid, ask_count = no[0] if no else (None, None)
    return Quote(
        market_id=market_id,
        at=at,
        available_at=at,
        yes_bid_dollars=bid,
        yes_bid_count=bid_count,
        yes_ask_dollars=None if no_bid is None else 1 - no_bid,
        yes_ask_count=ask_count,
        last_price_dollars=last_price,
    )


def _snapshot(
    market_id: int, at: dt.datetime, yes: Sequence[_Level], no: Sequence[_Level]
) -> BookSnapshot:
    return BookSnapshot(
        market_id=market_id, at=at, available_at=at, yes_bids=_texts(yes), no_bids=_texts(no)
    )


def _texts(levels: Sequence[_Level]) -> list[list[str]]:
    return [[str(price), str(count)] for price, count in levels]


def _unknown(market_id: int, at: dt.datetime) -> BookSnapshot:
    return BookSnapshot(
        market_id=market_id, at=at, available_at=at, derived_from=BookSnapshot.UNKNOWN
    )
