"""A scripted exchange behind httpx.MockTransport, and builders of its payloads."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from boz.core.clock import format_utc
from boz.core.http import HttpTransport
from markets.clients.kalshi import KalshiMarketData
from markets.tests.factories import CENT_GRID, NWS_SOURCES, SIX_RUNGS

PAYLOADS = Path(__file__).parent / "payloads"
BASE = "http://exchange.test/trade-api/v2"
Answer = Callable[[httpx.Request], httpx.Response]


def payload(name: str) -> Any:
    """Return a captured answer."""
    return json.loads((PAYLOADS / name).read_text(encoding="utf-8"))


def client_of(answer: Answer) -> KalshiMarketData:
    """Return a reader whose calls go to ``answer``, without retries."""
    return KalshiMarketData(
        HttpTransport(
            base_url=BASE,
            source="kalshi",
            retries=0,
            transport=httpx.MockTransport(answer),
            sleep=lambda _: None,
        )
    )


def market_body(
    event_ticker: str,
    rung: tuple[int | None, int | None],
    *,
    close_time: dt.datetime,
    **fields: Any,
) -> dict[str, Any]:
    """Return a market as listed; the label is nonsense on purpose."""
    low, high = rung
    if low is None:
        name, strikes = f"T{high + 1}", {"strike_type": "less", "cap_strike": high + 1}
        condition = f"less than {high + 1}°"
    elif high is None:
        name, strikes = f"T{low - 1}", {"strike_type": "greater", "floor_strike": low - 1}
        condition = f"greater than {low - 1}°"
    else:
        name = f"B{low}.5"
        strikes = {"strike_type": "between", "floor_strike": low, "cap_strike": high}
        condition = f"between {low}-{high}°"
    day = close_time - dt.timedelta(hours=6)
    return {
        "ticker": f"{event_ticker}-{name}",
        "event_ticker": event_ticker,
        "yes_sub_title": "999° or above",
        "status": "active",
        "open_time": format_utc(close_time - dt.timedelta(hours=38)),
        "close_time": format_utc(close_time),
        "rules_primary": f"If the highest temperature recorded in Central Park, New York for "
        f"{day:%B} {day.day}, {day.year} as reported by the National Weather Service's "
        f"Climatological Report (Daily), is {condition}, then the market resolves to Yes.",
        "rules_secondary": "Preliminary reports do not count.",
        "price_ranges": CENT_GRID,
        "volume_fp": "12.00",
        "yes_bid_dollars": "0.0000",
        "yes_ask_dollars": "1.0000",
        "last_price_dollars": "0.0000",
        "result": "",
        "expiration_value": "",
        **strikes,
        **fields,
    }


def candle_body(
    end: dt.datetime,
    *,
    close: str | None = "0.5000",
    volume: str = "3.00",
    bid: str = "0.4800",
    ask: str = "0.5200",
) -> dict[str, Any]:
    """Return a candle of the live tier whose prices never moved; None is one without trades."""
    sides = ("open", "high", "low", "close")
    return {
        "end_period_ts": int(end.timestamp()),
        "yes_bid": {f"{side}_dollars": bid for side in sides},
        "yes_ask": {f"{side}_dollars": ask for side in sides},
        "price": {f"{side}_dollars": close for side in (*sides, "mean", "previous")},
        "volume_fp": "0.00" if close is None else volume,
        "open_interest_fp": "10.00",
    }


def _in_span(bodies: list[dict[str, Any]], query: httpx.QueryParams) -> list[dict[str, Any]]:
    first, last = int(query["start_ts"]), int(query["end_ts"])
    return [body for body in bodies if first <= body["end_period_ts"] <= last]


class FakeExchange:
    """An exchange with one series; tests change its state between syncs."""

    def __init__(self, *, series: str = "KXHIGHNY") -> None:
        self.series_body: dict[str, Any] = {
            "ticker": series,
            "title": "Highest temperature in NYC",
            "settlement_sources": list(NWS_SOURCES),
            "fee_type": "quadratic",
            "fee_multiplier": 1,
        }
        self.events: dict[str, dict[str, Any]] = {}
        self.books: dict[str, Any] = {}
        self.status: dict[str, Any] = {"exchange_active": True, "trading_active": True}
        self.schedule: dict[str, Any] = {"standard_hours": [], "maintenance_windows": []}
        self.series_fee_changes: list[dict[str, Any]] = []
        self.event_fee_changes: list[dict[str, Any]] = []
        self.candles: dict[str, list[dict[str, Any]]] = {}
        #: Markets that have left the live tier.
        self.moved: set[str] = set()
        self.calls: list[httpx.URL] = []
        self.client = client_of(self._answer)

    def list_event(
        self,
        day: dt.date,
        *,
        rungs: Sequence[tuple[int | None, int | None]] = SIX_RUNGS,
        close_time: dt.datetime | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """List an event of New York and return its body, which a test may change."""
        ticker = f"{self.series_body['ticker']}-{day:%y%b%d}".upper()
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(5), tzinfo=dt.UTC)
        close_time = close_time or end - dt.timedelta(minutes=1)
        body = {
            "event_ticker": ticker,
            "series_ticker": self.series_body["ticker"],
            "title": "Highest temperature in NYC?",
            "settlement_sources": list(NWS_SOURCES),
            "markets": [market_body(ticker, rung, close_time=close_time) for rung in rungs],
            **fields,
        }
        self.events[ticker] = body
        return body

    def settle(self, event: dict[str, Any], *, high_f: int, at: dt.datetime) -> None:
        """Finalize an event's markets on a high."""
        for market in event["markets"]:
            low, cap = market.get("floor_strike"), market.get("cap_strike")
            kind = market["strike_type"]
            won = (
                high_f < cap
                if kind == "less"
                else high_f > low
                if kind == "greater"
                else low <= high_f <= cap
            )
            market.update(
                status="finalized",
                result="yes" if won else "no",
                expiration_value=f"{high_f}.00",
                settlement_value_dollars="1.0000" if won else "0.0000",
                settlement_ts=format_utc(at),
            )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request.url)
        path = request.url.path.removeprefix("/trade-api/v2")
        query = request.url.params
        if path == "/exchange/status":
            return httpx.Response(200 if self.status["exchange_active"] else 503, json=self.status)
        if path == "/exchange/schedule":
            return httpx.Response(200, json={"schedule": self.schedule})
        if path == "/series/fee_changes":
            return httpx.Response(200, json={"series_fee_change_arr": self.series_fee_changes})
        if path == "/events/fee_changes":
            return httpx.Response(
                200, json={"event_fee_changes": self.event_fee_changes, "cursor": ""}
            )
        if path == "/markets/candlesticks":
            found = [
                {"market_ticker": ticker, "candlesticks": _in_span(self.candles[ticker], query)}
                for ticker in query["market_tickers"].split(",")
                if ticker in self.candles
            ]
            return httpx.Response(200, json={"markets": found})
        if path.startswith("/series/"):
            return httpx.Response(200, json={"series": self.series_body})
        if path == "/events":
            open_events = [
                event
                for event in self.events.values()
                if any(market.get("status") == "active" for market in event["markets"])
            ]
            return httpx.Response(200, json={"events": open_events, "cursor": ""})
        if path in ("/markets", "/historical/markets"):
            is_past = path.startswith("/historical")
            wanted = [
                ticker
                for ticker in query["tickers"].split(",")
                if (ticker in self.moved) is is_past
            ]
            markets = [
                market
                for event in self.events.values()
                for market in event["markets"]
                if market["ticker"] in wanted
            ]
            return httpx.Response(200, json={"markets": markets, "cursor": ""})
        if path == "/markets/orderbooks":
            books = [
                {"ticker": ticker, "orderbook_fp": self.books[ticker]}
                for ticker in query.get_list("tickers")
                if ticker in self.books
            ]
            return httpx.Response(200, json={"orderbooks": books})
        return httpx.Response(404, json={"error": {"code": "not_found", "message": "no"}})
