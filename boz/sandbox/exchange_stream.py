"""The exchange's stream: one WebSocket per client, commands in, numbered messages out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from boz.core.money import ONE
from boz.sandbox.exchange_auth import key_of
from boz.sandbox.faults import FaultKind, Source
from boz.sandbox.floor.news import Channel, News
from boz.sandbox.floor.records import dollars
from boz.sandbox.wire import WireError
from boz.sandbox.world import World

#: How often the floor is brought to the simulated now while somebody listens (seconds).
TICK_SECONDS: Final = 0.05
HEARTBEAT_SECONDS: Final = 10.0
_HEARTBEAT = b"heartbeat"
#: Channels whose messages carry the subscription's number; other numbers are seen on ``ok`` only.
_NUMBERED: Final = frozenset({Channel.BOOK, Channel.GROUPS})
#: Channels to which markets can be added and from which they can be taken.
_BY_MARKET: Final = frozenset(Channel) - {Channel.LIFECYCLE, Channel.GROUPS}

_SENTENCES: Final = {
    1: "Unable to process message",
    2: "Params required",
    3: "Channels required",
    4: "Subscription IDs required",
    5: "Unknown command",
    7: "Unknown subscription ID",
    8: "Unknown channel name",
    11: "Invalid parameter",
    12: "Exactly one subscription ID is required",
    13: "Unsupported action",
    14: "Market Ticker required",
    15: "Action required",
    16: "Market not found",
}


class CommandRefusedError(Exception):
    """A command that cannot be carried out; it changed nothing."""

    def __init__(self, code: int, *, ticker: str = "") -> None:
        """Keep the exchange's code and the market meant."""
        super().__init__(_SENTENCES[code])
        self.code, self.ticker = code, ticker


class Heartbeats(WebSocketsSansIOProtocol):
    """uvicorn's protocol, whose pings say what the exchange's say."""

    def send_keepalive_ping(self) -> None:
        """Ping every ten seconds; a client that does not answer is cut off by uvicorn."""
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self.pending_ping_payload = _HEARTBEAT
        self.ping_sent_at = self.loop.time()
        self.conn.send_ping(_HEARTBEAT)
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.ping_timeout is not None:
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)
        else:
            self.schedule_ping()


@dataclass(slots=True)
class Subscription:
    """One channel of one connection.

    Attributes:
        sid: Its number in the connection.
        channel: What is told.
        tickers: The markets told of, in the order in which they were asked for; None for all.
        yes_prices: Whether the NO side of books is told in YES prices.
        seq: Number of the last message; snapshots, deltas and ``ok`` count together.
    """

    sid: int
    channel: Channel
    tickers: dict[str, None] | None
    yes_prices: bool = False
    seq: int = 0

    def next_seq(self) -> int:
        """Return the number of the next message."""
        self.seq += 1
        return self.seq

    def wants(self, news: News, user_id: str) -> bool:
        """Say whether a piece of news is told here."""
        return (
            news.channel is self.channel
            and news.user_id in ("", user_id)
            and (self.tickers is None or not news.ticker or news.ticker in self.tickers)
        )


