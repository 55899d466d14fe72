"""The exchange as of a simulated moment: series, events, markets, books, trades, candles.

Pure: every method takes ``now`` and looks at nothing later. Shapes are those of the exchange's
V2 REST interface. What the recordings do not hold is derived from trades (quotes, books, volumes)
or reported as zero (open interest).
"""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from boz.core.clock import UTC, format_utc
from boz.sandbox.book import DerivedBook, MarketTape
from boz.sandbox.places import BY_CITY, PLACES, Place
from boz.sandbox.recordings.loader import RecordedMarket, Recordings

_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "boz.sandbox/trades")
_CREATED_BEFORE_OPEN = dt.timedelta(hours=1)
_SETTLES_AT = dt.time(12, 1)
_DAY_S = 86_400
_NO_BOOK = DerivedBook()
_DOLLARS = tuple(f"{cents // 100}.{cents % 100:02d}00" for cents in range(101))
_SECONDARY_RULES = (
    "The official and final value used to determine this market is the highest temperature as "
    "reported by the corresponding NWS Climatological Report (Daily). Preliminary reports may be "
    "subject to rounding and conversion."
)

#: What ``GET /markets?status=`` calls each status of a market.
STATUS_FILTERS = {
    "unopened": "initialized",
    "open": "active",
    "paused": "inactive",
    "closed": "closed",
    "settled": "finalized",
}


@dataclass(frozen=True, slots=True, eq=False)
class ListedMarket:
    """A recorded market with its life on the exchange."""

    market: RecordedMarket
    place: Place
    tape: MarketTape
    volumes: np.ndarray[Any, np.dtype[np.int64]]
    created_at: dt.datetime
    settles_at: dt.datetime

    @classmethod
    def of(cls, market: RecordedMarket, tape: MarketTape) -> ListedMarket:
        """Add the times at which the market appears and settles."""
        settles = dt.datetime.combine(market.day + dt.timedelta(days=1), _SETTLES_AT, tzinfo=UTC)
        return cls(
            market=market,
            place=BY_CITY[market.city],
            tape=tape,
            volumes=np.concatenate(([0], np.cumsum(tape.trades.counts))),
            created_at=market.opens_at - _CREATED_BEFORE_OPEN,
            settles_at=settles,
        )

    def status(self, now: dt.datetime) -> str | None:
        """Return the exchange's status word, or None while the market does not exist."""
        if now < self.created_at:
            return None
        if now < self.market.opens_at:
            return "initialized"
        if now < self.market.closes_at:
            return "active"
        return "closed" if now < self.settles_at else "finalized"

    def updated_at(self, now: dt.datetime) -> dt.datetime:
        """Return when the status last changed."""
        steps = (self.created_at, self.market.opens_at, self.market.closes_at, self.settles_at)
        return max(step for step in steps if step <= now)

    def book(self, now: dt.datetime) -> DerivedBook:
        """Return the derived book; empty unless the market is active."""
        return self.tape.book(unix(now)) if self.status(now) == "active" else _NO_BOOK

    def volume(self, moment: int) -> int:
        """Return the contracts traded at or before a Unix second."""
        return int(self.volumes[np.searchsorted(self.tape.trades.times, moment, side="right")])


