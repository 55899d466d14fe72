"""Public market data of the exchange (V2 REST). Reads only: no key, no order, no signature."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import quote

from django.conf import settings

from boz.core.errors import BozBaseException, DataUnavailable
from boz.core.http import Captured, HttpTransport
from boz.core.schemas import SkippedSubject
from boz.core.service_client import ServiceClient
from markets.clients.kalshi.errors import told
from markets.clients.kalshi.listing import Listing, listing, member, members, paged_members
from markets.clients.kalshi.objects import (
    EventFeeChange,
    ExchangeBook,
    ExchangeCandle,
    ExchangeEvent,
    ExchangeMarket,
    ExchangeSchedule,
    ExchangeSeries,
    ExchangeStatus,
    ExchangeTrade,
    HistoricalCutoff,
    PastEvent,
    SeriesFeeChange,
    UserDataTimestamp,
)
from markets.clients.kalshi.wire import read_object

SOURCE: Final = "kalshi"
#: Limits of the interface: page sizes, and tickers in one call.
EVENTS_PER_PAGE: Final = 200
PER_PAGE: Final = 1000
BOOKS_PER_CALL: Final = 100
CANDLE_MARKETS_PER_CALL: Final = 100
#: Lengths of a candle that the exchange keeps, minutes.
CANDLE_MINUTES: Final = (1, 60, 1440)
#: The exchange tells that it is closed with these, its state in the body.
STATUS_ANSWERS: Final = frozenset({500, 503, 504})


class KalshiMarketData(ServiceClient):
    """Reads series, events, markets, books, trades, candles, fees and the exchange's state.

    One unreadable object never hides the others: listings carry what was refused beside what was
    read. Every call raises TransientError when no proper answer comes, and
    :class:`markets.clients.kalshi.NotListed` when the exchange knows no such thing.
    """

    @classmethod
    def from_settings(cls, *, capture: Callable[[Captured], None] | None = None) -> Self:
        """Return a reader of the exchange that the settings name."""
        return cls(
            HttpTransport(
                base_url=settings.KALSHI_API_URL,
                source=SOURCE,
                rate_per_second=settings.KALSHI_RATE_LIMIT_PER_SECOND,
                capture=capture,
            )
        )

    def series(self, ticker: str) -> ExchangeSeries:
        """Return one series with its fee."""
        body = self._get(f"/series/{_segment(ticker)}")
        return read_object(ExchangeSeries, member(body, "series"), what=f"series {ticker}")

    def series_list(
        self, *, category: str | None = None, tags: Sequence[str] = ()
    ) -> Listing[ExchangeSeries]:
        """Return all series of a category (exact spelling) that carry the tags; one page."""
        body = self._get("/series", {"category": category, "tags": ",".join(tags) or None})
        return listing(ExchangeSeries, members(body, "series"), name="ticker")

    def series_fee_changes(
        self, *, series_ticker: str | None = None, show_historical: bool = False
    ) -> Listing[SeriesFeeChange]:
        """Return announced changes of series' fees, with ``show_historical`` also past ones."""
        params = {"series_ticker": series_ticker, "show_historical": _flag(show_historical)}
        body = self._get("/series/fee_changes", params)
        return listing(SeriesFeeChange, members(body, "series_fee_change_arr"), name="id")

    def event_fee_changes(self, *, event_ticker: str | None = None) -> Listing[EventFeeChange]:
        """Return changes of fees that hold for single events, read to the last page."""
        params = {"event_ticker": event_ticker, "limit": PER_PAGE}
        payloads = paged_members(self._get, "/events/fee_changes", params, key="event_fee_changes")
        return listing(EventFeeChange, payloads, name="id")

    def event(self, event_ticker: str) -> ExchangeEvent:
        """Return one event with its markets; those in the historical tier are left out."""
        body = self._get(f"/events/{_segment(event_ticker)}", {"with_nested_markets": _flag(True)})
        return read_object(ExchangeEvent, member(body, "event"), what=f"event {event_ticker}")

    def events(
        self,
        *,
        series_ticker: str,
        status: str | None = "open",
        closes_after: dt.datetime | None = None,
    ) -> Listing[ExchangeEvent]:
        """Return a series' events with all their markets, read to the last page.

        Args:
            series_ticker: The series.
            status: ``unopened``, ``open``, ``closed`` or ``settled``; None for all.
            closes_after: Only events with a market that closes later.
        """
        params = {
            "series_ticker": series_ticker,
            "status": status,
            "with_nested_markets": _flag(True),
            "min_close_ts": seconds(closes_after),
            "limit": EVENTS_PER_PAGE,
        }
        payloads = paged_members(self._get, "/events", params, key="events")
        return listing(ExchangeEvent, payloads, name="event_ticker")

    def past_events(
        self, *, series_ticker: str, closes_after: dt.datetime | None = None
    ) -> Listing[PastEvent]:
        """Return all events of a series, read to the last page.

        Events never leave the live tier, but their markets do and are then left out here; nor are
        such events sure to be found by a status, which looks at the markets.
        """
        params = {
            "series_ticker": series_ticker,
            "with_nested_markets": _flag(True),
            "min_close_ts": seconds(closes_after),
            "limit": EVENTS_PER_PAGE,
        }
        payloads = paged_members(self._get, "/events", params, key="events")
        return listing(PastEvent, payloads, name="event_ticker")

    def market(self, ticker: str) -> ExchangeMarket:
        """Return one market of the live tier."""
        return self._market(f"/markets/{_segment(ticker)}", ticker)

    def historical_market(self, ticker: str) -> ExchangeMarket:
        """Return one settled market that has left the live tier."""
        return self._market(f"/historical/markets/{_segment(ticker)}", ticker)

    def markets(
        self,
        *,
        tickers: Sequence[str] = (),
        event_ticker: str | None = None,
        series_ticker: str | None = None,
        status: str | None = None,
    ) -> Listing[ExchangeMarket]:
        """Return markets, read to the last page; at most one status per call."""
        params = {
            "tickers": ",".join(tickers) or None,
            "event_ticker": event_ticker,
            "series_ticker": series_ticker,
            "status": status,
            "limit": PER_PAGE,
        }
        payloads = paged_members(self._get, "/markets", params, key="markets")
        return listing(ExchangeMarket, payloads, name="ticker")

    def historical_markets(
        self,
        *,
        tickers: Sequence[str] = (),
        event_ticker: str | None = None,
        series_ticker: str | None = None,
    ) -> Listing[ExchangeMarket]:
        """Return settled markets that have left the live tier; the filters exclude each other.

        Raises:
            ValueError: If not exactly one filter is given.
        """
        if sum(map(bool, (tickers, event_ticker, series_ticker))) != 1:
            raise ValueError("historical markets take exactly one filter")
        params = {
            "tickers": ",".join(tickers) or None,
            "event_ticker": event_ticker,
            "series_ticker": series_ticker,
            "limit": PER_PAGE,
        }
        payloads = paged_members(self._get, "/historical/markets", params, key="markets")
        return listing(ExchangeMarket, payloads, name="ticker")

    def orderbook(self, ticker: str) -> ExchangeBook:
        """Return the whole book of one market."""
        body = self._get(f"/markets/{_segment(ticker)}/orderbook")
        payload = {"ticker": ticker, "orderbook_fp": member(body, "orderbook_fp")}
        return read_object(ExchangeBook, payload, what=f"the book of {ticker}")

    def orderbooks(self, tickers: Sequence[str]) -> Listing[ExchangeBook]:
        """Return the books of many markets, a hundred per call.

        One market that the exchange does not know is refused alone, not with its hundred.
        """
        payloads: list[Any] = []
        unknown: list[SkippedSubject] = []
        for start in range(0, len(tickers), BOOKS_PER_CALL):
            self._books(list(tickers[start : start + BOOKS_PER_CALL]), payloads, unknown)
        books = listing(ExchangeBook, payloads, name="ticker")
        return Listing(books.items, (*books.refused, *unknown))

    def trades(
        self, *, ticker: str, since: dt.datetime | None = None, until: dt.datetime | None = None
    ) -> Listing[ExchangeTrade]:
        """Return a market's public trades of the live tier, newest first, to the last page."""
        return self._trades("/markets/trades", ticker, since, until)

    def historical_trades(
        self, *, ticker: str, since: dt.datetime | None = None, until: dt.datetime | None = None
    ) -> Listing[ExchangeTrade]:
        """Return a market's public trades that have left the live tier, to the last page."""
        return self._trades("/historical/trades", ticker, since, until)

    def candles(
        self,
        *,
        series_ticker: str,
        ticker: str,
        since: dt.datetime,
        until: dt.datetime,
        minutes: int,
    ) -> Listing[ExchangeCandle]:
        """Return a market's candles of the live tier.

        Args:
            series_ticker: The market's series.
            ticker: The market.
            since: Start of the time asked for.
            until: Its end.
            minutes: Length of a candle: 1, 60 or 1440.
        """
        path = f"/series/{_segment(series_ticker)}/markets/{_segment(ticker)}/candlesticks"
        return self._candles(path, since, until, minutes)

    def historical_candles(
        self, *, ticker: str, since: dt.datetime, until: dt.datetime, minutes: int
    ) -> Listing[ExchangeCandle]:
        """Return a market's candles that have left the live tier; arguments as before.

        A refusal here may pass: the exchange answers 404 at times for candles it has.
        """
        path = f"/historical/markets/{_segment(ticker)}/candlesticks"
        return self._candles(path, since, until, minutes)

    def candles_of_many(
        self, tickers: Sequence[str], *, since: dt.datetime, until: dt.datetime, minutes: int
    ) -> dict[str, Listing[ExchangeCandle]]:
        """Return candles of up to a hundred markets of the live tier, at most 10,000 together.

        Raises:
            ValueError: If more markets are asked for.
        """
        if len(tickers) > CANDLE_MARKETS_PER_CALL:
            raise ValueError(f"at most {CANDLE_MARKETS_PER_CALL} markets in one call")
        params = {"market_tickers": ",".join(tickers), **_span(since, until, minutes)}
        found = members(self._get("/markets/candlesticks", params), "markets")
        return {
            str(member(body, "market_ticker")): listing(
                ExchangeCandle, members(body, "candlesticks"), name="end_period_ts"
            )
            for body in found
        }

    def exchange_status(self) -> ExchangeStatus:
        """Return whether the exchange is open; when it is not, it says so with a 5xx."""
        body = self._get("/exchange/status", accept=STATUS_ANSWERS)
        return read_object(ExchangeStatus, body, what="the exchange's state")

    def exchange_schedule(self) -> ExchangeSchedule:
        """Return the exchange's hours and its announced maintenance."""
        body = self._get("/exchange/schedule")
        return read_object(
            ExchangeSchedule, member(body, "schedule"), what="the exchange's schedule"
        )

    def historical_cutoff(self) -> HistoricalCutoff:
        """Return up to when data has moved to the historical tier."""
        return read_object(
            HistoricalCutoff, self._get("/historical/cutoff"), what="the historical cutoff"
        )

    def user_data_as_of(self) -> dt.datetime:
        """Return up to when reads of an account show what the matching engine did."""
        body = self._get("/exchange/user_data_timestamp")
        return read_object(UserDataTimestamp, body, what="the time of account data").as_of_time

    def _market(self, path: str, ticker: str) -> ExchangeMarket:
        return read_object(ExchangeMarket, member(self._get(path), "market"), what=ticker)

    def _trades(
        self, path: str, ticker: str, since: dt.datetime | None, until: dt.datetime | None
    ) -> Listing[ExchangeTrade]:
        params = {
            "ticker": ticker,
            "min_ts": seconds(since),
            "max_ts": seconds(until),
            "limit": PER_PAGE,
        }
        payloads = paged_members(self._get, path, params, key="trades")
        return listing(ExchangeTrade, payloads, name="trade_id")

    def _candles(
        self, path: str, since: dt.datetime, until: dt.datetime, minutes: int
    ) -> Listing[ExchangeCandle]:
        body = self._get(path, _span(since, until, minutes))
        return listing(ExchangeCandle, members(body, "candlesticks"), name="end_period_ts")

    def _books(
        self, tickers: list[str], payloads: list[Any], unknown: list[SkippedSubject]
    ) -> None:
        try:
            body = self._get("/markets/orderbooks", {"tickers": tickers})
        except DataUnavailable as error:
            if len(tickers) == 1:
                unknown.append(SkippedSubject(subject=tickers[0], reason=error.message))
                return
            middle = len(tickers) // 2
            self._books(tickers[:middle], payloads, unknown)
            self._books(tickers[middle:], payloads, unknown)
            return
        payloads.extend(members(body, "orderbooks"))

    def _get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        accept: frozenset[int] = frozenset(),
    ) -> Any:
        try:
            return self._http.get_json(path, params=params, accept=accept)
        except BozBaseException as error:
            raise told(error) from error


def seconds(moment: dt.datetime | None) -> int | None:
    """Return a moment as the Unix seconds that filters take, rounded down."""
    return None if moment is None else int(moment.timestamp())


def _span(since: dt.datetime, until: dt.datetime, minutes: int) -> dict[str, Any]:
    if minutes not in CANDLE_MINUTES:
        raise ValueError(f"candles have 1, 60 or 1440 minutes, asked for {minutes}")
    return {
        "start_ts": seconds(since),
        "end_ts": seconds(until),
        "period_interval": minutes,
    }


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _segment(name: str) -> str:
    """Return a name as one segment of a path."""
    return quote(name, safe="")