@dataclass(slots=True)
class Session:
    """What one connection has subscribed to, and the frames it is still to be sent."""

    world: World
    user_id: str
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    outbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    # News -------------------------------------------------------------------------------------

    def hear(self, news: News) -> None:
        """Put a piece of news into every subscription that wants it."""
        for subscription in self.subscriptions.values():
            if subscription.wants(news, self.user_id):
                self._tell(subscription, news.kind, self._content(subscription, news))

    def _content(self, subscription: Subscription, news: News) -> dict[str, Any]:
        content = dict(news.msg)
        if news.channel is Channel.BOOK:
            if subscription.yes_prices and content["side"] == "no":
                content["price_dollars"] = _mirrored(content["price_dollars"])
            if news.client_order_id and news.owner_id == self.user_id:
                content["client_order_id"] = news.client_order_id
        return content

    def _tell(self, subscription: Subscription, kind: str, msg: dict[str, Any]) -> None:
        frame: dict[str, Any] = {"type": kind, "sid": subscription.sid}
        if subscription.channel in _NUMBERED:
            frame["seq"] = subscription.next_seq()
        self.outbox.put_nowait(frame | {"msg": msg})

    # Commands ---------------------------------------------------------------------------------

    def obey(self, text: str) -> None:
        """Carry out one command, or answer with the exchange's error."""
        number: Any = 0
        try:
            command = _command(text)
            number = command.get("id", 0)
            name = command.get("cmd")
            if name not in _COMMANDS:
                raise CommandRefusedError(5)
            _COMMANDS[name](self, _identity(number), command)
        except CommandRefusedError as refusal:
            msg: dict[str, Any] = {"code": refusal.code, "msg": str(refusal)}
            if refusal.ticker:
                msg["market_ticker"] = refusal.ticker
            self.outbox.put_nowait({**_identity(number), "type": "error", "msg": msg})

    def subscribe(self, identity: dict[str, int], command: Mapping[str, Any]) -> None:
        """Subscribe to channels; one that is subscribed to already takes in the markets."""
        params = _params(command)
        names = params.get("channels")
        if not isinstance(names, list) or not names:
            raise CommandRefusedError(3)
        try:
            channels = [Channel(name) for name in names]
        except ValueError:
            raise CommandRefusedError(8) from None
        tickers = self._tickers(params)
        if Channel.BOOK in channels and tickers is None:
            raise CommandRefusedError(14)
        for channel in channels:
            held = self._subscription_to(channel)
            if held is not None:
                self._add(held, identity, tickers)
            else:
                self._open(channel, identity, tickers, params)

    def _open(
        self,
        channel: Channel,
        identity: dict[str, int],
        tickers: list[str] | None,
        params: Mapping[str, Any],
    ) -> None:
        by_market = channel in _BY_MARKET and tickers is not None
        subscription = Subscription(
            sid=max(self.subscriptions, default=0) + 1,
            channel=channel,
            tickers=dict.fromkeys(tickers) if by_market and tickers is not None else None,
            yes_prices=params.get("use_yes_price") is True,
        )
        self.subscriptions[subscription.sid] = subscription
        told = {"channel": channel.value, "sid": subscription.sid}
        self.outbox.put_nowait({**identity, "type": "subscribed", "msg": told})
        self._show(subscription, tickers or (), asked=params.get("send_initial_snapshot") is True)

    def _show(self, subscription: Subscription, tickers: Iterable[str], *, asked: bool) -> None:
        """Tell how things stand: books always, quotes where that was asked for."""
        books = self.world.floor.books
        if subscription.channel is Channel.TICKER and subscription.tickers is None:
            books.watch_everything()
        for ticker in tickers:
            if subscription.channel is Channel.BOOK:
                self._tell_snapshot(subscription, ticker)
            elif subscription.channel is Channel.TICKER:
                books.watch(ticker)
                if asked:
                    self._tell(subscription, "ticker", books.ticker_message(ticker))

    def _tell_snapshot(self, subscription: Subscription, ticker: str) -> None:
        books = self.world.floor.books
        books.watch(ticker)
        msg: dict[str, Any] = books.snapshot_message(ticker)
        if subscription.yes_prices and "no_dollars_fp" in msg:
            msg["no_dollars_fp"] = [
                [_mirrored(price), count] for price, count in reversed(msg["no_dollars_fp"])
            ]
        self._tell(subscription, "orderbook_snapshot", msg)

    def unsubscribe(self, identity: dict[str, int], command: Mapping[str, Any]) -> None:
        """End subscriptions."""
        sids = _params(command).get("sids")
        if not isinstance(sids, list) or not sids:
            raise CommandRefusedError(4)
        if any(sid not in self.subscriptions for sid in sids):
            raise CommandRefusedError(7)
        for sid in sids:
            seq = self.subscriptions.pop(sid).next_seq()
            self.outbox.put_nowait({**identity, "sid": sid, "seq": seq, "type": "unsubscribed"})

    def update_subscription(self, identity: dict[str, int], command: Mapping[str, Any]) -> None:
        """Add markets, take some away, or tell their books anew."""
        params = _params(command)
        sids = [params["sid"]] if "sid" in params else params.get("sids")
        if not isinstance(sids, list) or len(sids) != 1:
            raise CommandRefusedError(12)
        subscription = self.subscriptions.get(sids[0])
        if subscription is None:
            raise CommandRefusedError(7)
        action = params.get("action")
        if not action:
            raise CommandRefusedError(15)
        if subscription.channel not in _BY_MARKET:
            raise CommandRefusedError(13)
        tickers = self._tickers(params)
        if tickers is None:
            raise CommandRefusedError(14)
        if action == "add_markets":
            self._add(subscription, identity, tickers)
        elif action == "delete_markets":
            self._delete(subscription, identity, tickers)
        elif action == "get_snapshot" and subscription.channel is Channel.BOOK:
            for ticker in tickers:
                self._tell_snapshot(subscription, ticker)
        else:
            raise CommandRefusedError(13)

    def _add(
        self, subscription: Subscription, identity: dict[str, int], tickers: list[str] | None
    ) -> None:
        held = subscription.tickers
        if held is None or tickers is None:
            subscription.tickers, new = None, []
        else:
            new = [ticker for ticker in tickers if ticker not in held]
            held.update(dict.fromkeys(new))
        self._confirm(subscription, identity)
        self._show(subscription, new, asked=False)

    def _delete(
        self, subscription: Subscription, identity: dict[str, int], tickers: list[str]
    ) -> None:
        for ticker in tickers:
            if subscription.tickers is not None:
                subscription.tickers.pop(ticker, None)
        self._confirm(subscription, identity)

    def _confirm(self, subscription: Subscription, identity: dict[str, int]) -> None:
        frame: dict[str, Any] = {**identity, "type": "ok", "sid": subscription.sid}
        frame["seq"] = subscription.next_seq()
        if subscription.tickers is not None:
            frame["msg"] = {"market_tickers": sorted(subscription.tickers)}
        self.outbox.put_nowait(frame)

    def list_subscriptions(self, identity: dict[str, int], command: Mapping[str, Any]) -> None:
        """Tell what is subscribed to."""
        told = [
            {"channel": item.channel.value, "sid": item.sid} for item in self.subscriptions.values()
        ]
        self.outbox.put_nowait({"id": command.get("id", 0), "type": "ok", "msg": told})

    def _subscription_to(self, channel: Channel) -> Subscription | None:
        return next((item for item in self.subscriptions.values() if item.channel is channel), None)

    def _tickers(self, params: Mapping[str, Any]) -> list[str] | None:
        """Return the markets that a command names, None when it names none."""
        named = params.get("market_tickers")
        if named is None and "market_ticker" in params:
            named = [params["market_ticker"]]
        if named is None and ("market_id" in params or "market_ids" in params):
            named = self._named_by_id(params)
        if named is None:
            return None
        if not isinstance(named, list) or any(not isinstance(item, str) for item in named):
            raise CommandRefusedError(11)
        if not named:
            raise CommandRefusedError(14)
        for ticker in named:
            if not self.world.floor.books.knows(ticker):
                raise CommandRefusedError(16, ticker=ticker)
        return named

    def _named_by_id(self, params: Mapping[str, Any]) -> list[str]:
        wanted = params.get("market_ids") or [params.get("market_id")]
        found = self.world.floor.books.tickers_by_id()
        try:
            return [found[item] for item in wanted]
        except (KeyError, TypeError):
            raise CommandRefusedError(16) from None


