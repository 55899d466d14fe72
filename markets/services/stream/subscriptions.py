"""Which subscriptions we want, which stand, and what must be asked to make the two agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from markets.clients.kalshi_stream import StreamClosedError
from markets.clients.kalshi_stream.commands import (
    Action,
    Command,
    subscribe,
    unsubscribe,
    update,
)
from markets.clients.kalshi_stream.frames import (
    AUTHENTICATION_REQUIRED,
    BOOKS,
    FILLS,
    LIFECYCLE,
    MARKET_NOT_FOUND,
    POSITIONS,
    TERMINAL_ERRORS,
    TICKER,
    TRADES,
    UNKNOWN_SUBSCRIPTION,
    USER_ORDERS,
    ErrorFrame,
    SubscribedFrame,
)

#: Channels of markets, and those of everything; without a key's rights the last ones are refused.
MARKET_CHANNELS = (BOOKS, TICKER, TRADES)
PUBLIC_CHANNELS = (*MARKET_CHANNELS, LIFECYCLE)
PRIVATE_CHANNELS = (FILLS, USER_ORDERS, POSITIONS)

#: A subscription that is not confirmed for so long means that the connection is no good.
REPLY_SECONDS = 15.0
RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 120.0
#: Commands of which no reply came; older ones are forgotten.
MAX_OPEN_COMMANDS = 1000


@dataclass(slots=True)
class Subscription:
    """One channel as it stands at the exchange; ``markets`` None means all."""

    channel: str
    markets: set[str] | None
    asked_at: float
    sid: int | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command that was sent."""

    channel: str
    action: Action | None
    markets: frozenset[str] = frozenset()


