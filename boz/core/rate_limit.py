"""How often we may ask one service.

One token bucket per source and host, shared by all threads of the process. Several processes each
have their own, so a limit is set with the number of workers in mind. A service that counts in other
ways gets a :class:`Limiter` of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Limiter(Protocol):
    """What a transport asks before each call; used by many threads at once."""

    def reserve(self, weight: float = 1.0) -> float:
        """Take ``weight`` calls, from the future if need be; return the seconds to wait."""

    def give_back(self, weight: float = 1.0) -> None:
        """Return a reservation of this weight that was not used."""

    def pause(self, seconds: float) -> None:
        """Let nothing pass for so long: the service asked for it."""


class TokenBucket:
    """Lets ``rate`` calls per second pass on average, ``burst`` of them at once."""

    def __init__(
        self, rate: float, *, burst: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start full.

        Raises:
            ValueError: If the rate is not above zero or the burst is below one.
        """
        if not rate > 0 or burst < 1:
            raise ValueError(f"a rate must be above 0 and a burst at least 1, was {rate}, {burst}")
        self.rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tokens = burst
        self._updated = monotonic()

    def reserve(self, weight: float = 1.0) -> float:
        """Take ``weight`` tokens, from the future if need be; return the seconds to wait.

        Raises:
            ValueError: If the weight is not above zero: it would let calls pass uncounted.
        """
        if not weight > 0:
            raise ValueError(f"the weight of a call must be above 0, was {weight}")
        with self._lock:
            self._refill()
            self._tokens -= weight
            return max(0.0, -self._tokens / self.rate)

    def give_back(self, weight: float = 1.0) -> None:
        """Return reserved tokens that were not used."""
        with self._lock:
            self._tokens = min(self._burst, self._tokens + weight)

    def pause(self, seconds: float) -> None:
        """Let nothing pass for so long: the service asked for it."""
        with self._lock:
            self._refill()
            self._tokens = min(self._tokens, 1.0 - seconds * self.rate)

    def _refill(self) -> None:
        now = self._monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self.rate)
        self._updated = now


_BUCKETS: dict[tuple[str, str], TokenBucket] = {}
_BUCKETS_LOCK = threading.Lock()


def shared_bucket(
    *, source: str, host: str, rate: float, monotonic: Callable[[], float] = time.monotonic
) -> TokenBucket:
    """Return the process's one bucket for a source and host; a new rate replaces it."""
    with _BUCKETS_LOCK:
        bucket = _BUCKETS.get((source, host))
        if bucket is None or bucket.rate != rate:
            bucket = TokenBucket(rate, burst=max(1.0, rate), monotonic=monotonic)
            _BUCKETS[source, host] = bucket
        return bucket
