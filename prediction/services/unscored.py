"""Removes what engines believed of days that will never be scored."""

from __future__ import annotations

import datetime as dt

from prediction.models import EngineBelief

#: A day that has not been settled so long after it never is; then nothing scores its beliefs.
WAIT_FOR_SETTLEMENT = dt.timedelta(days=60)


def drop_unscored_beliefs(*, now: dt.datetime) -> int:
    """Drop the beliefs beside predictions of days long over that nothing has scored.

    Settling a day drops those that no horizon scores; these are of days that were never settled, or
    of which no prediction stood in time. The predictions themselves stay: decisions refer to them.

    Returns:
        How many beliefs were dropped.
    """
    dropped, _ = EngineBelief.objects.filter(
        prediction__climate_day__lt=now.date() - WAIT_FOR_SETTLEMENT,
        prediction__verifications__isnull=True,
    ).delete()
    return dropped
