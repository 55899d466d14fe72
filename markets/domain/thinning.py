"""Which rows of a dense series are no longer needed: all but the last of each stretch of time.

The last one stays because a read as of the end of the stretch found it. A read within the stretch
then finds the one of the stretch before: an older truth, never a later one.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterable, Sequence

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def start_of_stretch(moment: dt.datetime, step: dt.timedelta) -> dt.datetime:
    """Return the start of the stretch in which a moment lies, counted from 1970."""
    return moment - (moment - _EPOCH) % step


def superfluous(
    times: Sequence[dt.datetime], *, step: dt.timedelta, needed_at: Iterable[dt.datetime] = ()
) -> list[int]:
    """Return the positions of rows that may go.

    Args:
        times: When each row could be known, rising.
        step: Length of a stretch.
        needed_at: Moments that something was decided at: the last row known then stays.
    """
    kept = {bisect.bisect_right(times, moment) - 1 for moment in needed_at}
    return [
        place
        for place in range(len(times) - 1)
        if place not in kept
        and start_of_stretch(times[place], step) == start_of_stretch(times[place + 1], step)
    ]
