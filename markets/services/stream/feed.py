"""What the stream tells, turned into books and news; it knows neither network nor database.

One thread reads frames into it while another takes out what is to be stored, so that a slow
database never keeps frames waiting. What it holds is bounded: a book per market, and of everything
else the newest :data:`MAX_HELD`.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boz.core.clock import utc_now
from boz.core.logging import get_logger
from markets.clients.kalshi_stream import Frame, FrameRefusedError, StreamClosedError, read_frame
from markets.clients.kalshi_stream.commands import Command, list_subscriptions
from markets.clients.kalshi_stream.frames import (
    BOOKS,
    DeltaFrame,
    ErrorFrame,
    MessageFrame,
    OkFrame,
    SnapshotFrame,
    SubscribedFrame,
    UnsubscribedFrame,
)
from markets.clients.kalshi_stream.messages import (
    EventCreatedBody,
    FeeUpdateBody,
    FillBody,
    LifecycleBody,
    PositionBody,
    TickerBody,
    TradeBody,
    UserOrderBody,
)
from markets.domain.live_book import BookSet, BookView, Outcome
from markets.services.stream.harvest import (
    Harvest,
    ListingBody,
    LostBook,
    PrivateBody,
    Received,
    StoredBook,
)
from markets.services.stream.subscriptions import (
    PRIVATE_CHANNELS,
    PUBLIC_CHANNELS,
    Subscriptions,
)

log = get_logger("MARKET")

#: Levels stored per side, as the sync stores them.
DEPTH = 25
#: Warnings held until the thread that may wait for the database tells them.
MAX_WARNINGS = 100
#: Messages held while the database is away; beyond it the oldest go, and that is counted.
MAX_HELD = 10_000
#: A snapshot that was asked for and did not come is asked for again.
SNAPSHOT_RETRY_SECONDS = 3.0
SNAPSHOT_SPACING_SECONDS = 0.5
#: When not one book comes after so many requests each, only a new connection helps.
MAX_TRIES = 4
#: Every known book is compared with a snapshot so often: a last lost frame shows no gap.
VERIFY_SECONDS = 60.0
#: Between the frames of one trade a book may cross; for longer it is not to be believed.
CROSSED_SECONDS = 2.0
#: Without any frame for so long the other end is asked for a sign of life, and given up later.
PROBE_SECONDS = 15.0
SILENCE_SECONDS = 30.0

#: Stands for the answer to a request that is still to be sent.
UNASKED = -1
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(slots=True)
class Counters:
    """What has happened since the start."""

    frames: int = 0
    refused_frames: int = 0
    deltas: int = 0
    snapshots: int = 0
    repeated: int = 0
    gaps: int = 0
    differing_snapshots: int = 0
    lost_books: int = 0
    connections: int = 0
    errors: int = 0
    dropped_messages: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a book is stored.

    Attributes:
        every_seconds: A market's book that changes, at most so often.
        refresh_seconds: One that does not, so often: that it is still so is knowledge too.
    """

    every_seconds: float = 5.0
    refresh_seconds: float = 300.0


