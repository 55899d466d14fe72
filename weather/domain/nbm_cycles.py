"""When the runs of the National Blend of Models are to be had.

Percentile bulletins are made at 01, 07, 13 and 19 UTC and published 61 minutes after their cycle at
the earliest, usually after 77, one in twenty later than after 100, rarely hours late (measured on
version 5.0). The other bulletins are hourly; those of the same cycles are used.
"""

from __future__ import annotations

import datetime as dt
from itertools import count, islice

from boz.core.clock import require_utc

CYCLE_HOURS = (1, 7, 13, 19)
#: No cycle has been published sooner.
EARLIEST_LAG = dt.timedelta(minutes=61)


def latest_cycles(now: dt.datetime, *, limit: int = 3) -> tuple[dt.datetime, ...]:
    """Return the last cycles that can be published by ``now``, newest first.

    The first one need not be there yet; ask for the next when it is not.
    """
    moment = require_utc(now, name="now") - EARLIEST_LAG
    latest = moment.replace(minute=0, second=0, microsecond=0)
    hours = (latest - dt.timedelta(hours=back) for back in count())
    return tuple(islice((hour for hour in hours if hour.hour in CYCLE_HOURS), limit))
