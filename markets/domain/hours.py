"""When the exchange trades: its weekly pause and its listed hours, both in Eastern time.

Source: the exchange's pages on maintenance and pauses (Thursdays 03:00 to 05:00 Eastern, a trading
pause: nothing is placed or amended, cancelling works) and its schedule, hours as ``HH:MM``. A
session that ends at or before its start, or at 23:59, lasts to the end of its day: UNVERIFIED, the
page does not say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from boz.core.clock import UTC

EASTERN = ZoneInfo("America/New_York")
#: Weekday, start and end of the weekly pause, wall clock in New York.
PAUSE_WEEKDAY = 3
PAUSE_START = dt.time(3)
PAUSE_END = dt.time(5)
_LAST_MINUTE = dt.time(23, 59)
_MIDNIGHT = dt.time(0)


@dataclass(frozen=True, slots=True)
class Session:
    """Hours of one weekday, wall clock in New York.

    Args:
        weekday: 0 is Monday.
        opens: First moment, inclusive.
        closes: Last moment, exclusive; midnight is the end of the day.
    """

    weekday: int
    opens: dt.time
    closes: dt.time

    def holds(self, local: dt.datetime) -> bool:
        """Say whether a moment in New York lies in it."""
        if local.weekday() != self.weekday or local.time() < self.opens:
            return False
        lasts_all_day = self.closes <= self.opens or self.closes in (_MIDNIGHT, _LAST_MINUTE)
        return lasts_all_day or local.time() < self.closes


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """The sessions of every week between two moments, the first inclusive."""

    valid_from: dt.datetime
    valid_until: dt.datetime
    sessions: Sequence[Session]


def weekly_pause_end(moment: dt.datetime) -> dt.datetime | None:
    """Return when the weekly pause that holds at ``moment`` ends, UTC; None outside of it."""
    local = moment.astimezone(EASTERN)
    if local.weekday() != PAUSE_WEEKDAY or not PAUSE_START <= local.time() < PAUSE_END:
        return None
    return dt.datetime.combine(local.date(), PAUSE_END, tzinfo=EASTERN).astimezone(UTC)


def is_within_hours(weeks: Iterable[WeeklyHours], moment: dt.datetime) -> bool | None:
    """Say whether ``moment`` lies within listed hours; None when no listing covers it."""
    covering = [week for week in weeks if week.valid_from <= moment < week.valid_until]
    if not covering:
        return None
    local = moment.astimezone(EASTERN)
    return any(session.holds(local) for week in covering for session in week.sessions)


def sessions_from_days(
    days: Mapping[int, Iterable[tuple[dt.time, dt.time]]],
) -> tuple[Session, ...]:
    """Return the sessions of a week from the hours of each weekday."""
    return tuple(
        Session(weekday, opens, closes)
        for weekday, hours in sorted(days.items())
        for opens, closes in hours
    )
