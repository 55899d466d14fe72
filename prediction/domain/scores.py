"""Proper scores and calibration checks of forecasts of a whole-degree high. Lower is better.

Scores of temperatures are degrees Fahrenheit; scores of probabilities have no unit, logarithmic
ones are nats. Brackets of one ladder are one draw: pair and resample whole days, never brackets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array
from prediction.domain.distribution import IntegerPmf

_INV_SQRT_PI = 1.0 / math.sqrt(math.pi)
_INV_SQRT_TAU = 1.0 / math.sqrt(2.0 * math.pi)
_SUM_TOLERANCE = 1e-6


def crps_gaussian(mean_f: FloatArray, sd_f: FloatArray, observed_f: FloatArray) -> FloatArray:
    """Return the CRPS of Gaussian forecasts, element by element.

    ``s (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi))`` with ``z = (y - mean) / s``, in °F.

    Args:
        mean_f: Means, any shape.
        sd_f: Standard deviations above zero, shape that broadcasts with the means.
        observed_f: Verifying highs, shape that broadcasts with the means.

    Raises:
        ValueError: If a standard deviation is not above zero.

    Source:
        Gneiting et al. (2005), doi:10.1175/MWR2904.1.
    """
    mean, sd, observed = (
        np.asarray(values, dtype=np.float64) for values in (mean_f, sd_f, observed_f)
    )
    if not (sd > 0).all():
        raise ValueError("a Gaussian forecast needs a standard deviation above zero")
    z = (observed - mean) / sd
    density = np.exp(-0.5 * z * z) * _INV_SQRT_TAU
    score: FloatArray = sd * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - _INV_SQRT_PI)
    return score


def crps_ensemble(members_f: FloatArray, observed_f: FloatArray) -> FloatArray:
    """Return the fair CRPS of ensembles, in °F.

    ``mean |x_i - y| - sum_ij |x_i - x_j| / (2 m (m - 1))``: unbiased in the number of members, so
    it may be a little below zero for a single case.

    Args:
        members_f: Member highs, shape ``(..., m)`` with ``m >= 2``; NaN in any gives NaN.
        observed_f: Verifying highs, shape ``(...)``.

    Raises:
        ValueError: If fewer than two members are given or the leading shapes differ.

    Source:
        Ferro (2014), doi:10.1002/qj.2270.
    """
    members = np.asarray(members_f, dtype=np.float64)
    observed = np.asarray(observed_f, dtype=np.float64)
    if members.ndim == 0 or members.shape[-1] < 2:
        raise ValueError("a fair score needs at least two members")
    if members.shape[:-1] != observed.shape:
        raise ValueError(f"shapes differ: {members.shape[:-1]} and {observed.shape}")
    m = members.shape[-1]
    miss = np.abs(members - observed[..., None]).mean(axis=-1)
    # In sorted order the i-th member is the larger of i pairs and the smaller of m - 1 - i.
    ranks = 2.0 * np.arange(m) - (m - 1)
    pairs = (np.sort(members, axis=-1) * ranks).sum(axis=-1)
    score: FloatArray = miss - pairs / (m * (m - 1))
    return score


def crps_pmf(pmf: IntegerPmf, observed_f: int) -> float:
    """Return the CRPS of a whole-degree distribution, ``sum_k (F(k) - 1[y <= k])^2``, in °F.

    The integral of the usual definition, since F only steps at integers; zero exactly when all
    probability lies on the observed degree.

    Source:
        Gneiting and Raftery (2007), doi:10.1198/016214506000001437.
    """
    low = min(pmf.low_f, observed_f)
    high = max(pmf.high_f, observed_f)
    cumulative = np.ones(high - low + 1)
    cumulative[: pmf.low_f - low] = 0.0
    start = pmf.low_f - low
    cumulative[start : start + pmf.probabilities.size] = np.cumsum(pmf.probabilities)
    step = np.arange(low, high + 1) >= observed_f
    return math.fsum((cumulative - step) ** 2)


def log_score_pmf(pmf: IntegerPmf, observed_f: int) -> float:
    """Return ``-ln P(observed degree)`` in nats; infinite where the forecast said impossible."""
    return _surprise(pmf.at(observed_f))


def log_score(probabilities: Sequence[float], outcome: int) -> float:
    """Return ``-ln p`` of the bracket at index ``outcome``, in nats; infinite at p = 0."""
    return _surprise(float(_ladder(probabilities, outcome)[outcome]))


def brier(probability: float, happened: bool) -> float:
    """Return ``(p - o)^2`` of one bracket, between 0 and 1.

    Source:
        Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    if not 0.0 <= probability <= 1.0:
        raise InvalidDataError(f"A probability lies in 0..1, was {probability!r}.")
    return (probability - float(happened)) ** 2


def brier_ladder(probabilities: Sequence[float], outcome: int) -> float:
    """Return the Brier score summed over a ladder's brackets, between 0 and 2."""
    parts = _ladder(probabilities, outcome)
    return math.fsum(brier(float(p), index == outcome) for index, p in enumerate(parts))


def ranked_probability_score(probabilities: Sequence[float], outcome: int) -> float:
    """Return the ranked probability score of an ordered ladder, divided by ``n - 1``.

    ``sum_k (P_k - O_k)^2 / (n - 1)`` with cumulative probability and outcome, between 0 and 1. The
    brackets must be ordered from coldest to warmest.

    Source:
        Epstein (1969), doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2; Murphy (1971),
        doi:10.1175/1520-0450(1971)010<0155:ANOTRP>2.0.CO;2.
    """
    parts = _ladder(probabilities, outcome)
    if parts.size < 2:
        raise InvalidDataError("A ranked score needs at least two brackets.")
    step = np.arange(parts.size) >= outcome
    return math.fsum((np.cumsum(parts) - step)[:-1] ** 2) / (parts.size - 1)


def randomised_pit(pmf: IntegerPmf, observed_f: int, rng: np.random.Generator) -> float:
    """Return ``F(y - 1) + u P(y)`` with u uniform: uniform on 0..1 for a calibrated forecast.

    Source:
        Czado, Gneiting and Held (2009), doi:10.1111/j.1541-0420.2009.01191.x.
    """
    value = pmf.cdf(observed_f - 1) + float(rng.random()) * pmf.at(observed_f)
    return min(1.0, value)


def interval_hit(pmf: IntegerPmf, observed_f: int, coverage: float) -> bool:
    """Say whether the high fell in the central interval of a nominal coverage (0.5, 0.8, 0.9).

    The interval runs from the ``(1 - c) / 2`` to the ``(1 + c) / 2`` quantile, both inclusive. On
    whole degrees it holds at least its nominal coverage, so a calibrated forecast is hit a little
    more often.
    """
    if not 0.0 < coverage < 1.0:
        raise InvalidDataError(f"A coverage lies between 0 and 1, was {coverage!r}.")
    low = pmf.quantile((1.0 - coverage) / 2.0)
    high = pmf.quantile((1.0 + coverage) / 2.0)
    return low <= observed_f <= high


def _surprise(probability: float) -> float:
    return math.inf if probability <= 0.0 else max(0.0, -math.log(probability))


def _ladder(probabilities: Sequence[float], outcome: int) -> FloatArray:
    parts = finite_array(probabilities, name="ladder probabilities")
    if (parts < 0).any() or abs(math.fsum(parts) - 1.0) > _SUM_TOLERANCE:
        raise InvalidDataError("The probabilities of a ladder must add up to 1.")
    if not 0 <= outcome < parts.size:
        raise InvalidDataError(f"There is no bracket {outcome} in a ladder of {parts.size}.")
    return parts
