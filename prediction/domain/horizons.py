"""The classes of lead and hour in which forecasts are learned from, weighted and scored.

A forecast of the evening before and one of the afternoon itself err in different ways; each class
has its own fits, weights, market exponents and track record. A class is entered by its lead, the
hours left to the end of the climate day, so that the hour of the day follows from it.
"""

from __future__ import annotations

from enum import StrEnum


class Horizon(StrEnum):
    """A class of lead; the moments are those of local standard time."""

    EARLY = "early"
    EVENING = "evening"
    MORNING = "morning"
    AFTERNOON = "afternoon"


#: Lead in hours at which each class is scored and learned: 21 LST two evenings before, 21 LST the
#: evening before, 10 LST and 14 LST of the day.
REFERENCE_LEAD_HOURS: dict[Horizon, int] = {
    Horizon.EARLY: 51,
    Horizon.EVENING: 27,
    Horizon.MORNING: 14,
    Horizon.AFTERNOON: 10,
}
#: Shortest lead of each class but the last.
_SHORTEST_LEAD_HOURS = ((36.0, Horizon.EARLY), (18.0, Horizon.EVENING), (12.0, Horizon.MORNING))


def horizon_of(lead_hours: float) -> Horizon:
    """Return the class of a lead, hours to the day's end; 0 is afternoon."""
    for shortest, horizon in _SHORTEST_LEAD_HOURS:
        if lead_hours >= shortest:
            return horizon
    return Horizon.AFTERNOON
