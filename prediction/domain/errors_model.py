"""Bias and spread of a forecast source, learnt from its past errors that were known at the time.

An error is forecast minus observed, in degrees Fahrenheit: a positive bias means the source runs
warm, and the corrected mean is ``forecast - bias_f``. Few errors are shrunk towards a prior; with
none the prior alone speaks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array, finite_number

MIN_SD_F = 0.8
#: Errors further than this many prior spreads from the centre are pulled in to that distance.
WINSOR_SPREADS = 3.0
#: From this many errors on, the centre of winsorising is their weighted median, else the prior.
WINSOR_MIN_ERRORS = 5
#: Spread of the seasonal kernel: an error 60 days of the year away counts 0.61.
SEASON_SCALE_DAYS = 60.0

_REFERENCE_LEAD_HOURS = 28.0
_REFERENCE_SD_F = 2.88
_LEAD_EXPONENT = 0.27
_MIN_LEAD_HOURS = 1.0
_SEASON_MEAN, _SEASON_ANNUAL, _SEASON_SEMIANNUAL = 0.992, 0.130, -0.132


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """What past errors say about the next one.

    Attributes:
        bias_f: Expected forecast minus observed, degrees Fahrenheit.
        sd_f: Standard deviation of the error around the bias, at least 0.8 °F.
        n_train: Errors used.
        effective_n: Kish's effective number of errors after weighting, ``(sum w)^2 / sum w^2``.
    """

    bias_f: float
    sd_f: float
    n_train: int
    effective_n: float


def fit_error_model(
    *,
    errors: Sequence[float] | FloatArray,
    ages_days: Sequence[float] | FloatArray,
    prior_sd: float,
    season_distance_days: Sequence[float] | FloatArray | None = None,
    half_life_days: float = 45.0,
    prior_bias: float = 0.0,
    prior_weight_days: float = 20.0,
) -> ErrorModel:
    """Learn bias and spread from past errors, weighted by age and season, shrunk to a prior.

    With weights ``w_i = 0.5^(age_i / half-life) * exp(-(season distance_i / 60)^2 / 2)`` and a
    prior worth ``W`` days, ``bias = (W b0 + sum w_i e_i) / (W + sum w_i)`` and
    ``sd^2 = (W sd0^2 + sum w_i (e_i - bias)^2) / (W + sum w_i)``. Errors further than three prior
    spreads from the centre (their weighted median, or the prior bias below five errors) are first
    pulled in to that distance, so that one 50 °F typing error moves little.

    Args:
        errors: Forecast minus observed, degrees Fahrenheit.
        ages_days: Days from each error's climate day to the day forecast, zero or more.
        prior_sd: Spread expected before any error is seen; see :func:`prior_sd_f`.
        season_distance_days: Days of the year between each error and the day forecast; None when
            season is to be ignored.
        half_life_days: Age at which an error counts half.
        prior_bias: Bias expected before any error is seen.
        prior_weight_days: How many errors of full weight the prior is worth.

    Raises:
        InvalidDataError: If a number is missing or infinite, lengths differ, or an age is negative
            (an error from the future must never be learnt from).
    """
    error = finite_array(errors, name="forecast errors")
    _require_positive(half_life_days, name="half-life")
    _require_positive(prior_sd, name="prior spread")
    _require_positive(prior_weight_days, name="prior weight")
    bias_0 = finite_number(prior_bias, name="prior bias")
    weight = _weights(error.size, ages_days, season_distance_days, half_life_days)
    if error.size == 0:
        return ErrorModel(bias_0, max(MIN_SD_F, prior_sd), n_train=0, effective_n=0.0)
    error = _winsorised(error, weight, centre=bias_0, limit=WINSOR_SPREADS * prior_sd)
    total = prior_weight_days + math.fsum(weight)
    bias = (prior_weight_days * bias_0 + math.fsum(weight * error)) / total
    squares = math.fsum(weight * (error - bias) ** 2)
    variance = (prior_weight_days * prior_sd**2 + squares) / total
    sum_of_squares = math.fsum(weight * weight)
    effective = math.fsum(weight) ** 2 / sum_of_squares if sum_of_squares > 0 else 0.0
    return ErrorModel(bias, max(MIN_SD_F, math.sqrt(variance)), int(error.size), effective)


def prior_sd_f(*, lead_hours: float, month: int) -> float:
    """Return the spread of a city-high forecast before the station's own errors are known.

    ``2.88 (lead / 28)^0.27`` times a season factor, at least 0.8 °F. The power law passes through
    the national error spreads of official city highs (137 cities): 2.55 on the same morning, 2.88
    on the evening before, 3.37 two evenings before, within 0.04 °F, and rises smoothly with lead.
    The season factor has two harmonics that meet New York's winter (2.80) and summer (2.15)
    relative to its year (2.74); spring and autumn follow from the three.

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
    angle = 2.0 * math.pi * (month - 1) / 12.0
    season = (
        _SEASON_MEAN + _SEASON_ANNUAL * math.cos(angle) + _SEASON_SEMIANNUAL * math.cos(2.0 * angle)
    )
    spread: float = _REFERENCE_SD_F * (lead / _REFERENCE_LEAD_HOURS) ** _LEAD_EXPONENT
    return max(MIN_SD_F, spread * season)


def _weights(
    n: int,
    ages_days: Sequence[float] | FloatArray,
    season_distance_days: Sequence[float] | FloatArray | None,
    half_life_days: float,
) -> FloatArray:
    ages = finite_array(ages_days, name="ages")
    if ages.size != n:
        raise InvalidDataError(f"There are {n} errors but {ages.size} ages.")
    if (ages < 0).any():
        raise InvalidDataError("An error lies in the future of the forecast; it cannot be known.")
    weight: FloatArray = 0.5 ** (ages / half_life_days)
    if season_distance_days is not None:
        distance = finite_array(season_distance_days, name="season distances")
        if distance.size != n:
            raise InvalidDataError(f"There are {n} errors but {distance.size} season distances.")
        weight = weight * np.exp(-0.5 * (distance / SEASON_SCALE_DAYS) ** 2)
    return weight


def _winsorised(
    error: FloatArray, weight: FloatArray, *, centre: float, limit: float
) -> FloatArray:
    if error.size >= WINSOR_MIN_ERRORS:
        centre = _weighted_median(error, weight)
    pulled: FloatArray = np.clip(error, centre - limit, centre + limit)
    return pulled


def _weighted_median(values: FloatArray, weight: FloatArray) -> float:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    index = int(np.searchsorted(cumulative, 0.5 * cumulative[-1]))
    return float(values[order][min(index, values.size - 1)])


def _require_positive(value: float, *, name: str) -> None:
    if not finite_number(value, name=name) > 0:
        raise InvalidDataError(f"The {name} must be above 0, was {value:g}.")
