"""The stream as a process: one thread reads, this one stores; each survives the other's bad days.

No transaction is ever open while the socket is read, and a slow or absent database costs no frame.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Final

from django.db import InterfaceError, OperationalError, close_old_connections

from boz.core.agents import AgentResult, heartbeat
from boz.core.clock import utc_now
from boz.core.errors import InvalidDataError, StaleDataError
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from markets.models import Event, Market, Series
from markets.services.stream.account_news import tell
from markets.services.stream.feed import Feed
from markets.services.stream.harvest import Harvest
from markets.services.stream.listings import apply_listing
from markets.services.stream.session import Session
from markets.services.stream.store import store_books, store_trades

log = get_logger("MARKET")

#: How often what has gathered is stored; losses and news of listings are stored at once.
FLUSH_SECONDS: Final = 0.5
#: How often the wanted markets are read anew.
MARKETS_SECONDS: Final = 15.0
#: How long the last comparison with snapshots may take at the end.
CLOSING_SECONDS: Final = 5.0
_DATABASE_AWAY = (OperationalError, InterfaceError)
_MAX_SKIPPED = 100


@dataclass(slots=True)
class Totals:
    """What was stored and handed on since the start."""

    books_stored: int = 0
    trades_stored: int = 0
    listings_changed: int = 0
    account_news: int = 0
    database_failures: int = 0


@dataclass(slots=True)
class StreamRun:
    """One run of the stream.

    Attributes:
        feed: Holds the books.
        session: The thread that reads.
        key_id: Whose stream it is.
        seconds: End by itself after so long; None runs until it is stopped.
        once: End by itself as soon as every wanted market's book is stored.
        now: The present, aware UTC.
        monotonic: Clock for intervals, seconds.
    """

    feed: Feed
    session: Session
    key_id: str
    seconds: float | None = None
    once: bool = False
    now: Callable[[], dt.datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    totals: Totals = field(default_factory=Totals)
    skipped: list[SkippedSubject] = field(default_factory=list)
    _is_stopping: bool = False
    _market_ids: dict[str, int] = field(default_factory=dict)
    _read_markets_at: float = 0.0

    def stop(self) -> None:
        """End soon; safe to call from a signal handler, for it takes no lock."""
        self._is_stopping = True

    def run(self) -> AgentResult:
        """Stream until it is over.

        Raises:
            OperatorActionRequired: If the exchange refuses us.
            StaleDataError: If a run that ends by itself never saw a connection.
        """
        started = self.monotonic()
        self._read_markets()
        self.session.start()
        try:
            while not self._is_over(started):
                self.feed.urgent.wait(FLUSH_SECONDS)
                self._step()
            self._close()
            done = self._done(started)
        finally:
            self.session.stop()
            self.session.join(CLOSING_SECONDS)
        if self.session.failure is not None:
            raise self.session.failure
        if self.feed.counters.connections == 0 and not self._is_stopping:
            raise StaleDataError("The exchange's stream could not be reached in all this time.")
        return AgentResult(done=done, skipped=self.skipped)

    def _is_over(self, started: float) -> bool:
        if self._is_stopping or not self.session.is_alive():
            return True
        if self.seconds is not None and self.monotonic() - started >= self.seconds:
            return True
        return self.once and self.feed.is_complete

    def _step(self) -> None:
        """Store what has gathered; a database that is away is waited for."""
        try:
            close_old_connections()
            heartbeat()
            if self.monotonic() - self._read_markets_at >= MARKETS_SECONDS:
                self._read_markets()
        except _DATABASE_AWAY as error:
            self._database_failed(error)
            return
        self._store(self.feed.take())

    def _close(self) -> None:
        """Compare every book with a last snapshot and store it; a lost last frame shows no gap."""
        if not self.session.is_alive() or self.feed.counters.connections == 0:
            self._store(self.feed.take())
            return
        end = self.monotonic() + CLOSING_SECONDS
        asked = self.monotonic() - 1.0
        self.feed.owe_all()
        while self.feed.unverified and self.monotonic() < end and self.session.is_alive():
            if self.monotonic() - asked >= 1.0:
                asked = self.monotonic()
                self.session.verify()
            self.feed.urgent.wait(0.05)
            self.feed.urgent.clear()
        self._store(self.feed.take(is_last=True))

    def _store(self, harvest: Harvest) -> None:
        for message, fields in harvest.warnings:
            log.warning(message, **fields)
        self._try(self._store_books, Harvest(books=harvest.books, lost=harvest.lost))
        self._try(self._store_trades, Harvest(trades=harvest.trades))
        for item in harvest.listings:
            self._try(self._apply_listings, Harvest(listings=[item]))
        for news in harvest.private:
            self._try(self._tell_news, Harvest(private=[news]))

    def _try(self, store: Callable[[Harvest], None], part: Harvest) -> None:
        """Store a part; it is kept when the database is away, and dropped when it is at fault."""
        if part == Harvest():
            return
        try:
            store(part)
        except _DATABASE_AWAY as error:
            self.feed.put_back(part)
            self._database_failed(error)
        except InvalidDataError as error:
            log.warning(error.message, **error.context)
            self._skip(str(error.context.get("market", "stream")), error.message)
        except Exception as error:
            log.exception("What the stream told could not be stored")
            self._skip("stream", f"Stopped by an unexpected {type(error).__name__}.")

    def _store_books(self, part: Harvest) -> None:
        self.totals.books_stored += store_books(part.books, part.lost, market_ids=self._market_ids)

    def _store_trades(self, part: Harvest) -> None:
        self.totals.trades_stored += store_trades(part.trades, market_ids=self._market_ids)

    def _apply_listings(self, part: Harvest) -> None:
        for item in part.listings:
            if apply_listing(item):
                self.totals.listings_changed += 1
                self._read_markets()

    def _tell_news(self, part: Harvest) -> None:
        for item in part.private:
            tell(item, key_id=self.key_id)
            self.totals.account_news += 1

    def _read_markets(self) -> None:
        self._read_markets_at = self.monotonic()
        self._market_ids = open_markets(now=self.now())
        self.feed.want(self._market_ids, series=followed_series())

    def _database_failed(self, error: Exception) -> None:
        self.totals.database_failures += 1
        log.error(
            "The database is away; what the stream tells is kept meanwhile",
            error=type(error).__name__,
        )

    def _skip(self, subject: str, reason: str) -> None:
        if len(self.skipped) < _MAX_SKIPPED:
            self.skipped.append(SkippedSubject(subject=subject, reason=reason))

    def _done(self, started: float) -> dict[str, object]:
        return {
            "markets": len(self._market_ids),
            "books_known": len(self.feed.known()),
            **asdict(self.totals),
            **asdict(self.feed.counters),
            "seconds": round(self.monotonic() - started, 1),
        }


def open_markets(*, now: dt.datetime) -> dict[str, int]:
    """Return the markets to follow at ``now``, keys by ticker."""
    rows = Market.objects.filter(
        event__status__in=(Event.Status.OPEN, Event.Status.QUARANTINED),
        event__series__is_active=True,
        status__in=(Market.Status.ACTIVE, Market.Status.INACTIVE),
        open_time__lte=now,
        close_time__gt=now,
    )
    return dict(rows.values_list("ticker", "pk"))


def followed_series() -> Iterable[str]:
    """Return the series of whose markets we take news."""
    return Series.objects.filter(is_active=True).values_list("ticker", flat=True)
