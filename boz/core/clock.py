"""Time at the edge of the system.

Services never read a clock: ``now`` and ``as_of`` are arguments. A clock is read once, by whatever
starts a job (a command, a task, a view), and handed inwards.
"""

from __future__ import annotations

import datetime as dt

UTC = dt.UTC

#: Exchange days are counted in Eastern standard time all year, so that a limit per day does not
#: move with daylight saving.
EXCHANGE_STANDARD_OFFSET = dt.timedelta(hours=-5)


def utc_now() -> dt.datetime:
    """Return the present moment, aware, in UTC."""
    return dt.datetime.now(tz=UTC)


def require_utc(moment: dt.datetime, *, name: str) -> dt.datetime:
    """Return ``moment`` in UTC.

    Raises:
        ValueError: If ``moment`` carries no time zone; a naive time has no meaning here.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{name} must carry a time zone, was {moment.isoformat()}")
    return moment.astimezone(UTC)


def parse_utc(text: str) -> dt.datetime:
    """Read an RFC 3339 time (``2026-07-11T12:00:59Z``) as an aware UTC time.

    Raises:
        ValueError: If the text is no time or has no zone.
    """
    return require_utc(dt.datetime.fromisoformat(text), name="time")


def format_utc(moment: dt.datetime) -> str:
    """Write a time as RFC 3339 with ``Z``, to the second when it has no fraction."""
    return require_utc(moment, name="moment").isoformat().replace("+00:00", "Z")


def standard_day_bounds(day: dt.date, *, offset: dt.timedelta) -> tuple[dt.datetime, dt.datetime]:
    """Return start (inclusive) and end (exclusive) in UTC of a day in a fixed standard offset.

    Args:
        day: The calendar date in local standard time.
        offset: Fixed offset from UTC of local *standard* time, e.g. -5 h for New York all year.
    """
    start = dt.datetime.combine(day, dt.time(0), tzinfo=UTC) - offset
    return start, start + dt.timedelta(days=1)


def standard_day(moment: dt.datetime, *, offset: dt.timedelta) -> dt.date:
    """Return the date in local standard time on which ``moment`` falls."""
    return (require_utc(moment, name="moment") + offset).date()


def exchange_day(moment: dt.datetime) -> dt.date:
    """Return the exchange's day (Eastern standard time) on which ``moment`` falls."""
    return standard_day(moment, offset=EXCHANGE_STANDARD_OFFSET)


def exchange_day_bounds(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return start (inclusive) and end (exclusive) in UTC of an exchange day."""
    return standard_day_bounds(day, offset=EXCHANGE_STANDARD_OFFSET)
