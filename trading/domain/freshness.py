"""When a belief is too old, or too blind, to act on."""

from __future__ import annotations

import datetime as dt

#: A prediction older than this was made from inputs that have moved on.
MAX_BELIEF_AGE = dt.timedelta(minutes=90)
#: From this hour of local standard time on, the market sees the day happening.
DAY_IS_VISIBLE_FROM_HOUR = 10
#: Once the day is visible, an observation older than this is no view of it. Reports are hourly.
MAX_BLINDNESS = dt.timedelta(minutes=100)
#: Without a forecast a belief is acted on only where observations have all but settled the day.
NARROW_SD_F = 1.5


def belief_problem(
    *,
    predicted_at: dt.datetime,
    as_of: dt.datetime,
    day_start: dt.datetime,
    observed_until: dt.datetime | None,
    weight_present: float,
    sd_f: float,
) -> str:
    """Return why a prediction must not be acted on, in one sentence; empty when it may.

    Args:
        predicted_at: The prediction's own as-of.
        as_of: The moment of decision.
        day_start: Start of the climate day, UTC.
        observed_until: Newest observation of the day that the prediction knows; None for none.
        weight_present: Share of the forecast weight behind the prediction; 0 for no forecast.
        sd_f: Spread of the prediction, °F.
    """
    age = as_of - predicted_at
    if age > MAX_BELIEF_AGE:
        return (
            f"The prediction is {age.total_seconds() / 60:.0f} minutes old; the limit is"
            f" {MAX_BELIEF_AGE.total_seconds() / 60:.0f}."
        )
    under_way = as_of >= day_start + dt.timedelta(hours=DAY_IS_VISIBLE_FROM_HOUR)
    if under_way and (observed_until is None or as_of - observed_until > MAX_BLINDNESS):
        seen = "no observation of it"
        if observed_until is not None:
            seen = f"no observation of it since {observed_until:%H:%M} UTC"
        return (
            f"The day is under way and we have {seen}, while the market sees it: no entry on a"
            " blind belief."
        )
    if weight_present == 0 and sd_f > NARROW_SD_F:
        return (
            "There is no forecast of this day, and recent days and observations leave it open by"
            f" ± {sd_f:.1f} °F; against a market that reads forecasts we enter only below"
            f" ± {NARROW_SD_F:.1f} °F."
        )
    return ""
