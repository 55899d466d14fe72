"""A small exchange with one account, filled from the stored books, that breaks as it is told.

Speaks the V2 interface through ``httpx.MockTransport``. It executes orders whatever becomes of its
answers: ``break_answer`` decides what the caller sees, so that a lost answer is not a lost order.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from boz.core.clock import format_utc
from boz.core.http import HttpTransport
from boz.core.schemas import Side
from markets.clients.kalshi.budget import AccountBudget
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.signing import KEY_HEADER, signer_from_pem
from markets.clients.kalshi.trading import KalshiTradingClient
from markets.matching import MatchStatus, TimeInForce, match_against_book
from markets.models import ExchangeAccount, ExchangeStatus, Market
from markets.selectors import fee_terms, latest_book
from markets.services import accounts
from markets.tests.factories import NOW
from markets.venues.kalshi import access
from markets.venues.kalshi import venue as venue_module
from markets.venues.kalshi.connection import Connection
from markets.venues.kalshi.venue import KalshiVenue

BASE = "http://exchange.test/trade-api/v2"
PREFIX = "/trade-api/v2"
WRITES = ("POST", "DELETE")

Broken = Callable[[httpx.Request, httpx.Response], httpx.Response]


def make_pem() -> str:
    """Return a new private key."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class AccountExchange:
    """The exchange's side of one account.

    Attributes:
        now: Its clock; reads are as of ``as_of``, which is a while later unless told otherwise.
        keys: The ids of the keys it accepts.
        break_answer: Changes the answer to a request after it was executed; may raise.
        before: Called with each request before anything happens; may answer instead, or raise.
        requests: Method and path of everything that arrived.
    """

    now: dt.datetime = NOW
    as_of: dt.datetime = NOW + dt.timedelta(hours=1)
    keys: set[str] = field(default_factory=lambda: {"k-1"})
    break_answer: Broken | None = None
    before: Callable[[httpx.Request], httpx.Response | None] | None = None
    scopes: list[str] = field(default_factory=lambda: ["read", "write::trade"])
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)
    settlements: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    historical: set[str] = field(default_factory=set)
    balance: Decimal = Decimal("1000.0000")
    page_size: int = 100

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path.removeprefix(PREFIX)
        self.requests.append((request.method, path))
        response = self.before(request) if self.before is not None else None
        if response is None:
            response = self._executed(request, path)
        if self.break_answer is not None:
            response = self.break_answer(request, response)
        response.headers.setdefault("date", _http_date(dt.datetime.now(dt.UTC)))
        return response

    def writes(self) -> list[tuple[str, str]]:
        """Return the writes that arrived."""
        return [item for item in self.requests if item[0] in WRITES]

    def _executed(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/exchange/status":
            return _json({"exchange_active": True, "trading_active": True})
        if path == "/exchange/user_data_timestamp":
            return _json({"as_of_time": format_utc(self.as_of)})
        if request.headers.get(KEY_HEADER) not in self.keys:
            return _error(401, "authentication_error", "Unknown key")
        if path == "/portfolio/events/orders":
            return self._create(json.loads(request.content))
        if request.method == "DELETE":
            return self._cancel(path.rpartition("/")[2])
        return self._read(request, path)

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        known = [item for item in self.orders.values() if item["status"] == "resting"]
        if any(item["client_order_id"] == body["client_order_id"] for item in known):
            return _error(409, "order_already_exists", "Order already exists")
        market = Market.objects.select_related("event__series").get(ticker=body["ticker"])
        side = Side.YES if body["side"] == "bid" else Side.NO
        yes_price, count = Decimal(body["price"]), Decimal(body["count"])
        book = latest_book(market=market, as_of=self.now)
        assert book is not None
        result = match_against_book(
            book=book,
            side=side,
            limit_price=yes_price if side is Side.YES else 1 - yes_price,
            count=count,
            time_in_force=TimeInForce(body["time_in_force"]),
            post_only=body.get("post_only", False),
            terms=fee_terms(event=market.event, as_of=self.now),
        )
        if result.status is MatchStatus.REJECTED:
            return _error(400, "post_only_cross", "post-only order would have crossed")
        order_id = self.add_order(
            ticker=market.ticker,
            side=side,
            yes_price=yes_price,
            count=count,
            client_order_id=body["client_order_id"],
            status={MatchStatus.RESTING: "resting", MatchStatus.FILLED: "executed"}.get(
                result.status, "canceled"
            ),
        )
        for fill in result.fills:
            self.add_fill(order_id, count=fill.count, price=fill.price, fee=fill.fee)
        rests = result.remaining if result.status is MatchStatus.RESTING else Decimal(0)
        return _json(
            {
                "order_id": order_id,
                "client_order_id": body["client_order_id"],
                "fill_count": f"{result.filled:.2f}",
                "remaining_count": f"{rests:.2f}",
                "ts_ms": int(self.now.timestamp() * 1000),
            },
            status=201,
        )

    def _cancel(self, order_id: str) -> httpx.Response:
        order = self.orders.get(order_id)
        if order is None or order["status"] != "resting":
            return _error(404, "not_found", "Order not found")
        left = order["remaining_count_fp"]
        order.update(status="canceled", remaining_count_fp="0.00")
        return _json(
            {"order_id": order_id, "reduced_by": left, "ts_ms": int(self.now.timestamp() * 1000)}
        )

    def _read(self, request: httpx.Request, path: str) -> httpx.Response:
        wanted = dict(request.url.params)
        old = path.startswith("/historical/")
        if path in ("/portfolio/orders", "/historical/orders"):
            return self._page("orders", wanted, self._of_tier(list(self.orders.values()), old))
        if path in ("/portfolio/fills", "/historical/fills"):
            return self._page("fills", wanted, self._of_tier(self.fills, old))
        if path.startswith("/portfolio/orders/"):
            order = self.orders.get(path.rpartition("/")[2])
            if order is None or order["order_id"] in self.historical:
                return _error(404, "not_found", "Order not found")
            return _json({"order": order})
        if path == "/portfolio/positions":
            return self._positions(wanted)
        if path == "/portfolio/settlements":
            return self._page("settlements", wanted, self.settlements)
        if path == "/portfolio/balance":
            return self._balance()
        if path == "/account/limits":
            bucket = {"refill_rate": 300, "bucket_capacity": 600}
            return _json({"usage_tier": "advanced", "read": bucket, "write": bucket})
        if path == "/account/endpoint_costs":
            return _json({"default_cost": 10, "endpoint_costs": []})
        if path == "/api_keys":
            keys = [{"api_key_id": key, "name": key, "scopes": self.scopes} for key in self.keys]
            return _json({"api_keys": keys})
        raise AssertionError(f"the exchange was asked for {path}")

    def _of_tier(self, items: list[dict[str, Any]], old: bool) -> list[dict[str, Any]]:
        return [item for item in items if (item["order_id"] in self.historical) is old]

    def _page(
        self, key: str, wanted: dict[str, str], items: list[dict[str, Any]]
    ) -> httpx.Response:
        found = [
            item
            for item in items
            if all(
                name not in wanted or item[name] == wanted[name]
                for name in ("ticker", "status", "order_id")
            )
        ]
        start = int(wanted.get("cursor") or 0)
        following = start + self.page_size
        cursor = str(following) if following < len(found) else ""
        return _json({key: found[start:following], "cursor": cursor})

    def _positions(self, wanted: dict[str, str]) -> httpx.Response:
        held: dict[str, Decimal] = {}
        paid = {item["ticker"] for item in self.settlements}
        for fill in self.fills:
            sign = 1 if fill["outcome_side"] == "yes" else -1
            held[fill["ticker"]] = held.get(fill["ticker"], Decimal(0)) + sign * Decimal(
                fill["count_fp"]
            )
        rows = [
            {
                "ticker": ticker,
                "exchange_index": 0,
                "position_fp": f"{count:.2f}",
                "total_traded_dollars": "1.0000",
                "market_exposure_dollars": "1.0000",
                "realized_pnl_dollars": "0.0000",
                "fees_paid_dollars": "0.0000",
                "last_updated_ts": format_utc(self.now),
            }
            for ticker, count in held.items()
            if wanted.get("ticker", ticker) == ticker and ticker not in paid
        ]
        return _json({"market_positions": rows, "event_positions": [], "cursor": ""})

    def _balance(self) -> httpx.Response:
        return _json(
            {
                "balance": int(self.balance * 100),
                "balance_dollars": f"{self.balance:.4f}",
                "portfolio_value": 0,
                "updated_ts": int(self.now.timestamp()),
            }
        )

    def add_order(self, *, ticker: str, side: Side, **facts: Any) -> str:
        """Put an order into the account, by whomever it was sent; returns its identity."""
        order_id = f"order-{len(self.orders) + 1}"
        count = facts.get("count", Decimal(1))
        status = facts.get("status", "resting")
        yes_price = facts.get("yes_price", Decimal("0.5"))
        self.orders[order_id] = {
            "order_id": order_id,
            "user_id": "user-1",
            "client_order_id": facts.get("client_order_id", ""),
            "ticker": ticker,
            "outcome_side": side.value,
            "book_side": "bid" if side is Side.YES else "ask",
            "type": "limit",
            "status": status,
            "yes_price_dollars": f"{yes_price:.4f}",
            "no_price_dollars": f"{1 - yes_price:.4f}",
            "fill_count_fp": "0.00",
            "remaining_count_fp": f"{count if status == 'resting' else 0:.2f}",
            "initial_count_fp": f"{count:.2f}",
            "taker_fill_cost_dollars": "0.0000",
            "maker_fill_cost_dollars": "0.0000",
            "taker_fees_dollars": "0.0000",
            "maker_fees_dollars": "0.0000",
        }
        return order_id

    def add_fill(
        self, order_id: str, *, count: Decimal, price: Decimal, fee: Decimal, is_taker: bool = True
    ) -> None:
        """Fill an order at a price of its own side."""
        order = self.orders[order_id]
        filled = Decimal(order["fill_count_fp"]) + count
        left = Decimal(order["initial_count_fp"]) - filled
        order["fill_count_fp"] = f"{filled:.2f}"
        if order["status"] == "resting":
            order["remaining_count_fp"] = f"{left:.2f}"
            order["status"] = "resting" if left else "executed"
        yes_price = price if order["outcome_side"] == "yes" else 1 - price
        self.fills.append(
            {
                "fill_id": f"trade-{len(self.fills) + 1}",
                "trade_id": f"trade-{len(self.fills) + 1}",
                "order_id": order_id,
                "ticker": order["ticker"],
                "market_ticker": order["ticker"],
                "exchange_index": 0,
                "outcome_side": order["outcome_side"],
                "book_side": order["book_side"],
                "count_fp": f"{count:.2f}",
                "yes_price_dollars": f"{yes_price:.4f}",
                "no_price_dollars": f"{1 - yes_price:.4f}",
                "is_taker": is_taker,
                "fee_cost": f"{fee:.6f}",
                "created_time": format_utc(self.now),
            }
        )


def open_fake(
    exchange: AccountExchange,
    *,
    key_ids: tuple[str, ...] = ("k-1",),
    may_place: bool = True,
    name: str = "demo",
) -> KalshiVenue:
    """Return the venue on a fake exchange, with an account stored for it."""
    account = ExchangeAccount.objects.filter(environment=name).first()
    if account is None:
        account = accounts.open_account(
            name=name, environment=name, key_id=key_ids[0], pem=make_pem(), actor="ann", now=NOW
        )
    if not ExchangeStatus.objects.exists():
        ExchangeStatus.objects.create(
            read_at=NOW - dt.timedelta(days=1),
            confirmed_at=NOW + dt.timedelta(days=3),
            is_exchange_active=True,
            is_trading_active=True,
        )
    transport = httpx.MockTransport(exchange.answer)
    clients = [
        (
            key_id,
            KalshiTradingClient(
                BASE,
                signer_from_pem(key_id, make_pem()),
                budget=AccountBudget(),
                retries=0,
                transport=transport,
                sleep=lambda _: None,
            ),
        )
        for key_id in key_ids
    ]
    return KalshiVenue(
        name=name,
        connection=Connection(account_id=account.pk, keys=clients),
        market_data=KalshiMarketData(
            HttpTransport(
                base_url=BASE,
                source="kalshi",
                retries=0,
                transport=transport,
                sleep=lambda _: None,
            )
        ),
        may_place=may_place,
        sleep=lambda _: None,
    )


def install_fake(monkeypatch: pytest.MonkeyPatch, exchange: AccountExchange) -> ExchangeAccount:
    """Let ``get_venue("demo")`` reach a fake exchange by its ordinary way; nobody waits."""
    venue = open_fake(exchange)

    def opened(account: ExchangeAccount, url: str) -> access._Opened:
        account.open_keys()
        return access._Opened("", venue._connection, venue._market_data)

    monkeypatch.setattr(access, "_opened", opened)
    monkeypatch.setattr(venue_module, "LOOKS", (0.0, 0.0))
    return ExchangeAccount.objects.get(environment="demo")


def _json(body: Any, *, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def _error(status: int, code: str, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}})


def _http_date(moment: dt.datetime) -> str:
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
