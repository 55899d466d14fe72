"""The simulated exchange's stream, as an ordinary WebSocket client meets it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from boz.sandbox.clock import SimulatedClock
from boz.sandbox.floor.members import Key, KeyKind
from boz.sandbox.scenarios import SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.tests.trader import NOON, RUNG, order, taken
from boz.sandbox.world import World
from markets.clients.kalshi.signing import signer_from_pem
from markets.tests.specs.contract import frame_faults

OTHER = "KXHIGHNY-24NOV27-B50.5"
PATH = "/trade-api/ws/v2"
#: The specification's pattern of a ticker lacks the dot that its own examples have.
TICKER_PATTERN = "does not match '^[A-Z0-9-]+$'"
FRAMES = {
    "subscribed": "subscribedResponse",
    "unsubscribed": "unsubscribedResponse",
    "ok": "okResponse",
    "error": "errorResponse",
    "orderbook_snapshot": "orderbookSnapshot",
    "orderbook_delta": "orderbookDelta",
    "ticker": "ticker",
    "trade": "trade",
    "fill": "fill",
    "user_order": "userOrder",
    "market_position": "marketPosition",
    "market_lifecycle_v2": "marketLifecycleV2",
    "order_group_updates": "orderGroupUpdates",
}


class Listener:
    """One connection; every frame that comes is held against the specification."""

    def __init__(self, server: SandboxServer, socket: ClientConnection, key: Key) -> None:
        self.server, self.socket, self.key = server, socket, key
        self._signer = signer_from_pem(key.key_id, key.private_file.read_text())
        self._number = 0

    def say(self, cmd: str, **params: Any) -> int:
        self._number += 1
        command = {"id": self._number, "cmd": cmd} | ({"params": params} if params else {})
        self.socket.send(json.dumps(command))
        return self._number

    def hear(self, seconds: float = 2.0) -> dict[str, Any]:
        frame = json.loads(self.socket.recv(timeout=seconds))
        if not (frame["type"] == "ok" and isinstance(frame["msg"], list)):
            faults = frame_faults(FRAMES[frame["type"]], frame)
            assert [fault for fault in faults if not fault.endswith(TICKER_PATTERN)] == [], frame
        return frame

    def hear_until(self, kind: str) -> list[dict[str, Any]]:
        frames = [self.hear()]
        while frames[-1]["type"] != kind:
            frames.append(self.hear())
        return frames

    def hear_rest(self) -> list[dict[str, Any]]:
        frames = []
        with contextlib.suppress(TimeoutError):
            while True:
                frames.append(self.hear(0.3))
        return frames

    def send(self, method: str, path: str, body: Any = None) -> Any:
        path = f"/trade-api/v2{path}"
        headers = self._signer.headers(method, path, now_ms=int(time.time() * 1000))
        answer = httpx.request(
            method, f"{self.server.base_url}{path}", headers=headers, json=body, timeout=5
        )
        assert answer.is_success, answer.text
        return answer.json()

    def create(self, **changes: Any) -> Any:
        return self.send("POST", "/portfolio/events/orders", order(**changes))


@pytest.fixture
def server(services) -> Iterator[SandboxServer]:
    clock = SimulatedClock(dt.datetime.fromisoformat(NOON))
    world = World(services("recorded"), clock, SCENARIOS["recorded"])
    with SandboxServer(world, accounts=0) as running:
        yield running


def new_key(server: SandboxServer) -> Key:
    floor = server.world.floor
    return floor.members.make_key(floor.join().user_id, kind=KeyKind.ED25519)


@contextlib.contextmanager
def listening(server: SandboxServer, key: Key | None = None) -> Iterator[Listener]:
    key = new_key(server) if key is None else key
    signer = signer_from_pem(key.key_id, key.private_file.read_text())
    headers = signer.headers("GET", PATH, now_ms=int(time.time() * 1000))
    with connect(server.websocket_url, additional_headers=headers) as socket:
        yield Listener(server, socket, key)


@pytest.fixture
def listener(server) -> Iterator[Listener]:
    with listening(server) as it:
        yield it


def break_stream(server: SandboxServer, **fault: Any) -> None:
    body = {"source": "kalshi", **fault}
    assert httpx.post(f"{server.base_url}/sandbox/faults", json=body).status_code == 200


def test_a_handshake_without_a_valid_signature_is_refused(server):
    signer_key = new_key(server)
    signer = signer_from_pem(signer_key.key_id, signer_key.private_file.read_text())
    wrong = signer.headers("GET", "/trade-api/v2/portfolio", now_ms=int(time.time() * 1000))
    for headers in ({}, wrong):
        with (
            pytest.raises(InvalidStatus) as refusal,
            connect(server.websocket_url, additional_headers=headers),
        ):
            pass
        assert refusal.value.response.status_code == 401


def test_a_book_is_told_whole_and_then_by_what_changes(listener):
    number = listener.say("subscribe", channels=["orderbook_delta"], market_ticker=RUNG)
    told = listener.hear()
    assert (told["type"], told["id"]) == ("subscribed", number)
    snapshot = listener.hear()
    assert (snapshot["seq"], snapshot["sid"]) == (1, told["msg"]["sid"])
    assert snapshot["msg"]["yes_dollars_fp"][-1] == ["0.5800", "15.00"]
    assert snapshot["msg"]["no_dollars_fp"][-1] == ["0.3500", "8.00"]
    listener.create(price="0.2000", count="3.00", client_order_id="mine")
    delta = listener.hear()
    assert (delta["seq"], delta["msg"]["client_order_id"]) == (2, "mine")
    assert (delta["msg"]["side"], delta["msg"]["price_dollars"], delta["msg"]["delta_fp"]) == (
        "yes", "0.2000", "3.00",
    )  # fmt: skip
    listener.create(**taken(count="5.00"))
    delta = listener.hear()
    assert (delta["seq"], delta["msg"]["side"], delta["msg"]["price_dollars"]) == (
        3, "no", "0.3500",
    )  # fmt: skip
    assert delta["msg"]["delta_fp"] == "-5.00"
    assert "client_order_id" not in delta["msg"]


def test_both_sides_can_be_told_in_yes_prices(listener):
    listener.say(
        "subscribe", channels=["orderbook_delta"], market_tickers=[RUNG], use_yes_price=True
    )
    snapshot = listener.hear_until("orderbook_snapshot")[-1]
    assert snapshot["msg"]["no_dollars_fp"][0] == ["0.6500", "8.00"]
    listener.create(side="ask", price="0.9000", count="2.00")
    delta = listener.hear()
    assert (delta["msg"]["side"], delta["msg"]["price_dollars"]) == ("no", "0.9000")


def test_messages_of_all_markets_and_confirmations_are_counted_together(listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_tickers=[RUNG])
    sid = listener.hear_until("orderbook_snapshot")[-1]["sid"]
    listener.say("update_subscription", sid=sid, action="add_markets", market_tickers=[OTHER])
    added, snapshot = listener.hear(), listener.hear()
    assert (added["type"], added["seq"], added["msg"]["market_tickers"]) == (
        "ok", 2, sorted([RUNG, OTHER]),
    )  # fmt: skip
    assert (snapshot["seq"], snapshot["msg"]["market_ticker"]) == (3, OTHER)
    listener.say("update_subscription", sids=[sid], action="get_snapshot", market_tickers=[RUNG])
    assert listener.hear()["seq"] == 4
    listener.say("update_subscription", sid=sid, action="delete_markets", market_tickers=[RUNG])
    assert listener.hear()["msg"]["market_tickers"] == [OTHER]
    listener.create()
    listener.create(ticker=OTHER, price="0.0500")
    delta = listener.hear()
    assert (delta["seq"], delta["msg"]["market_ticker"]) == (6, OTHER)
    listener.say("list_subscriptions")
    assert listener.hear()["msg"] == [{"channel": "orderbook_delta", "sid": sid}]
    listener.say("unsubscribe", sids=[sid])
    assert listener.hear()["type"] == "unsubscribed"
    listener.create(ticker=OTHER, price="0.0400")
    assert listener.hear_rest() == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", 1),
        ("[]", 1),
        ('{"id": 1}', 5),
        ('{"id": 1, "cmd": "dance", "params": {}}', 5),
        ('{"id": 1, "cmd": "subscribe"}', 2),
        ('{"id": 1, "cmd": "subscribe", "params": {}}', 3),
        ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["gossip"]}}', 8),
        ('{"id": 1, "cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}', 14),
        (
            '{"id": 1, "cmd": "subscribe", "params":'
            ' {"channels": ["orderbook_delta"], "market_ticker": "NOTHING"}}',
            16,
        ),
        (
            '{"id": 1, "cmd": "subscribe", "params":'
            ' {"channels": ["ticker"], "market_tickers": "NOTHING"}}',
            11,
        ),
        ('{"id": 1, "cmd": "unsubscribe", "params": {}}', 4),
        ('{"id": 1, "cmd": "unsubscribe", "params": {"sids": [9]}}', 7),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sids": [1, 2]}}', 12),
        ('{"id": 1, "cmd": "update_subscription", "params": {"sid": 9}}', 7),
    ],
)
def test_a_command_that_makes_no_sense_is_answered_with_its_code(listener, text, code):
    listener.socket.send(text)
    assert listener.hear()["msg"]["code"] == code


def test_actions_that_make_no_sense_are_answered_with_their_code(listener):
    listener.say("subscribe", channels=["market_lifecycle_v2", "ticker"])
    fates, quotes = listener.hear()["msg"]["sid"], listener.hear()["msg"]["sid"]
    for sid, params, code in (
        (quotes, {}, 15),
        (quotes, {"action": "add_markets"}, 14),
        (quotes, {"action": "burn", "market_ticker": RUNG}, 13),
        (quotes, {"action": "get_snapshot", "market_ticker": RUNG}, 13),
        (fates, {"action": "add_markets", "market_ticker": RUNG}, 13),
    ):
        listener.say("update_subscription", sid=sid, **params)
        assert listener.hear()["msg"]["code"] == code


def test_fills_orders_and_positions_are_told_to_their_owner_alone(server, listener):
    with listening(server) as stranger:
        for who in (listener, stranger):
            who.say("subscribe", channels=["fill", "user_orders", "market_positions", "trade"])
            for _ in range(4):
                assert who.hear()["type"] == "subscribed"
        made = listener.create(**taken(client_order_id="mine"))
        frames = {frame["type"]: frame for frame in listener.hear_rest()}
        assert set(frames) == {"fill", "user_order", "market_position", "trade"}
        fill = frames["fill"]["msg"]
        assert (fill["order_id"], fill["client_order_id"]) == (made["order_id"], "mine")
        assert (fill["post_position_fp"], fill["fee_cost"]) == ("8.00", "0.1274")
        assert frames["user_order"]["msg"]["status"] == "executed"
        assert frames["market_position"]["msg"]["position_fp"] == "8.00"
        assert frames["trade"]["msg"]["trade_id"] == fill["trade_id"]
        assert {frame["type"] for frame in stranger.hear_rest()} == {"trade"}


def test_quotes_are_told_when_they_change(listener):
    listener.say("subscribe", channels=["ticker"], market_ticker=RUNG, send_initial_snapshot=True)
    first = listener.hear_until("ticker")[-1]["msg"]
    assert (first["yes_bid_dollars"], first["yes_ask_dollars"]) == ("0.5800", "0.6500")
    listener.create(price="0.6000", count="4.00")
    changed = listener.hear()["msg"]
    assert (changed["yes_bid_dollars"], changed["yes_bid_size_fp"]) == ("0.6000", "4.00")


def test_quotes_of_every_market_are_told_to_whoever_names_none(listener):
    listener.say("subscribe", channels=["ticker"])
    listener.hear()
    listener.create(ticker=OTHER, price="0.2000", count="4.00")
    assert listener.hear()["msg"]["market_ticker"] == OTHER


def test_time_brings_recorded_trades_books_and_results(server, listener):
    listener.say("subscribe", channels=["trade", "market_lifecycle_v2"])
    listener.say("subscribe", channels=["orderbook_delta"], market_ticker=RUNG)
    listener.hear_until("orderbook_snapshot")
    server.world.clock.set(dt.datetime(2024, 11, 27, 18, 30, tzinfo=dt.UTC))
    kinds = {frame["type"] for frame in listener.hear_rest()}
    assert kinds == {"trade", "orderbook_delta"}
    server.world.clock.set(dt.datetime(2024, 11, 28, 12, 1, tzinfo=dt.UTC))
    lived = [
        frame["msg"]
        for frame in listener.hear_rest()
        if frame["type"] == "market_lifecycle_v2" and frame["msg"]["market_ticker"] == RUNG
    ]
    assert [msg["event_type"] for msg in lived] == ["determined", "settled"]
    assert (lived[0]["result"], lived[0]["settlement_value"]) == ("yes", "1.0000")


def test_snapshot_and_changes_always_add_up_to_the_book(server, listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_ticker=RUNG)
    snapshot = listener.hear_until("orderbook_snapshot")[-1]["msg"]
    levels = {
        (side, price): Decimal(count)
        for side in ("yes", "no")
        for price, count in snapshot[f"{side}_dollars_fp"]
    }
    seq = 1
    for step in range(8):
        server.world.clock.advance(dt.timedelta(minutes=5))
        listener.create(price=f"0.{30 + step}00", count="7.00")
    for frame in listener.hear_rest():
        seq += 1
        assert frame["seq"] == seq
        key = frame["msg"]["side"], frame["msg"]["price_dollars"]
        levels[key] = levels.get(key, Decimal(0)) + Decimal(frame["msg"]["delta_fp"])
        assert levels[key] >= 0
    book = httpx.get(f"{server.rest_url}/markets/{RUNG}/orderbook").json()["orderbook_fp"]
    assert {key: count for key, count in levels.items() if count} == {
        (side, price): Decimal(count)
        for side in ("yes", "no")
        for price, count in book[f"{side}_dollars"]
    }


def test_order_groups_are_told(listener):
    listener.say("subscribe", channels=["order_group_updates"])
    listener.hear()
    body = {"contracts_limit_fp": "5.00"}
    group = listener.send("POST", "/portfolio/order_groups/create", body)["order_group_id"]
    listener.send("PUT", f"/portfolio/order_groups/{group}/trigger", {})
    told = [(frame["seq"], frame["msg"]["event_type"]) for frame in listener.hear_rest()]
    assert told == [(1, "created"), (2, "triggered")]


# Faults ----------------------------------------------------------------------------------------


def deltas(listener: Listener, count: int) -> list[int]:
    """Place some orders and return the numbers of the messages about them as they came."""
    for number in range(count):
        listener.create(price=f"0.{10 + number}00")
    return [frame["seq"] for frame in listener.hear_rest()]


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("ws_duplicated", [2, 2, 3, 4]),
        ("ws_gap", [3, 4]),
        ("ws_reordered", [3, 2, 4]),
    ],
)
def test_messages_come_twice_never_or_late(server, listener, kind, seen):
    listener.say("subscribe", channels=["orderbook_delta"], market_ticker=RUNG)
    listener.hear_until("orderbook_snapshot")
    break_stream(server, kind=kind, path="orderbook_delta")
    assert deltas(listener, 3) == seen


def test_the_stream_breaks_off_and_can_be_joined_again(server, listener):
    listener.say("subscribe", channels=["orderbook_delta"], market_ticker=RUNG)
    listener.hear_until("orderbook_snapshot")
    break_stream(server, kind="ws_disconnect")
    listener.create()
    with pytest.raises(ConnectionClosed):
        listener.hear()
    with listening(server, listener.key) as again:
        again.say("subscribe", channels=["orderbook_delta"], market_ticker=RUNG)
        assert again.hear_until("orderbook_snapshot")[-1]["seq"] == 1


def test_pings_carry_the_exchanges_word(services, monkeypatch):
    monkeypatch.setattr("boz.sandbox.server.HEARTBEAT_SECONDS", 0.05)
    clock = SimulatedClock(dt.datetime.fromisoformat(NOON))
    world = World(services("recorded"), clock, SCENARIOS["recorded"])
    heard: list[bytes] = []
    with SandboxServer(world, accounts=0) as server, listening(server) as listener:
        answer = listener.socket.protocol.send_pong
        monkeypatch.setattr(
            listener.socket.protocol, "send_pong", lambda data: (heard.append(data), answer(data))
        )
        recv = listener.socket.protocol.recv_frame
        monkeypatch.setattr(
            listener.socket.protocol,
            "recv_frame",
            lambda frame: (heard.append(bytes(frame.data)), recv(frame)),
        )
        time.sleep(0.3)
    assert heard.count(b"heartbeat") >= 2
