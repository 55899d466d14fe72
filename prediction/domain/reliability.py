"""Whether probabilities are met by what happens: ranks, coverage and reliability diagrams.

The rank of an outcome within its distribution (probability integral transform, PIT) is uniform on
0..1 for a calibrated forecast. A high is a whole degree, so its rank is an interval; the randomised
PIT draws a point of it and is exactly uniform, where its middle would only be centred.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrik

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array
from prediction.domain.distribution import IntegerPmf

BINS = 10


def randomised_pit(pmf: IntegerPmf, observed_f: int, rng: np.random.Generator) -> float:
    """Return ``F(y - 1) + u P(y)`` with u uniform: uniform on 0..1 for a calibrated forecast.

    Source:
        Czado, Gneiting and Held (2009), doi:10.1111/j.1541-0420.2009.01191.x.
    """
    value = pmf.cdf(observed_f - 1) + float(rng.random()) * pmf.at(observed_f)
    return min(1.0, value)


def pit_histogram(pits: Sequence[float] | FloatArray, bins: int = BINS) -> npt.NDArray[np.int64]:
    """Return how many ranks fall in each of equal bins of 0..1; the last bin includes 1.

    Raises:
        InvalidDataError: If a rank is outside 0..1 or there is no bin.
    """
    ranks = _ranks(pits)
    if bins < 1:
        raise InvalidDataError(f"A histogram needs bins, was given {bins}.")
    places = np.minimum((ranks * bins).astype(np.int64), bins - 1)
    return np.bincount(places, minlength=bins).astype(np.int64)


def reliability_index(pits: Sequence[float] | FloatArray, bins: int = BINS) -> float:
    """Return ``sum |share in bin - 1 / bins|``: 0 for a flat histogram, below 2 always.

    Raises:
        DataUnavailable: If there are no ranks.

    Source:
        Delle Monache et al. (2006), doi:10.1029/2005JD006917.
    """
    counts = pit_histogram(pits, bins)
    total = int(counts.sum())
    if total == 0:
        raise DataUnavailable("There are no ranks to judge.")
    return math.fsum(np.abs(counts / total - 1.0 / bins))


def expected_reliability_index(count: int, bins: int = BINS) -> float:
    """Return the index that perfect calibration shows on average by chance alone.

    ``bins sqrt(2 / pi) sqrt(p (1 - p) / n)`` with ``p = 1 / bins``: the mean absolute deviation of
    a normal count in each bin.

    Raises:
        InvalidDataError: If there is no case or no bin.
    """
    if count < 1 or bins < 1:
        raise InvalidDataError(f"Cases and bins are at least 1, were {count} and {bins}.")
    share = 1.0 / bins
    return bins * math.sqrt(2.0 / math.pi) * math.sqrt(share * (1.0 - share) / count)


def interval_hit(pit: float, level: float) -> bool:
    """Say whether an outcome of this rank lies in the central interval of a nominal coverage.

    With the randomised PIT the chance of a hit under calibration is the level exactly: an outcome
    on an end degree of the interval is in it with the share of that degree's probability that the
    interval needs. (Counting end degrees as inside would cover a few per cent too much.)

    Args:
        pit: Randomised rank, 0..1.
        level: Nominal coverage between 0 and 1, such as 0.5, 0.8 or 0.9.
    """
    if not 0.0 < level < 1.0:
        raise InvalidDataError(f"A coverage lies between 0 and 1, was {level!r}.")
    return bool(abs(float(_ranks([pit])[0]) - 0.5) <= 0.5 * level)


def coverage(pits: Sequence[float] | FloatArray, level: float) -> float:
    """Return the share of outcomes in their central interval, by :func:`interval_hit`.

    Raises:
        DataUnavailable: If there are no ranks.
    """
    ranks = _ranks(pits)
    if ranks.size == 0:
        raise DataUnavailable("There are no ranks to judge.")
    return sum(interval_hit(float(rank), level) for rank in ranks) / ranks.size


@dataclass(frozen=True, slots=True)
class ReliabilityPoint:
    """One point of a reliability diagram.

    Args:
        probability: Mean forecast probability in the bin.
        frequency: Share of cases that happened.
        count: Cases.
        consistent_low: Lower end of the frequencies that calibration would show by chance.
        consistent_high: Upper end.
    """

    probability: float
    frequency: float
    count: int
    consistent_low: float
    consistent_high: float


def reliability_points(
    probabilities: Sequence[float] | FloatArray,
    happened: Sequence[bool],
    *,
    bins: int = BINS,
    level: float = 0.9,
) -> list[ReliabilityPoint]:
    """Return the points of a reliability diagram over equal bins of probability; empty bins not.

    The consistency interval is binomial about the mean probability, as if cases were independent.
    The brackets of one day are not, so it is a little too wide for them: their sum is fixed.

    Args:
        probabilities: Forecast probabilities, 0..1.
        happened: Whether each came true.
        bins: How many bins.
        level: Nominal content of the consistency interval.

    Raises:
        InvalidDataError: If lengths differ or a probability is outside 0..1.

    Source:
        Bröcker and Smith (2007), doi:10.1175/WAF993.1.
    """
    forecast = _ranks(probabilities)
    outcomes = np.asarray(happened, dtype=np.bool_)
    if outcomes.shape != forecast.shape or bins < 1 or not 0.0 < level < 1.0:
        raise InvalidDataError("Each probability needs an outcome, bins and level a size.")
    places = np.minimum((forecast * bins).astype(np.int64), bins - 1)
    return [
        _point(forecast[places == place], outcomes[places == place], level)
        for place in np.unique(places)
    ]


def _point(forecast: FloatArray, outcomes: npt.NDArray[np.bool_], level: float) -> ReliabilityPoint:
    count = int(forecast.size)
    mean = min(1.0, math.fsum(forecast) / count)
    ends = [
        _binomial_quantile(side, count, mean) / count for side in (0.5 - level / 2, 0.5 + level / 2)
    ]
    return ReliabilityPoint(mean, int(np.count_nonzero(outcomes)) / count, count, ends[0], ends[1])


def _binomial_quantile(level: float, count: int, probability: float) -> int:
    if probability <= 0.0 or probability >= 1.0:
        return round(count * probability)
    found = float(bdtrik(level, count, probability))
    return 0 if math.isnan(found) else min(count, max(0, math.ceil(found)))


def _ranks(values: Sequence[float] | FloatArray) -> FloatArray:
    array = finite_array(values, name="ranks or probabilities")
    if (array < 0).any() or (array > 1).any():
        raise InvalidDataError("A rank or probability lies in 0..1.")
    return array
