"""Public market data of the exchange (V2 REST). Reads only: no key, no order, no signature."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from django.conf import settings

from boz.core.errors import BozBaseException, DataUnavailable, InvalidDataError, TransientError
from boz.core.http import Captured, HttpTransport
from boz.core.schemas import SkippedSubject
from boz.core.service_client import ServiceClient
from markets.clients.kalshi.objects import (
    ExchangeBook,
    ExchangeEvent,
    ExchangeMarket,
    ExchangeObject,
    ExchangeSeries,
    ExchangeTrade,
    read_object,
)

SOURCE = "kalshi"
#: Limits of the interface: page sizes, and tickers in one call.
EVENTS_PER_PAGE = 200
MARKETS_PER_PAGE = 1000
TRADES_PER_PAGE = 1000
BOOKS_PER_CALL = 100
#: Far beyond any honest listing; ends a cursor that never does.
MAX_PAGES = 10_000

Item = TypeVar("Item", bound=ExchangeObject)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A complete listing, and the objects of it that could not be read, each with its reason."""

    items: tuple[Item, ...]
    refused: tuple[SkippedSubject, ...] = ()


class KalshiMarketData(ServiceClient):
    """Reads series, events, markets, books and trades.

    One unreadable object never hides the others: listings carry what was refused beside what was
    read.
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
        """Return one series with its fee.

        Raises:
            DataUnavailable: If the exchange does not list it.
        """
        body = self._get(f"/series/{ticker}")
        return read_object(ExchangeSeries, _member(body, "series"), what=f"series {ticker}")

    def events(self, *, series_ticker: str, status: str = "open") -> Listing[ExchangeEvent]:
        """Return a series' events with all their markets, read to the last page."""
        params = {
            "series_ticker": series_ticker,
            "status": status,
            "with_nested_markets": "true",
            "limit": EVENTS_PER_PAGE,
        }
        payloads = self._pages("/events", params, key="events")
        return _listing(ExchangeEvent, payloads, name="event_ticker")

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
            "limit": MARKETS_PER_PAGE,
        }
        return _listing(
            ExchangeMarket, self._pages("/markets", params, key="markets"), name="ticker"
        )

    def historical_markets(self, *, tickers: Sequence[str]) -> Listing[ExchangeMarket]:
        """Return settled markets that have left the live tier."""
        params = {"tickers": ",".join(tickers), "limit": MARKETS_PER_PAGE}
        payloads = self._pages("/historical/markets", params, key="markets")
        return _listing(ExchangeMarket, payloads, name="ticker")

    def orderbooks(self, tickers: Sequence[str]) -> Listing[ExchangeBook]:
        """Return the books of many markets, a hundred per call.

        One market that the exchange does not know is refused alone, not with its hundred.
        """
        payloads: list[Any] = []
        unknown: list[SkippedSubject] = []
        for start in range(0, len(tickers), BOOKS_PER_CALL):
            self._books(list(tickers[start : start + BOOKS_PER_CALL]), payloads, unknown)
        listing = _listing(ExchangeBook, payloads, name="ticker")
        return Listing(listing.items, (*listing.refused, *unknown))

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
        payloads.extend(_members(body, "orderbooks"))

    def trades(
        self, *, ticker: str, since: dt.datetime | None = None, until: dt.datetime | None = None
    ) -> Listing[ExchangeTrade]:
        """Return a market's public trades, newest first, read to the last page."""
        params = {
            "ticker": ticker,
            "min_ts": None if since is None else int(since.timestamp()),
            "max_ts": None if until is None else int(until.timestamp()),
            "limit": TRADES_PER_PAGE,
        }
        payloads = self._pages("/markets/trades", params, key="trades")
        return _listing(ExchangeTrade, payloads, name="trade_id")

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._http.get_json(path, params=params)
        except (DataUnavailable, TransientError) as error:
            raise _told(error) from error

    def _pages(self, path: str, params: Mapping[str, Any], *, key: str) -> Iterator[Any]:
        cursor: str | None = None
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            body = self._get(path, {**params, "cursor": cursor})
            yield from _members(body, key)
            cursor = body.get("cursor") or None
            if cursor is None:
                return
            if cursor in seen:
                raise TransientError(
                    "The exchange repeats a page, so its listing is not complete.",
                    {"source": SOURCE, "path": path, "cursor": cursor[:80]},
                )
            seen.add(cursor)
        raise TransientError(
            f"The exchange's listing does not end after {MAX_PAGES} pages.",
            {"source": SOURCE, "path": path},
        )


def error_code_and_message(body: str) -> tuple[str, str]:
    """Read an error body of the exchange in any of its shapes; parts not told are empty.

    ``{"code", "message"}``, the same under ``error``, or ``{"error": "text"}``. A body cut short is
    searched for the two fields.
    """
    try:
        parsed = json.loads(body)
    except ValueError:
        return _search(body, "code"), _search(body, "message")
    if not isinstance(parsed, dict):
        return "", ""
    inner = parsed.get("error", parsed)
    if isinstance(inner, str):
        return "", inner
    if not isinstance(inner, dict):
        return "", ""
    return str(inner.get("code") or ""), str(inner.get("message") or "")


def _told(error: BozBaseException) -> BozBaseException:
    code, message = error_code_and_message(str(error.context.get("excerpt", "")))
    if not code and not message:
        return error
    told = ": ".join(part for part in (code, message) if part)
    return type(error)(f"{error.message} It says: {told}", {**error.context, "code": code})


def _search(text: str, field: str) -> str:
    found = re.search(rf'"{field}"\s*:\s*"([^"]*)"', text)
    return "" if found is None else found.group(1)


def _member(body: Any, key: str) -> Any:
    if not isinstance(body, dict) or key not in body:
        raise InvalidDataError(
            f"The exchange's answer cannot be used: the field '{key}' is missing.", {"field": key}
        )
    return body[key]


def _members(body: Any, key: str) -> list[Any]:
    members = _member(body, key)
    if members is None:
        return []
    if not isinstance(members, list):
        raise InvalidDataError(
            f"The exchange's answer cannot be used: '{key}' is no list.", {"field": key}
        )
    return members


def _listing(kind: type[Item], payloads: Iterator[Any] | list[Any], *, name: str) -> Listing[Item]:
    items: list[Item] = []
    refused: list[SkippedSubject] = []
    for number, payload in zip(itertools.count(1), payloads, strict=False):
        known = payload.get(name) if isinstance(payload, dict) else None
        subject = str(known or f"{kind.__name__} number {number}")
        try:
            items.append(read_object(kind, payload, what=subject))
        except InvalidDataError as error:
            context = {"fields": error.context.get("fields", [])}
            refused.append(SkippedSubject(subject=subject, reason=error.message, context=context))
    return Listing(tuple(items), tuple(refused))
