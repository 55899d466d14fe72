"""When trading rests: every recorded night, on order, and on Thursday mornings where asked for."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from boz.core.clock import UTC
from boz.sandbox.book import PAUSE_END, PAUSE_START, is_paused

#: The weekly maintenance, in Eastern time.
MAINTENANCE_DAY: Final = 3
MAINTENANCE: Final = (dt.time(3), dt.time(5))
_EASTERN = ZoneInfo("America/New_York")
_DAY_S = 86_400


class Pause(StrEnum):
    """What rests on order."""

    NONE = "none"
    TRADING = "trading"
    EXCHANGE = "exchange"


class Hours:
    """Says whether trading rests at a moment."""

    def __init__(self, *, maintenance: bool = False) -> None:
        """Rest at night, and on Thursdays if ``maintenance``."""
        self.maintenance = maintenance
        self.ordered = Pause.NONE

    def is_scheduled(self, second: int) -> bool:
        """Say whether trading rests by the calendar at a Unix second."""
        return is_paused(second) or (self.maintenance and _is_maintained(second))

    def is_resting(self, now: dt.datetime) -> bool:
        """Say whether no order may be sent or amended."""
        return self.ordered is not Pause.NONE or self.is_scheduled(int(now.timestamp()))

    @property
    def is_shut(self) -> bool:
        """Say whether not even a cancel is taken."""
        return self.ordered is Pause.EXCHANGE

    def changes(self, *, after: int, until: int) -> list[int]:
        """Return the Unix seconds in ``(after, until]`` at which a rest by the calendar may begin.

        The ends of rests are among them.
        """
        found: list[int] = []
        for day in range(after // _DAY_S, until // _DAY_S + 1):
            start = day * _DAY_S
            marks = [start + PAUSE_START, start + PAUSE_END]
            if self.maintenance:
                marks += _maintenance_of(start)
            found += [mark for mark in marks if after < mark <= until]
        return sorted(found)

    def resumes_at(self, now: dt.datetime) -> dt.datetime | None:
        """Return when a rest by the calendar ends; None when nothing says."""
        second = int(now.timestamp())
        if self.ordered is not Pause.NONE or not self.is_scheduled(second):
            return None
        ends = (
            mark
            for mark in self.changes(after=second, until=second + 2 * _DAY_S)
            if not self.is_scheduled(mark)
        )
        return dt.datetime.fromtimestamp(next(ends), tz=UTC)


def _is_maintained(second: int) -> bool:
    local = dt.datetime.fromtimestamp(second, tz=_EASTERN)
    return local.weekday() == MAINTENANCE_DAY and MAINTENANCE[0] <= local.time() < MAINTENANCE[1]


def _maintenance_of(start: int) -> list[int]:
    """Return begin and end of the maintenance of the UTC day that begins at ``start``."""
    day = dt.datetime.fromtimestamp(start, tz=UTC).date()
    if day.weekday() != MAINTENANCE_DAY:
        return []
    return [
        int(dt.datetime.combine(day, time, tzinfo=_EASTERN).timestamp()) for time in MAINTENANCE
    ]