class Exchange:
    """Answers of the exchange; every method looks only at what ``now`` allows."""

    def __init__(self, recordings: Recordings) -> None:
        """Prepare the tapes once."""
        listed = [
            ListedMarket.of(market, MarketTape.of(recordings.tapes[market.ticker]))
            for market in recordings.markets
        ]
        # Newest events first, cold brackets first: a fixed order, so that a cursor keeps its
        # meaning while the clock moves.
        listed.sort(key=lambda item: item.market.closes_at, reverse=True)
        self._markets = listed
        self._by_ticker = {item.market.ticker: item for item in listed}
        self._events = {
            event: list(items)
            for event, items in itertools.groupby(
                sorted(listed, key=lambda item: _event_key(item)),
                key=lambda item: item.market.event_ticker,
            )
        }
        self._feed = _Feed(listed)

    # Series ----------------------------------------------------------------------------------

    def series(self, ticker: str) -> dict[str, Any] | None:
        """Return one series, or None."""
        return next((body for body in self.all_series() if body["ticker"] == ticker), None)

    def all_series(self) -> list[dict[str, Any]]:
        """Return both series."""
        return [_series_body(place) for place in PLACES]

    # Events ----------------------------------------------------------------------------------

    def events(self, now: dt.datetime) -> Iterator[tuple[str, list[ListedMarket]]]:
        """Return all events that exist, newest first, with their markets, cold to warm."""
        for ticker, items in self._events.items():
            if items[0].status(now) is not None:
                yield ticker, items

    def event(self, ticker: str, now: dt.datetime) -> list[ListedMarket] | None:
        """Return an event's markets, or None when there is no such event yet."""
        items = self._events.get(ticker)
        return items if items and items[0].status(now) is not None else None

    def event_body(
        self, items: list[ListedMarket], now: dt.datetime, *, nested: bool
    ) -> dict[str, Any]:
        """Return an event as the exchange writes it."""
        first = items[0]
        day = _long_day(first.market.day)
        body: dict[str, Any] = {
            "event_ticker": first.market.event_ticker,
            "series_ticker": first.market.series_ticker,
            "title": f"{first.place.series_title} on {_short_day(first.market.day)}?",
            "sub_title": f"On {_short_day(first.market.day)}",
            "collateral_return_type": "MECNET",
            "mutually_exclusive": True,
            "category": "Climate and Weather",
            "strike_date": format_utc(first.market.closes_at),
            "strike_period": day,
            "settlement_sources": _settlement_sources(first.place),
            "last_updated_ts": format_utc(max(item.updated_at(now) for item in items)),
        }
        if nested:
            body["markets"] = [self.market_body(item, now) for item in items]
        return body

    # Markets ---------------------------------------------------------------------------------

    def markets(self, now: dt.datetime) -> list[tuple[int, ListedMarket]]:
        """Return all markets that exist with their fixed position, newest first."""
        return [
            (position, item)
            for position, item in enumerate(self._markets)
            if item.status(now) is not None
        ]

    def market(self, ticker: str, now: dt.datetime) -> ListedMarket | None:
        """Return a market, or None when there is no such market yet."""
        item = self._by_ticker.get(ticker)
        return item if item is not None and item.status(now) is not None else None

    def market_body(self, item: ListedMarket, now: dt.datetime) -> dict[str, Any]:
        """Return a market as the exchange writes it."""
        market, day = item.market, _long_day(item.market.day)
        latest = market.opens_at + dt.timedelta(days=8)
        condition = _condition(market)
        body: dict[str, Any] = {
            "ticker": market.ticker,
            "event_ticker": market.event_ticker,
            "market_type": "binary",
            "title": (
                f"Will the **high temp in {item.place.title_city}** be {_short_condition(market)} "
                f"on {_short_day(market.day)}?"
            ),
            "subtitle": market.subtitle,
            "yes_sub_title": market.subtitle,
            "no_sub_title": market.subtitle,
            "created_time": format_utc(item.created_at),
            "updated_time": format_utc(item.updated_at(now)),
            "open_time": format_utc(market.opens_at),
            "close_time": format_utc(market.closes_at),
            "expected_expiration_time": format_utc(market.opens_at + dt.timedelta(days=2)),
            "expiration_time": format_utc(latest),
            "latest_expiration_time": format_utc(latest),
            "settlement_timer_seconds": 3600,
            "status": item.status(now),
            "notional_value_dollars": "1.0000",
            "can_close_early": True,
            "early_close_condition": (
                f"The Last Trading Time will be 11:59 PM ET on {day} regardless of any data "
                "releases or events occurring."
            ),
            "rules_primary": (
                f"If the highest temperature recorded {item.place.rules_place} for {day} as "
                "reported by the National Weather Service's Climatological Report (Daily), is "
                f"{condition}, then the market resolves to Yes."
            ),
            "rules_secondary": _SECONDARY_RULES,
            "price_level_structure": "linear_cent",
            "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
            "settlement_bounds_type": "default",
            **_strikes(market),
            **self._quotes(item, now),
        }
        return body | _outcome(item, now)

    def _quotes(self, item: ListedMarket, now: dt.datetime) -> dict[str, Any]:
        moment = unix(now)
        book, before = item.book(now), item.book(now - dt.timedelta(seconds=_DAY_S))
        bid, ask = _best(book)
        previous_bid, previous_ask = _best(before)
        volume = item.volume(moment)
        return {
            "yes_bid_dollars": _DOLLARS[bid],
            "yes_bid_size_fp": _count(book.bids[0].count if book.bids else 0),
            "yes_ask_dollars": _DOLLARS[ask],
            "yes_ask_size_fp": _count(book.asks[0].count if book.asks else 0),
            "no_bid_dollars": _DOLLARS[100 - ask],
            "no_ask_dollars": _DOLLARS[100 - bid],
            "last_price_dollars": _DOLLARS[_last_price(item, moment)],
            "previous_yes_bid_dollars": _DOLLARS[previous_bid],
            "previous_yes_ask_dollars": _DOLLARS[previous_ask],
            "previous_price_dollars": _DOLLARS[_last_price(item, moment - _DAY_S)],
            "volume_fp": _count(volume),
            "volume_24h_fp": _count(volume - item.volume(moment - _DAY_S)),
            "open_interest_fp": "0.00",
        }

    # Books, trades, candles ------------------------------------------------------------------

    def book_body(self, item: ListedMarket, now: dt.datetime, *, depth: int) -> dict[str, Any]:
        """Return both sides' bids, ascending; ``depth`` 0 gives all levels."""
        book = item.book(now)
        yes = [[_DOLLARS[level.price_c], _count(level.count)] for level in book.bids]
        no = [[_DOLLARS[100 - level.price_c], _count(level.count)] for level in book.asks]
        if depth:
            yes, no = yes[:depth], no[:depth]
        return {"yes_dollars": yes[::-1], "no_dollars": no[::-1]}

    def trades(
        self,
        now: dt.datetime,
        *,
        ticker: str | None,
        min_ts: int | None,
        max_ts: int | None,
        before: int | None,
        limit: int,
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return trades newest first and the position before which the next page starts.

        ``min_ts`` and ``max_ts`` are Unix seconds, both inclusive; ``before`` is such a position.
        """
        last = unix(now) if max_ts is None else min(unix(now), max_ts)
        return self._feed.page(ticker=ticker, first=min_ts, last=last, before=before, limit=limit)

    def candles(
        self, item: ListedMarket, now: dt.datetime, *, start: int, end: int, minutes: int
    ) -> list[dict[str, Any]]:
        """Return completed candles whose inclusive ends lie in ``start..end`` (Unix seconds)."""
        opens, closes = unix(item.market.opens_at), unix(item.market.closes_at)
        step = minutes * 60
        first = max(-(-start // step), opens // step + 1) * step
        # The last candle is the one that holds the close, and only completed ones are told.
        final = min(end // step, unix(now) // step, -(-closes // step)) * step
        ends = np.arange(first, final + 1, step, dtype=np.int64)
        return _candle_bodies(item, ends, step) if len(ends) else []


class _Feed:
    """All trades of all markets in time order, for the public trade list."""

    def __init__(self, listed: list[ListedMarket]) -> None:
        self._tickers = [item.market.ticker for item in listed]
        sizes = [len(item.tape.trades.times) for item in listed]
        tapes = [item.tape.trades for item in listed]
        owner = np.repeat(np.arange(len(listed)), sizes)
        number = _joined([np.arange(size) for size in sizes])
        times = _joined([tape.times for tape in tapes])
        order = np.lexsort((number, owner, times))
        self._times, self._owner, self._number = times[order], owner[order], number[order]
        self._tapes = tapes
        self._of_ticker = {ticker: position for position, ticker in enumerate(self._tickers)}

    def page(
        self, *, ticker: str | None, first: int | None, last: int, before: int | None, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        end = int(np.searchsorted(self._times, last, side="right"))
        if before is not None:
            end = min(end, before)
        start = 0 if first is None else int(np.searchsorted(self._times, first, side="left"))
        positions = np.arange(start, max(start, end))
        if ticker is not None:
            owner = self._of_ticker.get(ticker, -1)
            positions = positions[self._owner[start : max(start, end)] == owner]
        chosen = positions[max(0, len(positions) - limit) :] if limit else positions[:0]
        more = len(positions) > len(chosen) and len(chosen) > 0
        bodies = [self._body(int(position)) for position in chosen[::-1]]
        return bodies, int(chosen[0]) if more else None

    def _body(self, position: int) -> dict[str, Any]:
        owner, number = int(self._owner[position]), int(self._number[position])
        ticker, tape = self._tickers[owner], self._tapes[owner]
        price, buys_yes = int(tape.prices[number]), bool(tape.yes_taker[number])
        moment = dt.datetime.fromtimestamp(int(tape.times[number]), tz=UTC)
        return {
            "trade_id": str(uuid.uuid5(_IDS, f"{ticker}:{number}")),
            "ticker": ticker,
            "count_fp": _count(int(tape.counts[number])),
            "yes_price_dollars": _DOLLARS[price],
            "no_price_dollars": _DOLLARS[100 - price],
            "taker_side": "yes" if buys_yes else "no",
            "taker_outcome_side": "yes" if buys_yes else "no",
            "taker_book_side": "bid" if buys_yes else "ask",
            "created_time": format_utc(moment),
            "is_block_trade": False,
        }


def _joined(parts: list[Any]) -> Any:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def unix(moment: dt.datetime) -> int:
    """Return whole Unix seconds, rounded down: a moment inside a second has not completed it."""
    return int(moment.timestamp() // 1)


def _event_key(item: ListedMarket) -> tuple[int, str, int]:
    market = item.market
    rung = -(10**6) if market.low_f is None else market.low_f
    return -unix(market.closes_at), market.event_ticker, rung


def _last_price(item: ListedMarket, moment: int) -> int:
    trades = item.tape.trades
    position = int(np.searchsorted(trades.times, moment, side="right"))
    return int(trades.prices[position - 1]) if position else 0


def _best(book: DerivedBook) -> tuple[int, int]:
    """Return best bid and ask in cents; an empty side shows 0 and 100, as the exchange does."""
    bid = book.bids[0].price_c if book.bids else 0
    ask = book.asks[0].price_c if book.asks else 100
    return bid, ask


def _count(contracts: int) -> str:
    return f"{contracts}.00"


def _long_day(day: dt.date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


def _short_day(day: dt.date) -> str:
    return f"{day:%b} {day.day}, {day.year}"


def _strikes(market: RecordedMarket) -> dict[str, Any]:
    if market.low_f is None and market.high_f is not None:
        return {"strike_type": "less", "cap_strike": market.high_f + 1}
    if market.high_f is None and market.low_f is not None:
        return {"strike_type": "greater", "floor_strike": market.low_f - 1}
    return {
        "strike_type": "between",
        "floor_strike": market.low_f,
        "cap_strike": market.high_f,
    }


def _condition(market: RecordedMarket) -> str:
    strikes = _strikes(market)
    if strikes["strike_type"] == "less":
        return f"less than {strikes['cap_strike']}°"
    if strikes["strike_type"] == "greater":
        return f"greater than {strikes['floor_strike']}°"
    return f"between {market.low_f}-{market.high_f}°"


def _short_condition(market: RecordedMarket) -> str:
    strikes = _strikes(market)
    if strikes["strike_type"] == "less":
        return f"<{strikes['cap_strike']}°"
    if strikes["strike_type"] == "greater":
        return f">{strikes['floor_strike']}°"
    return f"{market.low_f}-{market.high_f}°"


def _outcome(item: ListedMarket, now: dt.datetime) -> dict[str, Any]:
    if item.status(now) != "finalized":
        return {"result": "", "expiration_value": ""}
    return {
        "result": "yes" if item.market.won else "no",
        "expiration_value": f"{item.market.settled_high_f}.00",
        "settlement_value_dollars": _DOLLARS[100 if item.market.won else 0],
        "settlement_ts": format_utc(item.settles_at),
    }


def _settlement_sources(place: Place) -> list[dict[str, str]]:
    return [
        {
            "name": f"NWS Climatological Report {place.title_city}",
            "url": (
                f"https://forecast.weather.gov/product.php?site={place.office}&product=CLI"
                f"&issuedby={place.cli_site}"
            ),
        }
    ]


def _series_body(place: Place) -> dict[str, Any]:
    return {
        "ticker": place.series,
        "title": place.series_title,
        "frequency": "daily",
        "category": "Climate and Weather",
        "categories": ["Climate and Weather"],
        "tags": ["Daily temperature"],
        "settlement_sources": _settlement_sources(place),
        "contract_url": "",
        "contract_terms_url": "",
        "fee_type": "quadratic",
        "fee_multiplier": 1,
        "additional_prohibitions": [],
    }


def _candle_bodies(item: ListedMarket, ends: Any, step: int) -> list[dict[str, Any]]:
    trades = item.tape.trades
    # A quote changes at a trade or when it expires at a candle's edge; looking at both is enough.
    inside = trades.times[(trades.times > ends[0] - step) & (trades.times <= ends[-1])]
    moments = np.unique(np.concatenate([ends - step, ends, inside]))
    # After the close nobody quotes.
    moments = moments[moments < unix(item.market.closes_at)]
    bids, asks = item.tape.quotes(moments)
    bids, asks = np.where(bids < 0, 0, bids), np.where(asks < 0, 100, asks)
    bodies = []
    for end in ends:
        low = int(np.searchsorted(trades.times, end - step, side="right"))
        high = int(np.searchsorted(trades.times, end, side="right"))
        first = int(np.searchsorted(moments, end - step, side="left"))
        past = int(np.searchsorted(moments, end, side="right"))
        bodies.append(
            {
                "end_period_ts": int(end),
                "yes_bid": _distribution(bids[first:past]),
                "yes_ask": _distribution(asks[first:past]),
                "price": _price_distribution(item, low, high),
                "volume_fp": _count(int(trades.counts[low:high].sum())),
                "open_interest_fp": "0.00",
            }
        )
    return bodies


def _distribution(values: Any) -> dict[str, str]:
    return {
        "open_dollars": _DOLLARS[int(values[0])],
        "low_dollars": _DOLLARS[int(values.min())],
        "high_dollars": _DOLLARS[int(values.max())],
        "close_dollars": _DOLLARS[int(values[-1])],
    }


def _price_distribution(item: ListedMarket, low: int, high: int) -> dict[str, str]:
    trades = item.tape.trades
    body: dict[str, str] = {}
    if high > low:
        prices, counts = trades.prices[low:high], trades.counts[low:high]
        body = _distribution(prices)
        body["mean_dollars"] = f"{float((prices * counts).sum() / counts.sum()) / 100:.4f}"
    if low:
        body["previous_dollars"] = _DOLLARS[int(trades.prices[low - 1])]
    return body
