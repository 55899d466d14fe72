"""Operations on their way to a market: each takes effect when it arrives, not when it was sent."""

from __future__ import annotations

import datetime as dt
import heapq
from typing import Generic, TypeVar

from boz.core.errors import InvalidDataError

Operation = TypeVar("Operation")


class Underway(Generic[Operation]):
    """A line to a market that takes time; what arrives at one moment keeps the order of sending.

    The same operations sent at the same moments always arrive in the same order.
    """

    def __init__(self) -> None:
        """Start with nothing underway."""
        self._heap: list[tuple[dt.datetime, int, Operation]] = []
        self._sent = 0

    def __len__(self) -> int:
        return len(self._heap)

    def send(self, operation: Operation, now: dt.datetime, latency: dt.timedelta) -> dt.datetime:
        """Send an operation and return when it will arrive.

        Raises:
            InvalidDataError: If the latency is negative.
        """
        if latency < dt.timedelta(0):
            raise InvalidDataError(f"A latency is never negative, was {latency}.")
        self._sent += 1
        heapq.heappush(self._heap, (now + latency, self._sent, operation))
        return now + latency

    def arrived(self, now: dt.datetime) -> list[tuple[dt.datetime, Operation]]:
        """Take out what has arrived by ``now``, each with its moment, first arrival first."""
        due: list[tuple[dt.datetime, Operation]] = []
        while self._heap and self._heap[0][0] <= now:
            at, _, operation = heapq.heappop(self._heap)
            due.append((at, operation))
        return due
