"""The simulated clock: every answer of the sandbox depends on it and on nothing later."""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
from collections.abc import Callable

from boz.core.clock import format_utc, require_utc


class ClockBackwardsError(ValueError):
    """The clock was asked to go back: what has been seen cannot be unseen."""


class SimulatedClock:
    """A clock that moves when told to, and by itself at ``speed`` times the wall clock.

    Args:
        start: The first simulated moment.
        speed: Simulated seconds per real second; 0 stands still until it is set.
        monotonic: Source of real seconds; tests pass their own.
    """

    def __init__(
        self,
        start: dt.datetime,
        *,
        speed: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at ``start``."""
        if not math.isfinite(speed) or speed < 0:
            raise ValueError(f"speed must be 0 or more, was {speed!r}")
        self._moment = require_utc(start, name="start")
        self._speed = speed
        self._monotonic = monotonic
        self._anchor = monotonic()
        self._lock = threading.Lock()

    @property
    def speed(self) -> float:
        """Return simulated seconds per real second."""
        return self._speed

    def now(self) -> dt.datetime:
        """Return the simulated moment, aware, in UTC."""
        with self._lock:
            return self._now()

    def set(self, moment: dt.datetime) -> dt.datetime:
        """Move to ``moment`` and return it.

        Raises:
            ClockBackwardsError: If ``moment`` lies before the simulated now.
        """
        target = require_utc(moment, name="moment")
        with self._lock:
            current = self._now()
            if target < current:
                raise ClockBackwardsError(
                    f"the simulated clock only goes forward: it is {format_utc(current)}, "
                    f"asked for {format_utc(target)}"
                )
            return self._move(target)

    def advance(self, step: dt.timedelta) -> dt.datetime:
        """Move forward by ``step`` and return the new moment.

        Raises:
            ClockBackwardsError: If ``step`` is negative.
        """
        if step < dt.timedelta(0):
            raise ClockBackwardsError("the simulated clock only goes forward")
        with self._lock:
            return self._move(self._now() + step)

    def _now(self) -> dt.datetime:
        elapsed = (self._monotonic() - self._anchor) * self._speed
        return self._moment + dt.timedelta(seconds=elapsed)

    def _move(self, target: dt.datetime) -> dt.datetime:
        self._moment, self._anchor = target, self._monotonic()
        return target
