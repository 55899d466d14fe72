"""Faults on order: the answers of a source go wrong in one of the ways seen outside."""

from __future__ import annotations

import datetime as dt
import random
import re
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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
    NO_ORDER = "no_order"
    EXTRA_FIELD = "extra_field"
    RENAMED_FIELD = "renamed_field"
    REPEATED_CURSOR = "repeated_cursor"
    DROPPED_PAGE = "dropped_page"
    WS_DUPLICATED = "ws_duplicated"
    WS_REORDERED = "ws_reordered"
    WS_GAP = "ws_gap"
    WS_DISCONNECT = "ws_disconnect"


#: Faults of single messages of the exchange's stream; a request is never answered with one.
STREAM_FAULTS: Final = frozenset(
    {
        FaultKind.WS_DUPLICATED,
        FaultKind.WS_REORDERED,
        FaultKind.WS_GAP,
        FaultKind.WS_DISCONNECT,
    }
)
#: Faults that only an exchange with orders, lists in pages and a stream can have.
EXCHANGE_FAULTS: Final = STREAM_FAULTS | {
    FaultKind.NO_ORDER,
    FaultKind.EXTRA_FIELD,
    FaultKind.RENAMED_FIELD,
    FaultKind.REPEATED_CURSOR,
    FaultKind.DROPPED_PAGE,
}

#: What cannot go wrong with a source: the exchange names no stations and no weather; parts of a
#: bulletin file are asked for by their place in it, so nothing can be there twice.
SENSELESS = frozenset(
    {
        (Source.KALSHI, FaultKind.WRONG_STATION),
        (Source.KALSHI, FaultKind.WRONG_DAY),
        (Source.KALSHI, FaultKind.DUPLICATED),
        (Source.NBM, FaultKind.DUPLICATED),
        *(
            (source, kind)
            for source in Source
            if source is not Source.KALSHI
            for kind in EXCHANGE_FAULTS
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to answer wrongly, and which answers it spoils.

    Args:
        seconds: How long a timeout keeps silent.
        since: Simulated moment before which answers are still sound; None for no such moment.
        until: Simulated moment from which on answers are sound again; None for no such moment.
        after: Whether a request that changes something has taken effect before its answer goes
            wrong; otherwise a refusal or a timeout means that it never arrived.
        method: The only HTTP method spoilt; empty for every one.
        path: Pattern that the path of a spoilt request contains; empty for every one. For the
            stream, the type of message.
        chance: Share of the answers meant that are spoilt.
    """

    kind: FaultKind
    seconds: float = 60.0
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    after: bool = False
    method: str = ""
    path: str = ""
    chance: float = 1.0

    def is_over(self, now: dt.datetime) -> bool:
        """Say whether the fault has ended by the simulated clock."""
        return self.until is not None and now >= self.until

    def is_meant(self, now: dt.datetime, *, method: str, path: str, in_stream: bool) -> bool:
        """Say whether an answer is among those that the fault may spoil."""
        return (
            (self.kind in STREAM_FAULTS) is in_stream
            and (self.since is None or now >= self.since)
            and self.method in ("", method)
            # Only a page that was asked for by a cursor can lead back to itself.
            and (self.kind is not FaultKind.REPEATED_CURSOR or "cursor=" in path)
            and (not self.path or re.search(self.path, path) is not None)
        )


@dataclass(slots=True)
class _Order:
    """A fault and how many answers it still spoils; None is every one until it ends."""

    fault: Fault
    left: int | None


class FaultQueue:
    """Faults waiting for the next answers, per source; safe between threads.

    Which answers a fault with a chance spoils depends on the seed and on the answers before, and
    on nothing else.
    """

    def __init__(self, *, seed: int = 0) -> None:
        """Start without faults."""
        self._orders: dict[Source, list[_Order]] = {source: [] for source in Source}
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - faults are drawn again, not secret

    def reseed(self, seed: int) -> None:
        """Draw from here on as a new queue with this seed would."""
        with self._lock:
            self._random = random.Random(seed)  # noqa: S311 - faults are drawn again, not secret

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
        self.order(source, Fault(kind, seconds, until=until), count=count)

    def order(self, source: Source, fault: Fault, *, count: int) -> None:
        """Make the next ``count`` of the answers that a fault means faulty, 0 for every one.

        Raises:
            ValueError: If the count is negative, the source cannot be wrong in this way, the
                chance is none, or the path is no pattern.
        """
        if count < 0:
            raise ValueError(f"count must be 0 or more, was {count}")
        if not 0 < fault.chance <= 1:
            raise ValueError(f"chance must be above 0 and at most 1, was {fault.chance}")
        if (source, fault.kind) in SENSELESS:
            raise ValueError(f"{fault.kind.value} makes no sense for {source.value}")
        try:
            re.compile(fault.path)
        except re.error as error:
            raise ValueError(f"path must be a pattern, was {fault.path!r}: {error}") from None
        with self._lock:
            self._orders[source].append(_Order(fault, count or None))

    def take(
        self,
        source: Source,
        now: dt.datetime,
        *,
        method: str = "GET",
        path: str = "",
        in_stream: bool = False,
    ) -> Fault | None:
        """Return the fault of this answer at a simulated moment, or None.

        The first fault that means the answer decides; one that leaves it to chance lets the next
        ones try when it does not strike.
        """
        with self._lock:
            orders = self._orders[source]
            orders[:] = [order for order in orders if not order.fault.is_over(now)]
            for order in orders:
                fault = order.fault
                if not fault.is_meant(now, method=method, path=path, in_stream=in_stream):
                    continue
                if fault.chance < 1 and self._random.random() >= fault.chance:
                    continue
                if order.left is not None:
                    order.left -= 1
                    if order.left == 0:
                        orders.remove(order)
                return fault
            return None

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
