"""When a belief is too old, or too blind, to act on."""

from __future__ import annotations

import datetime as dt

#: A prediction older than this was made from inputs that have moved on.
MAX_BELIEF_AGE = dt.timedelta(minutes=90)
#: From this hour of local standard time on, the market sees the day happening.
DAY_IS_VISIBLE_FROM_HOUR = 10


def belief_problem(
    *,
    predicted_at: dt.datetime,
    as_of: dt.datetime,
    day_start: dt.datetime,
    observed_max_low_f: int | None,
    weight_present: float,
) -> str:
    """Return why a prediction must not be acted on, in one sentence; empty when it may.

    Args:
        predicted_at: The prediction's own as-of.
        as_of: The moment of decision.
        day_start: Start of the climate day, UTC.
        observed_max_low_f: The running maximum that the prediction knows, °F; None for none.
        weight_present: Share of the forecast weight behind the prediction; 0 for no forecast.
    """
    age = as_of - predicted_at
    if age > MAX_BELIEF_AGE:
        return (
            f"The prediction is {age.total_seconds() / 60:.0f} minutes old; the limit is"
            f" {MAX_BELIEF_AGE.total_seconds() / 60:.0f}."
        )
    under_way = as_of >= day_start + dt.timedelta(hours=DAY_IS_VISIBLE_FROM_HOUR)
    if under_way and observed_max_low_f is None:
        return (
            "The day is under way and we have no observation of it, while the market sees it:"
            " no entry on a blind belief."
        )
    if not under_way and weight_present == 0:
        return (
            "There is no forecast of this day, only what recent days were like, while the market"
            " reads forecasts: no entry on climatology alone."
        )
    return ""
