"""A distribution from a station's recent official highs alone, for when no forecast is at hand.

It follows no trend: recent highs are smoothed by a kernel that is widened for the few days, and for
how far the season may have moved since them.

Walk-forward, each day from highs up to two days before it (share of highs in the 80 % interval,
root mean square of error / spread, CRPS in °F), without and with the measured trend in the spread:

- New York and Miami, 2024-07-11 to 2024-12-16, 316 days: .82, 1.01, 3.00 and .83, 0.97, 3.00;
  October to December alone, when highs fell fast: .77, 1.08, 3.83 and .78, 1.03, 3.83.
- New York, Miami, Chicago, Los Angeles and Denver, May 2022 to June 2024, 3,960 days: .83, 1.01,
  4.34 and .84, 0.97, 4.35.

The mean lags behind an autumn (2 °F too warm in Miami, 4 °F in New York); that is left as spread.

Highs of the same days of earlier years, moved by half of the last days' anomaly, would lower the
CRPS by 9 % with nine years at hand (New York), 4 % with seven (Chicago) and 2 % with three (Miami).
A desk that has just been set up knows one year at most, so they are not used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array
from prediction.domain.discretised import empirical_pmf
from prediction.domain.distribution import IntegerPmf

MIN_DAYS = 10
MIN_KERNEL_SD_F = 1.5
#: How fast the normal high moves in spring and autumn, roughly. With the half-life below, the best
#: CRPS without undercoverage on Miami, New York and Chicago, June 2023 to June 2024.
SEASON_DRIFT_F_PER_DAY = 0.15
HALF_LIFE_DAYS = 7.0
#: Over about this many days the season's present trend is measured.
TREND_HALF_LIFE_DAYS = 30.0


def climatology_pmf(
    *,
    highs_f: Sequence[float] | FloatArray,
    ages_days: Sequence[float] | FloatArray,
    half_life_days: float = HALF_LIFE_DAYS,
    min_days: int = MIN_DAYS,
) -> IntegerPmf:
    """Return the distribution of a high from the official highs known then.

    A weighted kernel density, weights ``0.5^(age / half-life)``. The kernel's variance is
    Silverman's ``(1.06 s n_eff^(-1/5))^2`` plus ``(drift x mean age)^2`` for how far the season has
    moved, with ``drift^2 = (0.15 °F a day)^2 + (trend of the last weeks)^2``; its own spread is
    at least 1.5 °F.

    Args:
        highs_f: Official highs, degrees Fahrenheit, one per climate day.
        ages_days: Days from each to the day forecast, above zero.
        half_life_days: Age at which a high counts half.
        min_days: Fewest days from which a distribution is given.

    Raises:
        DataUnavailable: If fewer than ``min_days`` highs are known.
        InvalidDataError: If a number is missing or absurd, or an age is not above zero (the day
            itself and the future cannot be known).
    """
    highs = finite_array(highs_f, name="highs")
    ages = finite_array(ages_days, name="ages")
    if ages.size != highs.size:
        raise InvalidDataError(f"There are {highs.size} highs but {ages.size} ages.")
    if (ages <= 0).any():
        raise InvalidDataError("A high of the day itself or later cannot be known; it is refused.")
    if not half_life_days > 0:
        raise InvalidDataError(f"The half-life must be above 0, was {half_life_days:g}.")
    if highs.size < max(2, min_days):
        raise DataUnavailable(
            f"Only {highs.size} official highs are known; a climatology needs {min_days}.",
            {"days": int(highs.size), "needed": min_days},
        )
    # Relative to the youngest, so that very old samples do not vanish in underflow.
    weights = 0.5 ** ((ages - ages.min()) / half_life_days)
    lag = math.hypot(SEASON_DRIFT_F_PER_DAY, _trend(highs, ages)) * float(
        np.average(ages, weights=weights)
    )
    kernel_sd = _kernel_sd(highs, weights, lag_f=lag)
    # Highs are whole degrees and often the same: one kernel for each value that occurred.
    values, place = np.unique(highs, return_inverse=True)
    share = np.bincount(place, weights=weights).astype(np.float64)
    return empirical_pmf(values, kernel_sd, weights=share)


def _kernel_sd(highs: FloatArray, weights: FloatArray, *, lag_f: float) -> float:
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    centre = float(np.average(highs, weights=weights))
    sample_sd = math.sqrt(float(np.average((highs - centre) ** 2, weights=weights)))
    silverman = 1.06 * sample_sd * effective ** (-0.2)
    return max(MIN_KERNEL_SD_F, math.hypot(silverman, lag_f))


def _trend(highs: FloatArray, ages: FloatArray) -> float:
    """Return °F per day of age by weighted least squares; 0 when all highs have one age."""
    weights = 0.5 ** ((ages - ages.min()) / TREND_HALF_LIFE_DAYS)
    older = ages - np.average(ages, weights=weights)
    spread = float(np.average(older**2, weights=weights))
    if spread == 0.0:
        return 0.0
    return float(np.average(older * highs, weights=weights)) / spread
