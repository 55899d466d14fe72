"""A small exchange stream on loopback whose every fault is ordered by the test."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from markets.clients.kalshi.signing import SignatureRefused, Signer, signer_from_pem, verify

PATH = "/trade-api/ws/v2"
KEY_ID = "11111111-2222-4333-8444-555555555555"


def make_key() -> tuple[str, str]:
    """Return a private and its public key as text."""
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


class Visitor:
    """One connection with its subscriptions and their numbering."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.channels: dict[int, str] = {}
        self.markets: dict[int, set[str]] = {}
        self.seq: dict[int, int] = defaultdict(int)
        self.use_yes_price = False
        self.lock = threading.RLock()

    def send(self, frame: dict[str, Any]) -> None:
        self.socket.send(json.dumps(frame))

    def send_numbered(self, sid: int, frame: dict[str, Any], *, is_lost: bool = False) -> None:
        with self.lock:
            self.seq[sid] += 1
            if not is_lost:
                self.send({**frame, "sid": sid, "seq": self.seq[sid]})

    def sid_of(self, channel: str) -> int | None:
        return next((sid for sid, name in self.channels.items() if name == channel), None)


class StreamExchange:
    """Keeps books and tells visitors of them; counts in hundredths, prices in 0.0001 dollars."""

    def __init__(self) -> None:
        self.books: dict[str, dict[str, dict[int, int]]] = {}
        self.visitors: list[Visitor] = []
        self.commands: list[dict[str, Any]] = []
        self.handshakes = 0
        self.refuse_status: int | None = None
        self.errors_for: dict[str, dict[str, Any]] = {}
        self.lose_snapshots = 0
        self.is_mute = False
        self.private_pem, self.public_pem = make_key()
        self._lock = threading.RLock()
        self.url = ""

    @property
    def signer(self) -> Signer:
        return signer_from_pem(KEY_ID, self.private_pem)

    @contextmanager
    def running(self) -> Iterator[StreamExchange]:
        with serve(
            self._visit, "127.0.0.1", 0, process_request=self._check, close_timeout=0.2
        ) as server:
            self.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}{PATH}"
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self.disconnect()
                server.shutdown()
                thread.join(5)

    # What tests order

    def set_book(self, ticker: str, yes: dict[int, int], no: dict[int, int]) -> None:
        self.books[ticker] = {"yes": dict(yes), "no": dict(no)}

    def change(self, ticker: str, side: str, price: int, change: int, *, is_lost=False) -> None:
        """Change a level and tell every visitor, unless the frame is to be lost."""
        with self._lock:
            levels = self.books[ticker][side]
            levels[price] = levels.get(price, 0) + change
            if levels[price] == 0:
                del levels[price]
            for visitor in self.visitors:
                sid = visitor.sid_of("orderbook_delta")
                if sid is None or ticker not in visitor.markets[sid]:
                    continue
                shown = 10_000 - price if visitor.use_yes_price and side == "no" else price
                body = {
                    "market_ticker": ticker,
                    "market_id": "00000000-0000-4000-8000-000000000000",
                    "price_dollars": f"{shown / 10_000:.4f}",
                    "delta_fp": f"{change / 100:.2f}",
                    "side": side,
                    "ts_ms": 1,
                }
                frame = {"type": "orderbook_delta", "msg": body}
                try:
                    visitor.send_numbered(sid, frame, is_lost=is_lost)
                except ConnectionClosed:
                    continue

    def tell(self, channel: str, type_name: str, body: dict[str, Any]) -> None:
        for visitor in self.visitors:
            sid = visitor.sid_of(channel)
            if sid is not None:
                visitor.send({"type": type_name, "sid": sid, "msg": body})

    def send_raw(self, text: str) -> None:
        for visitor in self.visitors:
            visitor.socket.send(text)

    def disconnect(self) -> None:
        """Break every connection without a word."""
        for visitor in list(self.visitors):
            visitor.socket.close_socket()

    def top(self, ticker: str) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        book = self.books[ticker]
        yes, no = (tuple(sorted(book[side].items(), reverse=True)) for side in ("yes", "no"))
        return yes, no

    # Inside

    def _check(self, socket: ServerConnection, request: Request) -> Response | None:
        self.handshakes += 1
        if self.refuse_status is not None:
            return socket.respond(self.refuse_status, "refused\n")
        try:
            verify(
                self.public_pem,
                dict(request.headers.raw_items()),
                "GET",
                PATH,
                now_ms=int(time.time() * 1000),
                tolerance_ms=5000,
            )
        except SignatureRefused:
            return socket.respond(401, "refused\n")
        return None

    def _visit(self, socket: ServerConnection) -> None:
        visitor = Visitor(socket)
        self.visitors.append(visitor)
        try:
            for text in socket:
                with self._lock:
                    self.commands.append(json.loads(text))
                    if not self.is_mute:
                        self._obey(visitor, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.visitors.remove(visitor)

    def _obey(self, visitor: Visitor, command: dict[str, Any]) -> None:
        name, params = command["cmd"], command.get("params", {})
        if name == "subscribe":
            for channel in params["channels"]:
                self._subscribe(visitor, command["id"], channel, params)
        elif name == "update_subscription":
            self._update(visitor, command["id"], params["sids"][0], params)
        elif name == "unsubscribe":
            for sid in params["sids"]:
                visitor.channels.pop(sid, None)
                visitor.send({"id": command["id"], "type": "unsubscribed", "sid": sid, "seq": 1})
        elif name == "list_subscriptions":
            rows = [{"channel": name, "sid": sid} for sid, name in visitor.channels.items()]
            visitor.send({"id": command["id"], "type": "ok", "msg": rows})

    def _subscribe(self, visitor: Visitor, command_id: int, channel: str, params: dict) -> None:
        error = self.errors_for.pop(channel, None)
        if error is not None:
            visitor.send({"id": command_id, "type": "error", "msg": error})
            return
        sid = len(visitor.seq) + len(visitor.channels) + 1
        visitor.channels[sid] = channel
        visitor.markets[sid] = set(params.get("market_tickers", ()))
        visitor.seq[sid] = 0
        body = {"channel": channel, "sid": sid}
        visitor.send({"id": command_id, "type": "subscribed", "msg": body})
        if channel == "orderbook_delta":
            visitor.use_yes_price = params["use_yes_price"]
            for ticker in sorted(visitor.markets[sid]):
                self._snapshot(visitor, sid, ticker)

    def _update(self, visitor: Visitor, command_id: int, sid: int, params: dict) -> None:
        tickers = params["market_tickers"]
        if params["action"] == "add_markets":
            visitor.markets[sid] |= set(tickers)
        elif params["action"] == "delete_markets":
            visitor.markets[sid] -= set(tickers)
        held = {"market_tickers": sorted(visitor.markets[sid])}
        visitor.send_numbered(sid, {"id": command_id, "type": "ok", "msg": held})
        if params["action"] != "delete_markets" and visitor.channels[sid] == "orderbook_delta":
            for ticker in tickers:
                self._snapshot(visitor, sid, ticker)

    def _snapshot(self, visitor: Visitor, sid: int, ticker: str) -> None:
        if ticker not in self.books:
            return
        yes, no = self.top(ticker)
        body: dict[str, Any] = {"market_ticker": ticker, "market_id": "x"}
        if yes:
            body["yes_dollars_fp"] = [[f"{p / 10_000:.4f}", f"{c / 100:.2f}"] for p, c in yes]
        if no:
            mirrored = [(10_000 - p if visitor.use_yes_price else p, c) for p, c in no]
            body["no_dollars_fp"] = [[f"{p / 10_000:.4f}", f"{c / 100:.2f}"] for p, c in mirrored]
        is_lost = self.lose_snapshots > 0
        self.lose_snapshots -= is_lost
        visitor.send_numbered(sid, {"type": "orderbook_snapshot", "msg": body}, is_lost=is_lost)