_Command = Callable[[Session, dict[str, int], Mapping[str, Any]], None]
_COMMANDS: Final[dict[Any, _Command]] = {
    "subscribe": Session.subscribe,
    "unsubscribe": Session.unsubscribe,
    "update_subscription": Session.update_subscription,
    "list_subscriptions": Session.list_subscriptions,
}


def stream_route(world: World, path: str) -> WebSocketRoute:
    """Return the route of the stream."""

    async def serve(socket: WebSocket) -> None:
        try:
            key = key_of(world, socket.headers, "GET", path)
        except WireError as error:
            await socket.send_denial_response(error.response())
            return
        await socket.accept()
        await _converse(socket, Session(world, key.user_id))

    return WebSocketRoute(path, serve)


async def _converse(socket: WebSocket, session: Session) -> None:
    """Hear commands and tell news until one side goes."""
    listeners = session.world.floor.journal.listeners
    listeners.append(session.hear)
    tasks = [
        asyncio.create_task(part)
        for part in (_listen(socket, session), _speak(socket, session), _watch(session.world))
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        listeners.remove(session.hear)
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                raise outcome


async def _watch(world: World) -> None:
    while True:
        world.floor.advance(world.clock.now())
        await asyncio.sleep(TICK_SECONDS)


async def _listen(socket: WebSocket, session: Session) -> None:
    while True:
        text = await socket.receive_text()
        session.world.floor.advance(session.world.clock.now())
        session.obey(text)


async def _speak(socket: WebSocket, session: Session) -> None:
    """Send what is due, wrongly where that was ordered; end when the stream shall break off."""
    held: dict[str, Any] | None = None
    while True:
        frame = await session.outbox.get()
        world = session.world
        fault = world.faults.take(
            Source.KALSHI, world.clock.now(), path=str(frame["type"]), in_stream=True
        )
        kind = None if fault is None else fault.kind
        if kind is FaultKind.WS_DISCONNECT:
            with contextlib.suppress(RuntimeError):
                await socket.close(code=1011)
            return
        if kind is FaultKind.WS_REORDERED and held is None:
            held = frame
            continue
        copies = 2 if kind is FaultKind.WS_DUPLICATED else 0 if kind is FaultKind.WS_GAP else 1
        for _ in range(copies):
            await socket.send_text(json.dumps(frame))
        if held is not None:
            await socket.send_text(json.dumps(held))
            held = None


def _command(text: str) -> dict[str, Any]:
    try:
        command = json.loads(text)
    except ValueError:
        raise CommandRefusedError(1) from None
    if not isinstance(command, dict):
        raise CommandRefusedError(1)
    return command


def _params(command: Mapping[str, Any]) -> Mapping[str, Any]:
    params = command.get("params")
    if not isinstance(params, dict):
        raise CommandRefusedError(2)
    return params


def _identity(number: Any) -> dict[str, int]:
    """Return the command's number as an answer repeats it; 0 counts as none."""
    return {"id": number} if isinstance(number, int) and number else {}


def _mirrored(price: str) -> str:
    return dollars(ONE - Decimal(price))
