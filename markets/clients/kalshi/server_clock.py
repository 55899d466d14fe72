"""Whether our clock agrees with the exchange's: it refuses what is signed at another time.

Each answer carries the server's time to the second. Between two answers our wall clock is held
against the monotonic one, so a step of it (an NTP correction, a person) is noticed at once.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from boz.core.clock import utc_now
from boz.core.errors import OperatorActionRequired

MAX_SKEW_SECONDS: Final = 5.0
#: After so long without an answer the exchange's time is asked for again.
MAX_AGE_SECONDS: Final = 600.0
#: The server's time is told in whole seconds, rounded down.
RESOLUTION_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Our clocks at one moment: wall time in Unix seconds, and the monotonic one."""

    wall: float
    monotonic: float


@dataclass(frozen=True, slots=True)
class _Observation:
    """Ours minus theirs was within ``low``..``high`` seconds when we read ``at``."""

    low: float
    high: float
    at: Reading


class ServerClock:
    """Measures how far our clock is from the exchange's; used by many threads at once."""

    def __init__(
        self,
        *,
        now: Callable[[], dt.datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without a measurement."""
        self._now, self._monotonic = now, monotonic
        self._lock = threading.Lock()
        self._observed: _Observation | None = None

    def read(self) -> Reading:
        """Return our clocks now."""
        return Reading(self._now().timestamp(), self._monotonic())

    def observe(self, headers: Mapping[str, str], *, sent: Reading) -> None:
        """Learn from an answer to what was sent at ``sent``; without a usable time nothing."""
        theirs = _server_seconds(headers)
        if theirs is None:
            return
        received = self.read()
        # The answer was made at some moment between sending and receiving, at a second that had
        # begun by then. The end is reckoned without steps of the wall clock in between.
        end = sent.wall + (received.monotonic - sent.monotonic)
        observation = _Observation(
            low=sent.wall - (theirs + RESOLUTION_SECONDS),
            high=end - theirs,
            at=Reading(end, received.monotonic),
        )
        with self._lock:
            self._observed = observation

    def skew_seconds(self) -> float | None:
        """Return by how much our clock is certainly ahead (or, below zero, behind) now.

        None when there was no answer lately. The least that fits the measurement is returned: a
        slow answer proves no skew.
        """
        with self._lock:
            observed = self._observed
        here = self.read()
        if observed is None or here.monotonic - observed.at.monotonic > MAX_AGE_SECONDS:
            return None
        stepped = (here.wall - observed.at.wall) - (here.monotonic - observed.at.monotonic)
        low, high = observed.low + stepped, observed.high + stepped
        return max(low, 0.0) + min(high, 0.0)

    @property
    def is_in_step(self) -> bool:
        """Say whether our clock is known to agree with the exchange's."""
        skew = self.skew_seconds()
        return skew is not None and abs(skew) <= MAX_SKEW_SECONDS

    def require_in_step(self) -> None:
        """Refuse to act on a clock that is off, or that could not be compared.

        Raises:
            OperatorActionRequired: Saying by how much.
        """
        skew = self.skew_seconds()
        if skew is None:
            raise OperatorActionRequired(
                "Our clock could not be compared with the exchange's, so nothing is sent: its "
                "answers carry no time."
            )
        if abs(skew) > MAX_SKEW_SECONDS:
            direction = "ahead of" if skew > 0 else "behind"
            raise OperatorActionRequired(
                f"The clock of this machine is {abs(skew):.0f} s {direction} the exchange's; "
                f"more than {MAX_SKEW_SECONDS:.0f} s are not accepted. Set it, and keep it set "
                "by NTP.",
                {"skew_seconds": round(skew, 1)},
            )


def _server_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the server's time as Unix seconds; an answer out of a cache tells its age."""
    try:
        at = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, IndexError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    age = headers.get("age", "0").strip()
    seconds = at.timestamp() + (int(age) if age.isascii() and age.isdecimal() else 0)
    return seconds if math.isfinite(seconds) else None
