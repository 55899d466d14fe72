"""The books and quotes of the floor: what everybody sees, and the telling of what changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from boz.core.money import ONE, ZERO
from boz.core.schemas import OrderBook, Side
from boz.sandbox.exchange import Exchange, ListedMarket, unix
from boz.sandbox.floor import messages
from boz.sandbox.floor.journal import Journal
from boz.sandbox.floor.pit import Pit
from boz.sandbox.floor.records import OrderRecord, count_fp, dollars

_EVER = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)


class Listings(Protocol):
    """Whoever holds the exchange's listing; a changed life of a market replaces it."""

    exchange: Exchange


class Books:
    """Books of markets with an engine, and the recorded ones of all others.

    Args:
        listings: Where the markets are listed.
        pits: The markets with an engine, by ticker; the floor adds to them.
        journal: The floor's records.
    """

    def __init__(self, listings: Listings, pits: Mapping[str, Pit], journal: Journal) -> None:
        """Start with nobody watching."""
        #: The moment that the floor has been brought to.
        self.now = _EVER
        self._listings, self._pits, self._journal = listings, pits, journal
        self._shown: dict[str, OrderBook] = {}
        self._watches_all = False

    def knows(self, ticker: str) -> bool:
        """Say whether there is such a market by now."""
        return self._listings.exchange.market(ticker, self.now) is not None

    def tickers_by_id(self) -> dict[str, str]:
        """Return every market's ticker by its identity on the stream."""
        return {
            messages.market_id(item.ticker): item.ticker
            for item in self._listings.exchange.listed()
        }

    def book(self, ticker: str, now: dt.datetime) -> OrderBook:
        """Return a market's book as everybody sees it."""
        pit = self._pits.get(ticker)
        if pit is not None:
            return pit.engine.book(now)
        return messages.book_of(self._listings.exchange.listed_market(ticker), now)

    def watch(self, ticker: str) -> None:
        """Tell the changes of a market's book and quotes from now on."""
        if ticker not in self._shown:
            self._shown[ticker] = self.book(ticker, self.now)

    def watch_everything(self) -> None:
        """Tell the changes of every market that trades, now or later."""
        self._watches_all = True
        self._watch_new()

    def _watch_new(self) -> None:
        for item in self._listings.exchange.listed():
            if item.status(self.now) == "active":
                self.watch(item.ticker)

    def snapshot_message(self, ticker: str) -> dict[str, Any]:
        """Return a watched book as the stream tells it."""
        return messages.snapshot(self._shown[ticker])

    def ticker_message(self, ticker: str) -> dict[str, Any]:
        """Return a market's quotes as the stream tells them."""
        now = self.now
        item = self._listings.exchange.listed_market(ticker)
        _, size = self._last_trade(item, now)
        return messages.ticker_message(self.market_body(item, now), size, now)

    def market_body(self, item: ListedMarket, now: dt.datetime) -> dict[str, Any]:
        """Return a market as the exchange writes it, with what happened here in it."""
        body = self._listings.exchange.market_body(item, now)
        if item.ticker not in self._pits:
            return body
        book = self.book(item.ticker, now)
        price, _ = self._last_trade(item, now)
        counts = {
            "volume_fp": _EVER,
            "volume_24h_fp": now - dt.timedelta(days=1),
        }
        own = [trade for trade in self._journal.trades if trade.ticker == item.ticker]
        for name, since in counts.items():
            more = sum((trade.count for trade in own if trade.at > since), ZERO)
            body[name] = count_fp(Decimal(body[name]) + more)
        interest = Decimal(body["open_interest_fp"]) + self._journal.accounts.open_interest(
            item.ticker
        )
        return body | {
            **_quotes(book),
            "last_price_dollars": dollars(price),
            "open_interest_fp": count_fp(interest),
        }

    def book_body(self, item: ListedMarket, now: dt.datetime, *, depth: int) -> dict[str, Any]:
        """Return both sides' bids, ascending, the best ``depth`` of each; 0 gives all."""
        if item.ticker not in self._pits:
            return self._listings.exchange.book_body(item, now, depth=depth)
        book = self.book(item.ticker, now)
        return {
            f"{side.value}_dollars": messages.levels_of(book, side)[-depth if depth else 0 :]
            for side in Side
        }

    def show(self, cause: OrderRecord | None = None) -> None:
        """Tell what changed in the watched books since they were last told."""
        if not self._journal.listeners:
            return
        if self._watches_all:
            self._watch_new()
        for ticker, before in list(self._shown.items()):
            book = self.book(ticker, self.now)
            changes = list(messages.deltas(before, book, cause))
            self._shown[ticker] = book
            for news in changes:
                self._journal.tell(news)
            if changes:
                self._journal.tell(messages.ticked(self.ticker_message(ticker)))

    def _last_trade(self, item: ListedMarket, now: dt.datetime) -> tuple[Decimal, Decimal]:
        """Return price and count of a market's last trade, recorded or not; 0 for none."""
        own = next(
            (trade for trade in reversed(self._journal.trades) if trade.ticker == item.ticker), None
        )
        recorded = item.last_trade(unix(now))
        if own is not None and (recorded is None or own.at >= recorded.at):
            return own.yes_price, own.count
        return (ZERO, ZERO) if recorded is None else (recorded.price, recorded.count)


def _quotes(book: OrderBook) -> dict[str, str]:
    """Return the best quotes; an empty side shows a bid of 0 and an ask of 1."""
    bid, no_bid = (book.bids(side)[:1] for side in (Side.YES, Side.NO))
    yes_bid = bid[0].price_dollars if bid else ZERO
    yes_ask = ONE - no_bid[0].price_dollars if no_bid else ONE
    return {
        "yes_bid_dollars": dollars(yes_bid),
        "yes_bid_size_fp": count_fp(bid[0].count if bid else ZERO),
        "yes_ask_dollars": dollars(yes_ask),
        "yes_ask_size_fp": count_fp(no_bid[0].count if no_bid else ZERO),
        "no_bid_dollars": dollars(ONE - yes_ask),
        "no_ask_dollars": dollars(ONE - yes_bid),
    }
