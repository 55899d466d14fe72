"""How times, ages and temperatures are written on the admin's pages."""

from __future__ import annotations

import datetime as dt

MINUTE = dt.timedelta(minutes=1)
NOTHING = "-"


def moment(at: dt.datetime | None) -> str:
    """Write a moment to the minute, in UTC."""
    return NOTHING if at is None else f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%MZ}"


def age(at: dt.datetime, *, now: dt.datetime) -> str:
    """Write how long ago a moment was, in its two largest units."""
    return minutes_long(max(0, (now - at) // MINUTE))


def minutes_long(minutes: int | None) -> str:
    """Write a number of minutes in its two largest units."""
    if minutes is None:
        return NOTHING
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def interval(low_f: int, high_f: int) -> str:
    """Write the whole degrees that a report can mean: ``78`` or ``78 to 79`` as a range."""
    if low_f == high_f:
        return str(low_f)
    return f"{low_f}\N{EN DASH}{high_f}" if low_f >= 0 else f"{low_f} to {high_f}"


def degrees(value: float | None) -> str:
    """Write whole or decimal °F."""
    return NOTHING if value is None else f"{value:g} °F"


def timed(value: float | None, time_lst: str) -> str:
    """Write an extreme with its time of day in standard time."""
    return f"{degrees(value)}, {time_lst}" if time_lst else degrees(value)
