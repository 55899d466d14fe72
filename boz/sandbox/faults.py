"""Faults on order: the answers of a source go wrong in one of the ways seen outside."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """Who answers wrongly."""

    NWS = "nws"
    KALSHI = "kalshi"
    AVIATIONWEATHER = "aviationweather"
    OPEN_METEO = "open_meteo"
    IEM = "iem"
    NBM = "nbm"
    WEATHER_COMPANY = "weather_company"


class FaultKind(StrEnum):
    """How the answer is wrong."""

    HTTP_429 = "http_429"
    HTTP_500 = "http_500"
    HTTP_503 = "http_503"
    HTML = "html"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"
    EMPTY = "empty"
    NULLS = "nulls"
    MISSING_FIELD = "missing_field"
    ABSURD = "absurd"
    WRONG_STATION = "wrong_station"
    WRONG_DAY = "wrong_day"
    DUPLICATED = "duplicated"


#: What cannot go wrong with a source: the exchange names no stations and no weather; parts of a
#: bulletin file are asked for by their place in it, so nothing can be there twice.
SENSELESS = frozenset(
    {
        (Source.KALSHI, FaultKind.WRONG_STATION),
        (Source.KALSHI, FaultKind.WRONG_DAY),
        (Source.KALSHI, FaultKind.DUPLICATED),
        (Source.NBM, FaultKind.DUPLICATED),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to answer wrongly.

    Args:
        seconds: How long a timeout keeps silent.
        until: Simulated moment from which on answers are sound again; None for no such moment.
    """

    kind: FaultKind
    seconds: float = 60.0
    until: dt.datetime | None = None

    def is_over(self, now: dt.datetime) -> bool:
        """Say whether the fault has ended by the simulated clock."""
        return self.until is not None and now >= self.until


@dataclass(slots=True)
class _Order:
    """A fault and how many answers it still spoils; None is every one until it ends."""

    fault: Fault
    left: int | None


class FaultQueue:
    """Faults waiting for the next answers, per source; safe between threads."""

    def __init__(self) -> None:
        """Start without faults."""
        self._orders: dict[Source, deque[_Order]] = {source: deque() for source in Source}
        self._lock = threading.Lock()

    def add(
        self,
        source: Source,
        kind: FaultKind,
        *,
        count: int,
        seconds: float = 60.0,
        until: dt.datetime | None = None,
    ) -> None:
        """Make the next ``count`` answers of a source faulty, after those already ordered.

        Args:
            source: Who answers wrongly.
            kind: In which way.
            count: 0 spoils every answer, ``until`` a moment or until all is cleared.
            seconds: How long a timeout keeps silent.
            until: Simulated moment at which the fault ends.

        Raises:
            ValueError: If the count is negative or the source cannot be wrong in this way.
        """
        if count < 0:
            raise ValueError(f"count must be 0 or more, was {count}")
        if (source, kind) in SENSELESS:
            raise ValueError(f"{kind.value} makes no sense for {source.value}")
        with self._lock:
            self._orders[source].append(_Order(Fault(kind, seconds, until), count or None))

    def take(self, source: Source, now: dt.datetime) -> Fault | None:
        """Return the fault of this answer at a simulated moment, or None."""
        with self._lock:
            orders = self._orders[source]
            while orders and orders[0].fault.is_over(now):
                orders.popleft()
            if not orders:
                return None
            order = orders[0]
            if order.left is not None:
                order.left -= 1
                if order.left == 0:
                    orders.popleft()
            return order.fault

    def clear(self) -> None:
        """Make all coming answers sound again."""
        with self._lock:
            for orders in self._orders.values():
                orders.clear()

    def waiting(self) -> dict[str, int]:
        """Return how many faulty answers are counted out per source, outages left out."""
        with self._lock:
            return {
                source.value: sum(order.left or 0 for order in orders)
                for source, orders in self._orders.items()
            }

    def outages(self, now: dt.datetime) -> list[tuple[Source, Fault]]:
        """Return the faults without a count that are not over at a simulated moment."""
        with self._lock:
            return [
                (source, order.fault)
                for source, orders in self._orders.items()
                for order in orders
                if order.left is None and not order.fault.is_over(now)
            ]
