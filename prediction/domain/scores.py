"""Proper scores of forecasts of a whole-degree high. Lower is better.

Scores of temperatures are degrees Fahrenheit; scores of probabilities have no unit, logarithmic
ones are nats. Brackets of one ladder are one draw: pair and resample whole days, never brackets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array
from prediction.domain.distribution import IntegerPmf

_SUM_TOLERANCE = 1e-6


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


def _surprise(probability: float) -> float:
    return math.inf if probability <= 0.0 else max(0.0, -math.log(probability))


def _ladder(probabilities: Sequence[float], outcome: int) -> FloatArray:
    parts = finite_array(probabilities, name="ladder probabilities")
    if (parts < 0).any() or abs(math.fsum(parts) - 1.0) > _SUM_TOLERANCE:
        raise InvalidDataError("The probabilities of a ladder must add up to 1.")
    if not 0 <= outcome < parts.size:
        raise InvalidDataError(f"There is no bracket {outcome} in a ladder of {parts.size}.")
    return parts
