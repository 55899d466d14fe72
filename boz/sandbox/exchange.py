"""The exchange as of a simulated moment: series, events, markets, books, trades, candles.

Pure: every method takes ``now`` and looks at nothing later. Shapes are those of the exchange's
V2 REST interface. What the recordings do not hold is derived from trades (quotes, books, volumes)
or reported as zero (open interest).
"""

from __future__ import annotations

import copy
import datetime as dt
import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
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

#: Which statuses of a market each word of ``GET /markets?status=`` means.
STATUS_FILTERS = {
    "unopened": frozenset({"initialized"}),
    "open": frozenset({"active"}),
    "paused": frozenset({"inactive"}),
    "closed": frozenset({"closed", "determined", "disputed", "amended"}),
    "settled": frozenset({"finalized"}),
}
#: From the result to the payment, so that it may be disputed.
SETTLEMENT_TIMER = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Life:
    """When a market appears, opens, closes, has a result and pays.

    Attributes:
        created_at: From when on it is listed.
        opens_at: From when on it trades.
        closes_at: When trading ends.
        determined_at: When its result is told.
        settles_at: When it pays, the settlement timer after the last result.
        won: Whether YES is paid.
        amended_at: When the result was told anew; None when the first one stands.
        won_before: What the result was before it was amended.
    """

    created_at: dt.datetime
    opens_at: dt.datetime
    closes_at: dt.datetime
    determined_at: dt.datetime
    settles_at: dt.datetime
    won: bool
    amended_at: dt.datetime | None = None
    won_before: bool | None = None

    @classmethod
    def of(cls, market: RecordedMarket) -> Life:
        """Return the life that a recorded market had."""
        settles = dt.datetime.combine(market.day + dt.timedelta(days=1), _SETTLES_AT, tzinfo=UTC)
        return cls(
            created_at=market.opens_at - _CREATED_BEFORE_OPEN,
            opens_at=market.opens_at,
            closes_at=market.closes_at,
            determined_at=settles - SETTLEMENT_TIMER,
            settles_at=settles,
            won=market.won,
        )

    def ended_early(self, at: dt.datetime, *, won: bool) -> Life:
        """Return the life of a market whose result is known at ``at`` already."""
        return replace(
            self,
            closes_at=min(self.closes_at, at),
            determined_at=at,
            settles_at=at + SETTLEMENT_TIMER,
            won=won,
        )

    def amended(self, at: dt.datetime, *, won: bool) -> Life:
        """Return the life of a market whose result is told anew.

        Before it has paid, the settlement timer starts again; afterwards the payment is corrected.
        """
        return replace(
            self,
            amended_at=at,
            won_before=self.won,
            won=won,
            settles_at=max(self.settles_at, at) if self.is_paid(at) else at + SETTLEMENT_TIMER,
        )

    def is_paid(self, now: dt.datetime) -> bool:
        """Say whether the first payment has been made."""
        return now >= self.settles_at

    def status(self, now: dt.datetime) -> str | None:
        """Return the exchange's status word, or None while the market does not exist."""
        if now < self.created_at:
            return None
        if now < self.closes_at:
            return "initialized" if now < self.opens_at else "active"
        if now < self.determined_at:
            return "closed"
        if now >= self.settles_at:
            return "finalized"
        return "determined" if self.amended_at is None or now < self.amended_at else "amended"

    def result(self, now: dt.datetime) -> bool | None:
        """Return whether YES is paid, as told by now; None while nothing is told."""
        if now < self.determined_at:
            return None
        if self.amended_at is not None and now < self.amended_at:
            return self.won_before
        return self.won

    def steps(self) -> tuple[dt.datetime, ...]:
        """Return the moments at which the status or the result changes."""
        steps = (
            self.created_at, self.opens_at, self.closes_at, self.determined_at, self.settles_at
        )  # fmt: skip
        return steps if self.amended_at is None else (*steps, self.amended_at)


@dataclass(frozen=True, slots=True)
class LastTrade:
    """YES price in dollars, contracts and time of a trade."""

    price: Decimal
    count: Decimal
    at: dt.datetime