class Feed:
    """Books and news of the markets wanted, kept up to date frame by frame."""

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        is_private: bool = False,
        use_yes_price: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """Start without connection and markets.

        Args:
            pace: How often books are stored.
            is_private: Also follow fills, orders and positions of the account.
            use_yes_price: Ask for the prices of both sides as YES prices.
            monotonic: Clock for intervals, seconds.
            now: Clock for what is stored, aware UTC.
        """
        self.counters = Counters()
        self.urgent = threading.Event()
        self._pace = pace or Pace()
        self._channels = (*PUBLIC_CHANNELS, *(PRIVATE_CHANNELS if is_private else ()))
        self._use_yes_price = use_yes_price
        self._monotonic, self._now = monotonic, now
        self._lock = threading.Lock()
        self._wanted: frozenset[str] = frozenset()
        self._series: frozenset[str] = frozenset()
        self._is_open = False
        self._last_frame_tick = 0.0
        self._last_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._warnings: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MAX_WARNINGS)
        #: Books that owe a snapshot as proof, and the answer before which none counts.
        self._owed: set[str] = set()
        self._barrier: int | None = None
        self._begin_session()
        self._dirty: set[str] = set()
        self._stored: dict[str, tuple[float, dt.datetime]] = {}
        self._last_prices: dict[str, Decimal] = {}
        self._lost: dict[str, LostBook] = {}
        self._trades: deque[Received[TradeBody]] = deque()
        self._listings: deque[Received[ListingBody]] = deque()
        self._private: deque[Received[PrivateBody]] = deque()
        self._frame_at = self._moment()

    # What is wanted

    def want(self, tickers: Iterable[str], *, series: Iterable[str]) -> None:
        """Follow these markets from now on, and no others; news of these series."""
        with self._lock:
            self._wanted, self._series = frozenset(tickers), frozenset(series)
            for ticker in self._stored.keys() - self._wanted:
                del self._stored[ticker]
            for ticker in self._last_prices.keys() - self._wanted:
                del self._last_prices[ticker]

    # The connection

    def opened(self) -> None:
        """Begin anew on a fresh connection."""
        with self._lock:
            self._begin_session()
            self._is_open = True
            self._last_frame_tick = self._monotonic()
            self.counters.connections += 1

    def closed(self, reason: str) -> None:
        """Take that the connection has ended: no book is known any more."""
        with self._lock:
            self._is_open = False
            self._books.discard_all(reason)
            self._note_lost()

    def receive(self, text: str | bytes) -> list[Command]:
        """Take one frame; return what must be sent because of it.

        Raises:
            StreamClosedError: If only a new connection helps.
        """
        with self._lock:
            self._last_frame_tick = self._monotonic()
            self.counters.frames += 1
            try:
                frame = read_frame(text)
            except FrameRefusedError as error:
                self._refuse(error)
            else:
                if frame is not None:
                    self._take(frame)
            # Later than any loss that it caused: what it brought stands after it.
            self._frame_at = self._moment()
            return self._snapshots_due()

    def due(self) -> list[Command]:
        """Return what must be sent because time has passed or the wanted markets have changed.

        Raises:
            StreamClosedError: If the other end has fallen silent.
        """
        with self._lock:
            tick = self._monotonic()
            commands = self._subscriptions.due(self._wanted, tick=tick)
            self._follow_markets()
            commands.extend(self._signs_of_life(tick))
            self._doubt_crossed(tick)
            if tick - self._verified_tick >= VERIFY_SECONDS:
                commands.extend(self._verify(tick))
            commands.extend(self._snapshots_due())
            return commands

    def verify(self) -> list[Command]:
        """Return what asks for a snapshot of every book, to compare."""
        with self._lock:
            return self._verify(self._monotonic())

    def owe_all(self) -> None:
        """Take every known book for unproven until its next snapshot."""
        with self._lock:
            self._owed.update(self._books.known())
            self._barrier = UNASKED

    @property
    def unverified(self) -> int:
        """Return how many markets still owe a snapshot; all of them without a connection."""
        with self._lock:
            known = self._books.known() if self._is_open else ()
            unknown = self._wanted.difference(known)
            return len(unknown | self._owed)

    def warn(self, message: str, **fields: Any) -> None:
        """Keep a warning for the operator; a log row is written by whoever may wait for it."""
        self._warnings.append((message, fields))

    # What comes out

    @property
    def is_complete(self) -> bool:
        """Say whether the book of every wanted market is known and stored."""
        with self._lock:
            return self._is_open and self._wanted <= self._stored.keys()

    def known(self) -> dict[str, BookView]:
        """Return all books that are known now, whole."""
        with self._lock:
            return {
                ticker: book.view()
                for ticker in self._books.known()
                if (book := self._books.book(ticker)) is not None
            }

    def best(self, ticker: str) -> tuple[Decimal | None, Decimal | None] | None:
        """Return best YES bid and ask in dollars; None while the book is not known or crossed."""
        with self._lock:
            book = self._books.book(ticker)
            if book is None or book.is_crossed:
                return None
            return book.best_yes_bid, book.best_yes_ask

    def take(self, *, is_last: bool = False) -> Harvest:
        """Return what is to be stored now; it counts as stored unless it is put back.

        Args:
            is_last: Every known book, however lately it was stored.
        """
        with self._lock:
            self.urgent.clear()
            harvest = Harvest(
                lost=list(self._lost.values()),
                books=self._books_to_store(is_last=is_last),
                trades=list(self._trades),
                listings=list(self._listings),
                private=list(self._private),
                warnings=list(self._warnings),
            )
            self._warnings.clear()
            self._lost.clear()
            for held in (self._trades, self._listings, self._private):
                held.clear()
            return harvest

    def put_back(self, harvest: Harvest) -> None:
        """Take back what could not be stored, to be taken again later; newer books replace it."""
        with self._lock:
            for lost in harvest.lost:
                self._lost.setdefault(lost.ticker, lost)
            for item in harvest.books:
                self._stored.pop(item.view.ticker, None)
            self._trades.extendleft(reversed(harvest.trades))
            self._listings.extendleft(reversed(harvest.listings))
            self._private.extendleft(reversed(harvest.private))
            for held in (self._trades, self._listings, self._private):
                self._bound(held)

    # Inside; the lock is held

    def _begin_session(self) -> None:
        self._subscriptions = Subscriptions(self._channels, self._use_yes_price, self.warn)
        self._books = BookSet(self._use_yes_price)
        self._ask_at: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._owed = set()
        self._barrier = None
        self._crossed: dict[str, float] = {}
        self._verified_tick = self._monotonic()
        self._probed = False

    def _moment(self) -> dt.datetime:
        """Return the present, later than any moment given before even if the clock steps back."""
        self._last_at = max(self._now(), self._last_at + _MICROSECOND)
        return self._last_at

    def _take(self, frame: Frame) -> None:
        self._probed = False
        if isinstance(frame, DeltaFrame):
            self._take_delta(frame)
        elif isinstance(frame, SnapshotFrame):
            self._take_snapshot(frame)
        elif isinstance(frame, MessageFrame):
            self._take_message(frame.body)
        elif isinstance(frame, SubscribedFrame):
            self._take_subscribed(frame)
        elif isinstance(frame, OkFrame):
            self._take_ok(frame)
        elif isinstance(frame, UnsubscribedFrame):
            self._channel_ended(
                self._subscriptions.ended(frame.sid, tick=self._monotonic()),
                "the exchange ended the subscription",
            )
        elif isinstance(frame, ErrorFrame):
            self.counters.errors += 1
            self._pass_barrier(frame.command_id)
            self._channel_ended(
                self._subscriptions.failed(frame, tick=self._monotonic()),
                f"the subscription failed with code {frame.code}",
            )

    def _take_delta(self, frame: DeltaFrame) -> None:
        if frame.sid != self._subscriptions.sid_of(BOOKS):
            return
        self.counters.deltas += 1
        outcome = self._books.apply_delta(
            frame.seq, frame.ticker, frame.side, frame.price_text, frame.change_text
        )
        if outcome is Outcome.APPLIED:
            self._dirty.add(frame.ticker)
        else:
            self._after(outcome)

    def _take_snapshot(self, frame: SnapshotFrame) -> None:
        if frame.sid != self._subscriptions.sid_of(BOOKS):
            return
        self.counters.snapshots += 1
        differing = self._books.differing
        outcome = self._books.apply_snapshot(frame.seq, frame.ticker, frame.yes_rows, frame.no_rows)
        if outcome is not Outcome.REPEATED and self._barrier is None:
            self._owed.discard(frame.ticker)
        if frame.ticker not in self._books.waiting:
            self._ask_at.pop(frame.ticker, None)
            self._tries.pop(frame.ticker, None)
            self._dirty.add(frame.ticker)
        if self._books.differing != differing:
            self.counters.differing_snapshots += 1
            self.warn("A book differed from its snapshot", market=frame.ticker)
        if outcome is not Outcome.APPLIED:
            self._after(outcome)

    def _take_subscribed(self, frame: SubscribedFrame) -> None:
        standing = self._subscriptions.confirmed(frame)
        if standing is not None and standing.channel == BOOKS:
            self._books = BookSet(self._use_yes_price)
            self._follow_markets()

    def _take_ok(self, frame: OkFrame) -> None:
        self._subscriptions.done(frame.command_id)
        self._pass_barrier(frame.command_id)
        if frame.sid is not None and frame.seq is not None:
            self._count_book_frame(frame.sid, frame.seq)
        if frame.subscriptions is not None:
            for channel in self._subscriptions.missing(frame.subscriptions):
                self._subscriptions.forget(channel, tick=self._monotonic())
                self._channel_ended(channel, "the exchange no longer lists the subscription")

    def _count_book_frame(self, sid: int, seq: int) -> None:
        if sid == self._subscriptions.sid_of(BOOKS):
            self._after(self._books.pass_over(seq))

    def _take_message(self, body: Any) -> None:
        if isinstance(body, TickerBody):
            self._take_last_price(body)
        elif isinstance(body, TradeBody):
            if body.market_ticker in self._wanted:
                self._hold(self._trades, body)
        elif isinstance(body, LifecycleBody):
            if self._is_ours(body.market_ticker):
                self._hold(self._listings, body, is_urgent=True)
        elif isinstance(body, FeeUpdateBody):
            if self._is_ours(body.event_ticker):
                self._hold(self._listings, body, is_urgent=True)
        elif isinstance(body, FillBody | UserOrderBody | PositionBody):
            self._hold(self._private, body, is_urgent=True)
        elif isinstance(body, EventCreatedBody) and self._is_ours(body.event_ticker):
            log.info("The exchange lists a new event", event=body.event_ticker)

    def _take_last_price(self, body: TickerBody) -> None:
        ticker, price = body.market_ticker, body.price_dollars
        if ticker in self._wanted and price is not None and self._last_prices.get(ticker) != price:
            self._last_prices[ticker] = price
            self._dirty.add(ticker)

    def _is_ours(self, ticker: str) -> bool:
        return ticker.partition("-")[0] in self._series

    def _hold(self, held: deque[Received[Any]], body: Any, *, is_urgent: bool = False) -> None:
        held.append(Received(body, self._moment()))
        self._bound(held)
        if is_urgent:
            self.urgent.set()

    def _bound(self, held: deque[Received[Any]]) -> None:
        while len(held) > MAX_HELD:
            held.popleft()
            self.counters.dropped_messages += 1

    def _refuse(self, error: FrameRefusedError) -> None:
        """Leave a frame out; a book that it may have been about is no longer known."""
        self.counters.refused_frames += 1
        self.warn(error.message, **error.context)
        books = self._subscriptions.sid_of(BOOKS)
        if books is None or error.sid not in (None, books):
            return
        if error.seq is not None:
            self._count_book_frame(books, error.seq)
        if error.ticker is not None:
            self._books.discard(error.ticker, "a frame of it cannot be used")
        else:
            self._books.discard_all("a frame that may concern it cannot be used")
        self._after(Outcome.REFUSED)

    def _after(self, outcome: Outcome) -> None:
        """Ask anew for the books that a frame has put in doubt."""
        if outcome is Outcome.REPEATED:
            self.counters.repeated += 1
        if outcome in (Outcome.GAP, Outcome.REFUSED):
            tick = self._monotonic()
            for ticker in self._books.waiting:
                asked = self._asked.get(ticker)
                soon = tick if asked is None else asked + SNAPSHOT_SPACING_SECONDS
                self._ask_at[ticker] = max(tick, soon)
        if outcome is Outcome.GAP:
            self.counters.gaps += 1
            self.warn("Frames of the exchange's books are missing; they are read anew")
        self._note_lost()

    def _note_lost(self) -> None:
        for ticker, reason in self._books.lost.items():
            if ticker in self._wanted:
                self._lost[ticker] = LostBook(ticker, self._moment(), reason)
                # What follows is stored at once, whatever the pace.
                self._stored.pop(ticker, None)
                self.counters.lost_books += 1
                self.urgent.set()
        self._books.lost.clear()

    def _channel_ended(self, channel: str | None, reason: str) -> None:
        if channel == BOOKS:
            self._books.discard_all(reason)
            self._note_lost()
            self._books = BookSet(self._use_yes_price)
            self._ask_at.clear()
            self._owed.clear()

    def _follow_markets(self) -> None:
        """Hold the books that the exchange was asked for; new ones come by themselves."""
        asked = self._subscriptions.markets_of(BOOKS)
        self._books.remove_markets(self._books.markets - asked)
        added = asked - self._books.markets
        self._books.add_markets(added)
        for ticker in added:
            self._ask_at[ticker] = self._monotonic() + SNAPSHOT_RETRY_SECONDS
        for ticker in self._ask_at.keys() - asked:
            del self._ask_at[ticker]
        self._owed &= asked

    def _snapshots_due(self) -> list[Command]:
        if not self._ask_at or not self._is_open:
            return []
        tick = self._monotonic()
        names = [ticker for ticker, at in self._ask_at.items() if at <= tick]
        command = self._subscriptions.snapshot(names)
        if command is None:
            return []
        for ticker in names:
            tries = self._tries[ticker] = self._tries.get(ticker, 0) + 1
            self._asked[ticker] = tick
            self._ask_at[ticker] = tick + SNAPSHOT_RETRY_SECONDS * 2 ** min(tries - 1, 5)
        if not self._books.known() and min(self._tries.values()) > MAX_TRIES:
            raise StreamClosedError("The exchange sends none of the books asked for.")
        return [command]

    def _pass_barrier(self, command_id: int | None) -> None:
        if command_id is not None and command_id == self._barrier:
            self._barrier = None

    def _verify(self, tick: float) -> list[Command]:
        """Ask for all snapshots; only those that come after the answer before them count."""
        self._verified_tick = tick
        known = self._books.known()
        command = self._subscriptions.snapshot(known)
        if command is None:
            return []
        self._owed |= set(known)
        # A snapshot asked for earlier may still be on its way, from before what is to be proven.
        self._barrier = self._subscriptions.next_id()
        return [list_subscriptions(self._barrier), command]

    def _signs_of_life(self, tick: float) -> list[Command]:
        silence = tick - self._last_frame_tick
        if silence > SILENCE_SECONDS:
            raise StreamClosedError(f"The exchange's stream has been silent for {silence:.0f} s.")
        if silence > PROBE_SECONDS and not self._probed:
            self._probed = True
            return [list_subscriptions(self._subscriptions.next_id())]
        return []

    def _doubt_crossed(self, tick: float) -> None:
        for ticker in self._books.known():
            book = self._books.book(ticker)
            if book is None or not book.is_crossed:
                self._crossed.pop(ticker, None)
            elif tick - self._crossed.setdefault(ticker, tick) >= CROSSED_SECONDS:
                del self._crossed[ticker]
                self.warn("A book stays crossed; it is read anew", market=ticker)
                self._books.discard(ticker, "its best bid and ask have crossed")
                self._after(Outcome.REFUSED)

    def _books_to_store(self, *, is_last: bool) -> list[StoredBook]:
        if not self._is_open:
            return []
        tick = self._monotonic()
        due = [ticker for ticker in self._books.known() if self._is_due(ticker, tick, is_last)]
        if not due:
            return []
        stored = []
        for ticker in due:
            book = self._books.book(ticker)
            if book is None or book.is_crossed:
                continue
            last_price = self._last_prices.get(ticker)
            stored.append(StoredBook(book.view(DEPTH), self._frame_at, last_price))
            self._stored[ticker] = (tick, self._frame_at)
            self._dirty.discard(ticker)
        return stored

    def _is_due(self, ticker: str, tick: float, is_last: bool) -> bool:
        stored = self._stored.get(ticker)
        if stored is None:
            return True
        if stored[1] >= self._frame_at:
            # The exchange has not spoken since, so there is nothing new to state.
            return False
        if is_last:
            return True
        wait = self._pace.every_seconds if ticker in self._dirty else self._pace.refresh_seconds
        return tick - stored[0] >= wait
