"""The thread that reads the stream: connect, read, and when it ends connect again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from boz.core.errors import BozBaseException, OperatorActionRequired
from boz.core.redaction import redact_text
from markets.clients.kalshi_stream import StreamClosedError
from markets.clients.kalshi_stream.commands import Command
from markets.services.stream.feed import Feed

#: Pauses between attempts double from the first to the longest.
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
#: A connection that held for so long starts the pauses anew.
STABLE_SECONDS: Final = 5.0
#: How long at most before time itself is looked at again.
STEP_SECONDS: Final = 0.25


class Connection(Protocol):
    """What is needed of a connection."""

    def receive(self, timeout: float) -> str | bytes | None:
        """Return the next frame, or None after ``timeout`` seconds without one."""

    def send(self, command: Command) -> None:
        """Send one command."""

    def close(self) -> None:
        """Close it."""


class Session(threading.Thread):
    """Keeps a feed connected until it is stopped."""

    def __init__(
        self,
        feed: Feed,
        connect: Callable[[], Connection],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Take what to feed and how to connect.

        Args:
            feed: Gets the frames.
            connect: Makes a connection, or raises what :class:`StreamConnection` raises.
            monotonic: Clock for intervals, seconds.
            jitter: Random numbers from 0 to 1, so that many clients do not return at once.
        """
        super().__init__(name="exchange-stream", daemon=True)
        self._feed, self._connect = feed, connect
        self._monotonic, self._jitter = monotonic, jitter
        self._stopping = threading.Event()
        self._verifying = threading.Event()
        self._awake = threading.Event()
        self.failure: BozBaseException | None = None

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
        self._awake.set()

    def verify(self) -> None:
        """Ask for a snapshot of every book soon; a pause between connections ends for it."""
        self._verifying.set()
        self._awake.set()

    def run(self) -> None:
        """Read until stopped; a failure that only a person can mend is left in ``failure``."""
        attempts = 0
        while not self._stopping.is_set():
            started = self._monotonic()
            try:
                self._one_connection()
            except OperatorActionRequired as error:
                self.failure = error
                return
            except StreamClosedError as error:
                self._feed.warn(error.message, **error.context)
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end the stream
                sentence = f"Stopped by an unexpected {type(error).__name__}: {error}"
                self._feed.warn(redact_text(sentence)[:500])
            if self._monotonic() - started >= STABLE_SECONDS:
                attempts = 0
            attempts += 1
            self._awake.wait(self.pause_seconds(attempts))
            self._awake.clear()

    def pause_seconds(self, attempts: int) -> float:
        """Return how long to wait after so many attempts in a row."""
        longest = min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 20), LONGEST_PAUSE_SECONDS)
        return longest * (0.5 + self._jitter() / 2)

    def _one_connection(self) -> None:
        connection = self._connect()
        reason = "the stream was stopped"
        self._feed.opened()
        try:
            self._read(connection)
        except StreamClosedError as error:
            reason = error.message
            raise
        except Exception as error:
            reason = f"reading was stopped by an unexpected {type(error).__name__}"
            raise
        finally:
            self._feed.closed(reason)
            connection.close()

    def _read(self, connection: Connection) -> None:
        looked_at = self._monotonic() - STEP_SECONDS
        while not self._stopping.is_set():
            commands: list[Command] = []
            text = connection.receive(STEP_SECONDS)
            if text is not None:
                commands.extend(self._feed.receive(text))
            if self._monotonic() - looked_at >= STEP_SECONDS:
                looked_at = self._monotonic()
                commands.extend(self._feed.due())
                if self._verifying.is_set():
                    self._verifying.clear()
                    commands.extend(self._feed.verify())
            for command in commands:
                connection.send(command)