@dataclass(frozen=True, slots=True, eq=False)
class ListedMarket:
    """A recorded market with its life on the exchange."""

    market: RecordedMarket
    place: Place
    tape: MarketTape
    volumes: np.ndarray[Any, np.dtype[np.int64]]
    life: Life

    @classmethod
    def of(cls, market: RecordedMarket, tape: MarketTape) -> ListedMarket:
        """Add the times at which the market appears and settles."""
        return cls(
            market=market,
            place=BY_CITY[market.city],
            tape=tape,
            volumes=np.concatenate(([0], np.cumsum(tape.trades.counts))),
            life=Life.of(market),
        )

    @property
    def ticker(self) -> str:
        """Return the market's ticker."""
        return self.market.ticker

    def status(self, now: dt.datetime) -> str | None:
        """Return the exchange's status word, or None while the market does not exist."""
        return self.life.status(now)

    def updated_at(self, now: dt.datetime) -> dt.datetime:
        """Return when the status last changed."""
        return max(step for step in self.life.steps() if step <= now)

    def book(self, now: dt.datetime) -> DerivedBook:
        """Return the derived book; empty unless the market is active."""
        return self.tape.book(unix(now)) if self.status(now) == "active" else _NO_BOOK

    def last_trade(self, moment: int) -> LastTrade | None:
        """Return the last trade at or before a Unix second, or None."""
        trades = self.tape.trades
        position = int(np.searchsorted(trades.times, moment, side="right")) - 1
        if position < 0:
            return None
        return LastTrade(
            price=Decimal(int(trades.prices[position])).scaleb(-2),
            count=Decimal(int(trades.counts[position])),
            at=dt.datetime.fromtimestamp(int(trades.times[position]), tz=UTC),
        )

    def volume(self, moment: int) -> int:
        """Return the contracts traded at or before a Unix second."""
        return int(self.volumes[np.searchsorted(self.tape.trades.times, moment, side="right")])


@dataclass(frozen=True, slots=True)
class TradePage:
    """Trades with their positions, newest first, and whether older ones follow."""

    rows: list[tuple[int, dict[str, Any]]]
    has_more: bool


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

    def with_life(self, ticker: str, life: Life) -> Exchange:
        """Return the exchange with another life of one market; this one stays as it is."""
        changed = replace(self._by_ticker[ticker], life=life)

        def swapped(items: list[ListedMarket]) -> list[ListedMarket]:
            return [changed if item.ticker == ticker else item for item in items]

        other = copy.copy(self)
        other._markets = swapped(self._markets)
        other._by_ticker = self._by_ticker | {ticker: changed}
        other._events = {event: swapped(items) for event, items in self._events.items()}
        return other

    def listed_market(self, ticker: str) -> ListedMarket:
        """Return a market by its ticker, also one that does not exist yet."""
        return self._by_ticker[ticker]

    def listed(self) -> list[ListedMarket]:
        """Return every market, also those that do not exist yet."""
        return self._markets

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
        self,
        items: list[ListedMarket],
        now: dt.datetime,
        *,
        markets: Sequence[dict[str, Any]] | None,
    ) -> dict[str, Any]:
        """Return an event as the exchange writes it, with ``markets`` in it unless None."""
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
            "exchange_index": 0,
            "last_updated_ts": format_utc(max(item.updated_at(now) for item in items)),
        }
        if markets is not None:
            body["markets"] = list(markets)
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
            "created_time": format_utc(item.life.created_at),
            "updated_time": format_utc(item.updated_at(now)),
            "open_time": format_utc(market.opens_at),
            "close_time": format_utc(item.life.closes_at),
            "expected_expiration_time": format_utc(market.opens_at + dt.timedelta(days=2)),
            "expiration_time": format_utc(latest),
            "latest_expiration_time": format_utc(latest),
            "settlement_timer_seconds": int(SETTLEMENT_TIMER.total_seconds()),
            "status": item.status(now),
            "exchange_index": 0,
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
    ) -> TradePage:
        """Return trades newest first with their positions.

        ``min_ts`` and ``max_ts`` are Unix seconds, both inclusive; ``before`` is such a position.
        """
        last = unix(now) if max_ts is None else min(unix(now), max_ts)
        return self._feed.page(ticker=ticker, first=min_ts, last=last, before=before, limit=limit)

    def candles(
        self, item: ListedMarket, now: dt.datetime, *, start: int, end: int, minutes: int
    ) -> list[dict[str, Any]]:
        """Return completed candles whose inclusive ends lie in ``start..end`` (Unix seconds)."""
        opens, closes = unix(item.market.opens_at), unix(item.life.closes_at)
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
    ) -> TradePage:
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
        rows = [(int(position), self._body(int(position))) for position in chosen[::-1]]
        return TradePage(rows, has_more=more)

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
    won = item.life.result(now)
    if won is None:
        return {"result": "", "expiration_value": ""}
    body = {
        "result": "yes" if won else "no",
        "expiration_value": f"{item.market.settled_high_f}.00",
        "settlement_value_dollars": _DOLLARS[100 if won else 0],
    }
    if item.status(now) == "finalized":
        body["settlement_ts"] = format_utc(item.life.settles_at)
    return body


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
        "exchange_index": 0,
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
    moments = moments[moments < unix(item.life.closes_at)]
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
