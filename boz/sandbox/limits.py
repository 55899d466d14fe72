"""Limits of the real hosts, for those who want to be refused as they would be outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from boz.sandbox.wire import WireError

#: Open-Meteo answers one call of an address at a time and lets this many wait.
OPEN_METEO_QUEUE = 5
#: The Mesonet takes one call a second for station reports and texts.
IEM_SECONDS = 1.0


class Door(Protocol):
    """What a request passes before it is answered."""

    def enter(self, path: str) -> AbstractAsyncContextManager[None]:
        """Hold the door while a request is answered; raise WireError to refuse it."""


class OneAtATime:
    """Answers one request at a time; more than a few waiting are refused with 429."""

    def __init__(self, *, queue: int = OPEN_METEO_QUEUE) -> None:
        """Let ``queue`` requests wait."""
        self._queue = queue
        self._inside = 0
        self._turn = asyncio.Semaphore(1)

    @asynccontextmanager
    async def enter(self, path: str) -> AsyncIterator[None]:
        """Wait for the turn."""
        if self._inside > self._queue:
            raise WireError(429, "too_many_requests", "Too many concurrent requests")
        self._inside += 1
        try:
            async with self._turn:
                yield
        finally:
            self._inside -= 1


class OneASecond:
    """Refuses a request of some paths that comes within a second of the last one with 503."""

    def __init__(
        self,
        paths: frozenset[str],
        *,
        seconds: float = IEM_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch the paths that end in one of ``paths``; tests pass their own clock."""
        self._paths = tuple(paths)
        self._seconds = seconds
        self._monotonic = monotonic
        self._last = float("-inf")

    @asynccontextmanager
    async def enter(self, path: str) -> AsyncIterator[None]:
        """Refuse or let in at once."""
        if path.endswith(self._paths):
            now = self._monotonic()
            if now - self._last < self._seconds:
                raise WireError(503, "busy", "ERROR: server over capacity, please try later")
            self._last = now
        yield


class Open:
    """Lets everybody in."""

    @asynccontextmanager
    async def enter(self, path: str) -> AsyncIterator[None]:
        """Let in at once."""
        yield
