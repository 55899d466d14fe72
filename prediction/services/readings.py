"""Station reports in the shape in which the day so far is judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from prediction.domain.day_so_far import Reading
from weather.selectors import StationReading

HOUR = dt.timedelta(hours=1)


def readings_of(items: Iterable[StationReading], *, start: dt.datetime) -> tuple[Reading, ...]:
    """Return the reports of a climate day that begins at ``start``."""
    return tuple(
        Reading(
            hour_lst=hour_lst(item.at, start=start),
            low_f=item.low_f,
            high_f=item.high_f,
            max_6h_f=item.max_6h_f,
        )
        for item in items
    )


def hour_lst(moment: dt.datetime, *, start: dt.datetime) -> float:
    """Return the hours from the start of a climate day, to two decimals."""
    return round((moment - start) / HOUR, 2)
