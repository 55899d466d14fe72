"""A maximum at the day's first report: what midnight itself was, nobody reported.

Behind a cold front the high is the temperature at midnight, up to an hour before the first report,
and no maximum group lies inside the day that covers it. So the high is the warmer of the later day,
which the model of the rise knows, and of that unseen hour. How far the first report falls short of
it follows a geometric law, the longer the faster the temperature fell.

Of 68 such days at Atlanta, Miami and Chicago O'Hare, January 2022 to July 2024, 34 ended where the
first report stood, 17 one degree above it, 11 two and 6 three. At 21 LST the model of the rise
alone held the first for 73 % likely, with the unseen hour 46 %; its log score falls from 1.80 to
1.33 nats. Both numbers of the law were chosen on these days.
"""

from __future__ import annotations

import numpy as np

from prediction.domain.arrays import FloatArray
from prediction.domain.day_so_far import SIGNS, DayState
from prediction.domain.rise_design import REPORT_LEAD_HOURS

#: Odds of each further degree: at least, and more for each degree lost in the hour after.
LEAST_ODDS, ODDS_PER_DEGREE = 0.2, 0.08
#: The first routine report of a day comes before this hour.
FIRST_HOUR_LST = 1.0
_USUAL_HOUR_LST = FIRST_HOUR_LST - REPORT_LEAD_HOURS


def with_unseen_midnight(rise: FloatArray, state: DayState, hour_lst: float) -> FloatArray:
    """Return P(R = 0, 1, ...) with what midnight may have been; unchanged on all other days.

    Args:
        rise: P(R = 0, 1, ...) above the running maximum from what is still to come.
        state: The day so far.
        hour_lst: Hour of the newest reading.
    """
    odds = _odds(state, hour_lst)
    if odds == 0.0:
        return rise
    unseen = (1.0 - odds) * odds ** np.arange(rise.size)
    both = np.cumsum(rise) * np.cumsum(unseen)
    warmer: FloatArray = np.maximum(np.diff(both, prepend=0.0), 0.0)
    return warmer


def _odds(state: DayState, hour_lst: float) -> float:
    """Return the odds of each further degree; 0 where the first report is not the warmest."""
    if not state.signs or state.start_covered:
        return 0.0
    signs = dict(zip(SIGNS, state.signs, strict=True))
    reached_at = hour_lst - signs["hours_since_max"]
    # A maximum from elsewhere is no reading's, so the hour of the warmest reading is not its hour.
    if reached_at > FIRST_HOUR_LST or signs["group_excess"] > 0:
        return 0.0
    lost = 0.0 if np.isnan(signs["after_max"]) else max(0.0, -signs["after_max"])
    share = min(1.0, max(0.0, reached_at / _USUAL_HOUR_LST))
    return share * (LEAST_ODDS + ODDS_PER_DEGREE * lost)
