"""How far city highs usually miss, by lead and season, before a station's own errors are known.

Figures are the spreads that minimise the CRPS of a Gaussian around official city forecasts of 137
cities (January to October 2021); ``prediction/priors/PROVENANCE.md`` says how they were found. They
are smaller than root mean squares of the same errors (2.55, 2.88 and 3.37 °F), whose tails are
heavier than a Gaussian's, and cover what they should: 80 % intervals hold 81 % of cities left out.
"""

from __future__ import annotations

import math

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import finite_number

#: No forecast of a whole-degree high is surer than this.
MIN_SD_F = 0.8
_REFERENCE_LEAD_HOURS = 28.0
_REFERENCE_SD_F = 2.65
_LEAD_EXPONENT = 0.28
_MIN_LEAD_HOURS = 1.0
_SEASON_COS, _SEASON_SIN = 0.158, 0.094


def prior_sd_f(*, lead_hours: float, month: int) -> float:
    """Return the spread of a city-high forecast before the station's own errors are known.

    ``2.65 (lead / 28)^0.28`` times a season factor, at least 0.8 °F. The power law passes within
    0.03 °F of the spreads of official city highs: 2.34 on the same morning, 2.65 on the evening
    before, 3.13 two evenings before, and rises smoothly with lead. The season factor is one turn a
    year, widest at the end of January (1.18) and narrowest at the end of July (0.82).

    Args:
        lead_hours: Hours from the forecast's issue to the end of the climate day: about 18.5 for
            the same morning, 28 for the evening before, 52 for two evenings before. Below one hour
            counts as one.
        month: Calendar month of the climate day, 1 to 12.

    Raises:
        InvalidDataError: If the lead is not finite or the month is none.
    """
    lead = max(_MIN_LEAD_HOURS, finite_number(lead_hours, name="lead"))
    if not 1 <= month <= 12:
        raise InvalidDataError(f"A month lies in 1..12, was {month}.")
    angle = 2.0 * math.pi * (month - 0.5) / 12.0
    season = 1.0 + _SEASON_COS * math.cos(angle) + _SEASON_SIN * math.sin(angle)
    spread: float = _REFERENCE_SD_F * (lead / _REFERENCE_LEAD_HOURS) ** _LEAD_EXPONENT
    return max(MIN_SD_F, spread * season)
