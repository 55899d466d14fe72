"""An account's client before a scripted exchange, with clocks that tests turn.

Whatever leaves the client is held against the exchange's specification and its signature is
checked, in every test that uses it.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx

from markets.clients.kalshi import KalshiTradingClient, NewOrder, signer_from_pem
from markets.clients.kalshi.budget import AccountBudget
from markets.clients.kalshi.signing import SignatureRefused, verify
from markets.tests.specs.contract import request_faults

BASE = "https://exchange.test/trade-api/v2"
NOW = dt.datetime(2026, 11, 20, 15, 0, 0, 400_000, tzinfo=dt.UTC)
KEY_ID = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
TICKER = "KXHIGHNY-26NOV20-B53.5"
ORDER_ID = "3b23c1c7-f4ef-4f0d-8b9a-9e53c61f1a0d"
CLIENT_ID = "8c35ecb3-328f-4f52-8c7c-0f4b9862f8d1"
# The key of RFC 8032, section 7.1, test 1.
PRIVATE_PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
PUBLIC_PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""
OPEN = {"exchange_active": True, "trading_active": True}

Script = Callable[[httpx.Request], httpx.Response]


def new_order(**fields: Any) -> NewOrder:
    """Return an order for 10 YES at 0.56."""
    given = {
        "ticker": TICKER,
        "side": "yes",
        "price": Decimal("0.56"),
        "count": Decimal(10),
        "client_order_id": CLIENT_ID,
    }
    return NewOrder(**{**given, **fields})


def accepted(**fields: Any) -> dict[str, Any]:
    """Return the exchange's proof of that order."""
    return {
        "order_id": ORDER_ID,
        "client_order_id": CLIENT_ID,
        "fill_count": "0.00",
        "remaining_count": "10.00",
        "ts_ms": 1_795_186_800_123,
        **fields,
    }


class ContractBroken(BaseException):
    """A request is not as specified; no client catches this and takes it for a bad connection."""


class Desk:
    """The client, the requests it sent, and the clocks.

    Args:
        script: Answers requests; that for the exchange's state is answered here.
        server_ahead: By how many seconds the exchange's clock differs from ours.
    """

    def __init__(self, script: Script, *, server_ahead: float = 0.0, **client: Any) -> None:
        self._script = script
        self.server_ahead = server_ahead
        self.wall, self.time = NOW, 1000.0
        self.latency = 0.0
        self.tells_time = True
        self.sent: list[httpx.Request] = []
        self.slept: list[float] = []
        self.budget = AccountBudget(monotonic=self.monotonic)
        self.client = KalshiTradingClient(
            BASE,
            signer_from_pem(KEY_ID, PRIVATE_PEM),
            **{
                "budget": self.budget,
                "retries": 0,
                "transport": httpx.MockTransport(self._answer),
                "sleep": self.sleep,
                "random": lambda: 0.5,
                "monotonic": self.monotonic,
                "now": lambda: self.wall,
                **client,
            },
        )

    @property
    def writes(self) -> list[httpx.Request]:
        """Return what was sent but the reads."""
        return [request for request in self.sent if request.method != "GET"]

    @property
    def body(self) -> Any:
        """Return the parsed body of the only write."""
        [request] = self.writes
        return json.loads(request.content)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        self.time += seconds
        self.wall += dt.timedelta(seconds=seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        faults = request_faults(request)
        if faults:
            raise ContractBroken(faults)
        now_ms = int(self.wall.timestamp() * 1000)
        headers, path = dict(request.headers), request.url.raw_path.decode()
        try:
            verify(PUBLIC_PEM, headers, request.method, path, now_ms=now_ms, tolerance_ms=0)
        except SignatureRefused as error:
            raise ContractBroken(str(error)) from error
        self.sent.append(request)
        made = self.wall.timestamp() + self.server_ahead
        self.pass_time(self.latency)
        if request.url.path.endswith("/exchange/status"):
            response = httpx.Response(200, json=OPEN)
        else:
            response = self._script(request)
        if self.tells_time:
            response.headers["date"] = email.utils.formatdate(int(made), usegmt=True)
        return response


def desk(status: int = 200, body: Any = None, *, text: str | None = None, **more: Any) -> Desk:
    """Return a desk whose exchange answers everything alike."""

    def answer(_: httpx.Request) -> httpx.Response:
        if text is not None:
            return httpx.Response(status, text=text)
        return httpx.Response(status, json=body)

    return Desk(answer, **more)
