"""Days of station reports made up from a simple curve."""

from __future__ import annotations

import datetime as dt
import math
import random

from prediction.domain.day_so_far import Reading
from prediction.domain.rise_fit import PastDay

GROUP_HOURS = (6, 12, 18)


def reports(
    high_f: float, *, peak: float = 15.0, swing_f: float = 20.0, groups: bool = True
) -> tuple[Reading, ...]:
    """Return hourly reports of a day whose curve peaks at ``high_f``, eight minutes before."""
    found = []
    for hour in range(1, 25):
        at = hour - 0.13
        temp = _curve(at, high_f=high_f, peak=peak, swing_f=swing_f)
        group = None
        if groups and hour in GROUP_HOURS:
            minutes = [max(0.0, at - 6) + step / 20 for step in range(120)]
            group = round(
                max(
                    _curve(m, high_f=high_f, peak=peak, swing_f=swing_f) for m in minutes if m <= at
                )
            )
        found.append(Reading(at + 0.13 if group is not None else at, temp, temp, group))
    return tuple(found)


def _curve(hour: float, *, high_f: float, peak: float, swing_f: float) -> int:
    return round(high_f - swing_f * (1 - math.cos(2 * math.pi * (hour - peak) / 24)) / 2)


def past_days(count: int, *, stations: tuple[str, ...] = ("AAA", "BBB")) -> list[PastDay]:
    """Return days with weather that differs from day to day, the same ones at each call."""
    draw = random.Random(5)
    days = []
    for station in stations:
        for number in range(count):
            high = draw.gauss(75, 8)
            readings = reports(high, peak=draw.gauss(15, 1), swing_f=draw.uniform(12, 26))
            official = max(round(high), max(item.low_f for item in readings))
            day = dt.date(2023, 1, 1) + dt.timedelta(days=number)
            days.append(PastDay(station, day, readings, official, 75.0))
    return days
