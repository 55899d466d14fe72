"""Limits of a service that counts calls per minute, hour and day of the clock.

Such a service forgets everything at the turn of each window, and a heavy call may count as many.
A limiter here books weighted calls into the windows of all lengths at once; it takes the place of a
token bucket in a transport.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

MINUTE, HOUR, DAY = 60, 3600, 86400

#: Length of a window in seconds, and the weight that may pass in it.
Window = tuple[int, float]


class WindowLimiter:
    """Lets a weight pass per window of the clock; windows begin at multiples of their length.

    A call heavier than a whole window gets an empty one to itself, so that it can pass at all.

    Args:
        windows: Each length in seconds with its limit.
        clock: Seconds since 1970 in UTC, since the windows follow the wall clock.
    """

    def __init__(
        self, windows: Sequence[Window], *, clock: Callable[[], float] = time.time
    ) -> None:
        """Start with nothing booked.

        Raises:
            ValueError: If there is no window, or one has no length or lets nothing pass.
        """
        if not windows or any(length <= 0 or not limit > 0 for length, limit in windows):
            raise ValueError(f"windows need a length and a limit above 0, were {windows}")
        self.windows = tuple(windows)
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[tuple[int, int], float] = {}
        self._waiting: list[tuple[float, float]] = []
        self._paused_at = self._paused_until = -math.inf

    def reserve(self, weight: float = 1.0) -> float:
        """Book a call into the first windows with room for it; return the seconds until then.

        Args:
            weight: How many calls it counts as; 0 for one that the service does not count, which
                then waits for pauses only.

        Raises:
            ValueError: If the weight is negative or not a number.
        """
        if not weight >= 0:
            raise ValueError(f"a weight must be at least 0, was {weight}")
        with self._lock:
            now = self._clock()
            self._forget(now)
            moment = self._first_room(weight, self._pause_end(now))
            self._add(moment, weight)
            if moment > now:
                self._waiting.append((moment, weight))
            return moment - now

    def give_back(self, weight: float = 1.0) -> None:
        """Return a booking of this weight that was not used: of several the one furthest ahead."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            moment = max((at for at, booked in self._waiting if booked == weight), default=now)
            if moment > now:
                self._waiting.remove((moment, weight))
            self._add(moment, -weight)

    def pause(self, seconds: float) -> None:
        """Let nothing pass for so long: the service asked for it."""
        with self._lock:
            now = self._clock()
            self._paused_until = max(self._pause_end(now), now + seconds)
            self._paused_at = now

    def _pause_end(self, now: float) -> float:
        """Return the end of a running pause, else ``now``; a clock set back ends a pause."""
        return self._paused_until if self._paused_at <= now < self._paused_until else now

    def _first_room(self, weight: float, earliest: float) -> float:
        """Return the first moment at which the windows of all lengths have room."""
        moment = earliest
        while True:
            full = [
                _next_start(moment, length)
                for length, limit in self.windows
                if not self._fits(moment, length, limit, weight)
            ]
            if not full:
                return moment
            moment = max(full)

    def _fits(self, moment: float, length: int, limit: float, weight: float) -> bool:
        used = self._used.get(_key(moment, length), 0.0)
        return used + min(weight, limit) <= limit

    def _add(self, moment: float, weight: float) -> None:
        for length, _ in self.windows:
            key = _key(moment, length)
            self._used[key] = max(0.0, self._used.get(key, 0.0) + weight)

    def _forget(self, now: float) -> None:
        """Drop what is over: past windows, and bookings whose moment has come."""
        self._used = {
            (length, number): weight
            for (length, number), weight in self._used.items()
            if (number + 1) * length > now
        }
        self._waiting = [booking for booking in self._waiting if booking[0] > now]


def seconds_left(length: int, *, now: float) -> float:
    """Return the seconds until the window of this length that holds ``now`` is over."""
    return _next_start(now, length) - now


def _key(moment: float, length: int) -> tuple[int, int]:
    return length, math.floor(moment / length)


def _next_start(moment: float, length: int) -> float:
    return float((math.floor(moment / length) + 1) * length)


_LIMITERS: dict[tuple[str, tuple[Window, ...]], WindowLimiter] = {}
_LIMITERS_LOCK = threading.Lock()


def shared_windows(name: str, windows: Sequence[Window]) -> WindowLimiter:
    """Return the process's one limiter of a family of hosts that count together.

    Several processes each have their own, so limits are set with the number of workers in mind.

    Args:
        name: Of the family; other windows under the same name are another limiter.
        windows: As for :class:`WindowLimiter`.
    """
    key = (name, tuple(windows))
    with _LIMITERS_LOCK:
        if key not in _LIMITERS:
            _LIMITERS[key] = WindowLimiter(windows)
        return _LIMITERS[key]
