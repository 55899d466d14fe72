"""How much the high usually still rises at an hour, when nothing but the hour is known.

The rise is none with a known probability; otherwise one degree plus a negative binomial whose mean
and variance make the whole rise meet a known mean and standard deviation.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array

#: Probability of no rise, mean and standard deviation, °F.
MOMENTS = 3
_OVERDISPERSION = 1.001
_SMALLEST_MEAN = 1e-6


def moments_of(rises_f: FloatArray) -> FloatArray:
    """Return P(no rise), mean and standard deviation of rises seen, shape ``(3,)``.

    Two days are added, one without a rise and one with a rise of 1 °F, so that neither is ever held
    for impossible.

    Args:
        rises_f: Whole °F of zero or more, shape ``(days,)``.
    """
    rises = finite_array(rises_f, name="rises")
    if (rises < 0).any():
        raise InvalidDataError("A rise is zero or more.")
    seen = np.concatenate([rises, [0.0, 1.0]])
    return np.array([(seen == 0).mean(), seen.mean(), seen.std()])


def usual_rise(moments: FloatArray, *, size: int) -> FloatArray:
    """Return P(rise = 0..size-1) with the given moments.

    Args:
        moments: Probability of no rise in 0..1 (both excluded), mean and standard deviation, °F.
        size: Number of degrees.

    Raises:
        InvalidDataError: If the probability is none.
    """
    p_none, mean, sd = (float(value) for value in moments)
    if not 0.0 < p_none < 1.0:
        raise InvalidDataError(f"A probability of no rise lies between 0 and 1, was {p_none:g}.")
    p_some = 1.0 - p_none
    mean_if_some = mean / p_some
    second_if_some = (sd**2 + mean**2) / p_some
    beyond_one = _negative_binomial(
        mean=mean_if_some - 1.0, variance=second_if_some - mean_if_some**2, size=size - 1
    )
    return np.concatenate([[p_none], p_some * beyond_one])


def _negative_binomial(*, mean: float, variance: float, size: int) -> FloatArray:
    """Return P(0..size-1) of a negative binomial by its moments, normalised; mean above zero.

    With ``r = mean^2 / (variance - mean)`` and ``q = mean / variance``:
    ``P(k) = gamma(k + r) / (gamma(r) k!) q^r (1 - q)^k``. Rows between two hours may come out
    barely overdispersed; the variance is kept a little above the mean.
    """
    mean = max(mean, _SMALLEST_MEAN)
    variance = max(variance, _OVERDISPERSION * mean)
    r, q = mean * mean / (variance - mean), mean / variance
    k = np.arange(size, dtype=np.float64)
    logs = gammaln(k + r) - gammaln(r) - gammaln(k + 1.0) + k * math.log1p(-q)
    # Relative to the largest, so that nothing underflows to an undefined distribution.
    weights = np.exp(logs - logs.max())
    normalised: FloatArray = weights / weights.sum()
    return normalised
