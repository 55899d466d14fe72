"""A member who signs requests, and holds every answer against the exchange's specification."""

from __future__ import annotations

import time
import uuid
from decimal import Decimal
from typing import Any

import httpx

from boz.sandbox.floor.members import Key, KeyKind
from boz.sandbox.tests.conftest import REST, Client
from markets.clients.kalshi.signing import signer_from_pem
from markets.tests.specs.contract import answer_faults

RUNG = "KXHIGHNY-24NOV27-B52.5"
#: YES bids then: 58 (15), 52 (39), 51 (200), 50 (88); asks: 65 (8), 71 (41), 72 (39), 78 (8).
NOON = "2024-11-27T18:00:00Z"


class Trader:
    """Acts with one key; the kind of key is the faster one unless told otherwise."""

    def __init__(
        self,
        client: Client,
        *,
        cash: str = "1000",
        kind: KeyKind = KeyKind.ED25519,
        scopes: tuple[str, ...] = ("read", "write"),
    ) -> None:
        floor = client.world.floor
        member = floor.join(Decimal(cash))
        self.client, self.user_id = client, member.user_id
        self.key: Key = floor.members.make_key(member.user_id, kind=kind, scopes=scopes)
        self._signer = signer_from_pem(self.key.key_id, self.key.private_file.read_text())

    def headers(self, method: str, path: str, *, late_ms: int = 0) -> dict[str, str]:
        now_ms = int(time.time() * 1000) - late_ms
        return self._signer.headers(method, path, now_ms=now_ms)

    def call(
        self, method: str, path: str, *, checked: bool = True, **kwargs: Any
    ) -> httpx.Response:
        headers = self.headers(method, f"{REST}{path}")
        answer = self.client.send(method, f"{REST}{path}", headers=headers, **kwargs)
        if checked:
            body = answer.json() if answer.content else None
            faults = answer_faults(method, f"{REST}{path}", answer.status_code, body)
            assert faults == [], (path, faults, answer.text)
        return answer

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def try_create(self, **changes: Any) -> httpx.Response:
        return self.call("POST", "/portfolio/events/orders", json=order(**changes))

    def create(self, **changes: Any) -> Any:
        answer = self.try_create(**changes)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def cancel(self, order_id: str, **params: Any) -> httpx.Response:
        return self.call("DELETE", f"/portfolio/events/orders/{order_id}", params=params)

    def order(self, order_id: str) -> Any:
        return self.get(f"/portfolio/orders/{order_id}")["order"]

    def balance(self) -> Decimal:
        return Decimal(self.get("/portfolio/balance")["balance_dollars"])


def order(**changes: Any) -> dict[str, Any]:
    """Return an order: one YES at 20 cents, far from the market."""
    return {
        "ticker": RUNG,
        "client_order_id": str(uuid.uuid4()),
        "side": "bid",
        "count": "1.00",
        "price": "0.2000",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        **changes,
    }


def taken(**changes: Any) -> dict[str, Any]:
    """Return what makes an order take: eight YES at 65 cents, at once or not at all."""
    return {"price": "0.6500", "count": "8.00", "time_in_force": "immediate_or_cancel", **changes}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]
