"""An exchange whose settled data moves from its live tier to the historical one as it is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx

from boz.core.clock import format_utc
from markets.clients.kalshi import KalshiMarketData
from markets.tests.exchange import FakeExchange, candle_body, client_of
from markets.tests.factories import SIX_RUNGS

PAGE = 4


class PastExchange:
    """Settled events of New York; ``moved`` holds the markets that left the live tier.

    Args:
        on_call: Called with the path before each answer, so that a test may move the border.
    """

    def __init__(self, on_call: Callable[[str], None] = lambda path: None) -> None:
        self.cutoff = dt.datetime(2024, 11, 1, tzinfo=dt.UTC)
        self.events: dict[str, dict[str, Any]] = {}
        self.moved: set[str] = set()
        self.trades: dict[str, list[dict[str, Any]]] = {}
        self.candles: dict[str, list[dict[str, Any]]] = {}
        self.moved_trades: set[str] = set()
        self.calls: list[str] = []
        self.answers: dict[str, Callable[[], httpx.Response]] = {}
        self.on_call = on_call
        self._lister = FakeExchange()

    def client(self) -> KalshiMarketData:
        """Return a new reader."""
        return client_of(self._answer)

    def settle(self, day: dt.date, *, high_f: int = 55, rungs: Any = SIX_RUNGS) -> dict[str, Any]:
        """Add an event that settled the morning after, with a trade and a candle per market."""
        body = self._lister.list_event(day, rungs=rungs)
        settled_at = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(13), tzinfo=dt.UTC)
        self._lister.settle(body, high_f=high_f, at=settled_at)
        noon = dt.datetime.combine(day, dt.time(17), tzinfo=dt.UTC)
        for market in body["markets"]:
            ticker = market["ticker"]
            self.trades[ticker] = [
                {
                    "trade_id": f"{ticker}-{n}",
                    "ticker": ticker,
                    "count_fp": "2.00",
                    "yes_price_dollars": "0.2200",
                    "no_price_dollars": "0.7800",
                    "taker_outcome_side": "yes",
                    "created_time": format_utc(noon + dt.timedelta(minutes=n)),
                    "is_block_trade": n == 0,
                }
                for n in range(3)
            ]
            self.candles[ticker] = [candle_body(noon + dt.timedelta(hours=n)) for n in range(3)]
        self.events[body["event_ticker"]] = body
        return body

    def move(self, body: dict[str, Any]) -> None:
        """Move an event's markets, candles and trades to the historical tier."""
        for market in body["markets"]:
            self.moved.add(market["ticker"])
            self.moved_trades |= {item["trade_id"] for item in self.trades[market["ticker"]]}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/trade-api/v2")
        self.calls.append(path)
        self.on_call(path)
        for part, answer in self.answers.items():
            if part in path:
                return answer()
        query = request.url.params
        if path == "/historical/cutoff":
            names = ("market_settled_ts", "trades_created_ts", "orders_updated_ts")
            return httpx.Response(200, json=dict.fromkeys(names, format_utc(self.cutoff)))
        if path == "/events":
            return self._page(
                "events", [self._nested(body) for body in self.events.values()], query
            )
        is_past = path.startswith("/historical")
        if path.endswith("/candlesticks"):
            return self._candles(path.split("/")[-2], query, is_past=is_past)
        if path in ("/markets/trades", "/historical/trades"):
            found = [
                item
                for item in self.trades[query["ticker"]]
                if (item["trade_id"] in self.moved_trades) is is_past
            ]
            return self._page("trades", found, query)
        if path in ("/markets", "/historical/markets"):
            found = [
                market
                for body in self.events.values()
                for market in body["markets"]
                if (market["ticker"] in self.moved) is is_past
            ]
            return self._page("markets", found, query)
        return httpx.Response(404, json={"code": "not_found", "message": path})

    def _nested(self, body: dict[str, Any]) -> dict[str, Any]:
        live = [market for market in body["markets"] if market["ticker"] not in self.moved]
        return (
            {**body, "markets": live} if live else {k: v for k, v in body.items() if k != "markets"}
        )

    def _candles(self, ticker: str, query: httpx.QueryParams, *, is_past: bool) -> httpx.Response:
        if (ticker in self.moved) is not is_past:
            return httpx.Response(404, json={"code": "not_found", "message": ticker})
        first, last = int(query["start_ts"]), int(query["end_ts"])
        found = [body for body in self.candles[ticker] if first <= body["end_period_ts"] <= last]
        return httpx.Response(200, json={"ticker": ticker, "candlesticks": found})

    def _page(self, key: str, items: list[Any], query: httpx.QueryParams) -> httpx.Response:
        """Return a page; the cursor names the last object, so that moving ones shift nothing."""
        names = {"events": "event_ticker", "markets": "ticker", "trades": "trade_id"}
        ordered = sorted(items, key=lambda item: item[names[key]])
        rest = [item for item in ordered if item[names[key]] > query.get("cursor", "")]
        page = rest[:PAGE]
        cursor = page[-1][names[key]] if len(rest) > PAGE else ""
        return httpx.Response(200, json={key: page, "cursor": cursor})