@dataclass(slots=True)
class Subscriptions:
    """The subscriptions of one connection.

    Attributes:
        channels: What to subscribe to.
        use_yes_price: Ask for the prices of both sides of a book as YES prices.
        warn: Takes a sentence and its facts for the operator.
    """

    channels: tuple[str, ...]
    use_yes_price: bool
    warn: Callable[..., None]
    _standing: dict[str, Subscription] = field(default_factory=dict)
    _open: dict[int, _Asked] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _retry_at: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _unknown_markets: set[str] = field(default_factory=set)

    def next_id(self) -> int:
        """Return the id of the next command."""
        return next(self._ids)

    def channel_of(self, sid: int) -> str | None:
        """Return what a subscription brings, or None when it is none of ours."""
        for subscription in self._standing.values():
            if subscription.sid == sid:
                return subscription.channel
        return None

    def sid_of(self, channel: str) -> int | None:
        """Return the subscription of a channel, or None while there is none."""
        standing = self._standing.get(channel)
        return None if standing is None else standing.sid

    def markets_of(self, channel: str) -> set[str]:
        """Return the markets asked for on a channel."""
        standing = self._standing.get(channel)
        return set() if standing is None or standing.markets is None else set(standing.markets)

    def due(self, wanted: frozenset[str], *, tick: float) -> list[Command]:
        """Return the commands that bring what stands closer to what is wanted.

        Args:
            wanted: Markets to follow.
            tick: Seconds of a clock that never steps.

        Raises:
            StreamClosedError: If the exchange leaves a subscription unanswered.
        """
        markets = wanted - self._unknown_markets
        commands: list[Command] = []
        for channel in self.channels:
            standing = self._standing.get(channel)
            if standing is None:
                commands.extend(self._begin(channel, markets, tick))
            elif standing.sid is None:
                if tick - standing.asked_at > REPLY_SECONDS:
                    raise StreamClosedError(f"The exchange does not answer about {channel}.")
            elif standing.markets is not None:
                commands.extend(self._adjust(standing, markets, tick))
        return commands

    def snapshot(self, markets: Iterable[str]) -> Command | None:
        """Return the command that asks for whole books, or None while there is no subscription."""
        sid = self.sid_of(BOOKS)
        names = frozenset(markets) & self.markets_of(BOOKS)
        if sid is None or not names:
            return None
        return self._update(BOOKS, sid, "get_snapshot", names)

    def confirmed(self, frame: SubscribedFrame) -> Subscription | None:
        """Take the confirmation of a channel; return what now stands, None when it is not ours."""
        if frame.command_id is not None:
            self._open.pop(frame.command_id, None)
        standing = self._standing.get(frame.channel)
        if standing is None or standing.sid is not None:
            return None
        standing.sid = frame.sid
        self._failures.pop(frame.channel, None)
        return standing

    def done(self, command_id: int | None) -> None:
        """Take the reply that a command was done."""
        asked = None if command_id is None else self._open.pop(command_id, None)
        if asked is not None and asked.action == "add_markets":
            self._failures.pop(asked.channel, None)

    def forget(self, channel: str, *, tick: float) -> None:
        """Take that the exchange no longer has a channel's subscription."""
        self._drop(channel, tick)

    def ended(self, sid: int, *, tick: float) -> str | None:
        """Take that a subscription has ended at the exchange; return its channel if it is ours."""
        channel = self.channel_of(sid)
        if channel is not None:
            self._drop(channel, tick)
        return channel

    def missing(self, listed: Iterable[tuple[str, int]]) -> list[str]:
        """Return the channels that we hold and the exchange does not list."""
        sids = {sid for _, sid in listed}
        return [
            standing.channel
            for standing in self._standing.values()
            if standing.sid is not None and standing.sid not in sids
        ]

    def failed(self, frame: ErrorFrame, *, tick: float) -> str | None:
        """Take an error; return the channel whose subscription it ended, if any.

        Raises:
            StreamClosedError: If a subscription has failed and it is not said which.
        """
        asked = None if frame.command_id is None else self._open.pop(frame.command_id, None)
        channel = asked.channel if asked else None
        if channel is None and frame.sid is not None:
            channel = self.channel_of(frame.sid)
        self.warn(
            "The exchange's stream reports an error",
            code=frame.code,
            text=frame.message,
            channel=channel,
            market=frame.ticker,
        )
        if channel is None:
            if frame.code in TERMINAL_ERRORS:
                raise StreamClosedError(
                    f"A subscription failed (code {frame.code}) and the exchange does not say "
                    "which, so all are made anew."
                )
            return None
        if frame.code == AUTHENTICATION_REQUIRED:
            self._refused.add(channel)
        if frame.code == MARKET_NOT_FOUND and frame.ticker is not None:
            self._unknown_markets.add(frame.ticker)
        return self._after_failure(frame, asked, channel, tick)

    def _after_failure(
        self, frame: ErrorFrame, asked: _Asked | None, channel: str, tick: float
    ) -> str | None:
        is_over = frame.code in TERMINAL_ERRORS or frame.code == UNKNOWN_SUBSCRIPTION
        if asked is None or asked.action is None or is_over:
            self._drop(channel, tick)
            return channel
        standing = self._standing.get(channel)
        if asked.action == "add_markets" and standing is not None and standing.markets is not None:
            standing.markets -= asked.markets
            self._wait(channel, tick)
        return None

    def _begin(self, channel: str, markets: frozenset[str], tick: float) -> list[Command]:
        needs_markets = channel in MARKET_CHANNELS
        if channel in self._refused or tick < self._retry_at.get(channel, tick):
            return []
        if needs_markets and not markets:
            return []
        chosen = set(markets) if needs_markets else None
        self._standing[channel] = Subscription(channel, chosen, asked_at=tick)
        command_id = self._remember(_Asked(channel, None))
        return [subscribe(command_id, channel, markets=chosen, use_yes_price=self.use_yes_price)]

    def _adjust(
        self, standing: Subscription, markets: frozenset[str], tick: float
    ) -> list[Command]:
        held = standing.markets
        if standing.sid is None or held is None or held == markets:
            return []
        if not markets:
            del self._standing[standing.channel]
            return [unsubscribe(self.next_id(), standing.sid)]
        commands: list[Command] = []
        added, removed = markets - held, frozenset(held - markets)
        if removed:
            commands.append(self._update(standing.channel, standing.sid, "delete_markets", removed))
            held -= removed
        if added and tick >= self._retry_at.get(standing.channel, tick):
            commands.append(self._update(standing.channel, standing.sid, "add_markets", added))
            held |= added
        return commands

    def _update(self, channel: str, sid: int, action: Action, markets: frozenset[str]) -> Command:
        command_id = self._remember(_Asked(channel, action, markets))
        return update(command_id, sid, action, markets, channel=channel)

    def _remember(self, asked: _Asked) -> int:
        command_id = self.next_id()
        self._open[command_id] = asked
        if len(self._open) > MAX_OPEN_COMMANDS:
            del self._open[next(iter(self._open))]
        return command_id

    def _drop(self, channel: str, tick: float) -> None:
        self._standing.pop(channel, None)
        self._wait(channel, tick)

    def _wait(self, channel: str, tick: float) -> None:
        failures = self._failures[channel] = self._failures.get(channel, 0) + 1
        pause = min(RETRY_SECONDS * 2 ** min(failures - 1, 10), MAX_RETRY_SECONDS)
        self._retry_at[channel] = tick + pause
