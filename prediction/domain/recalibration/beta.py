"""The beta transform: the distribution's own probabilities bent by a beta distribution.

A linear pool of calibrated forecasts is too wide; ``G(x) = B(F(x); alpha, beta)`` with both above 1
sharpens it, below 1 it widens, unequal ones shift it. (1, 1) leaves it alone.

Source:
    Ranjan and Gneiting (2010), doi:10.1111/j.1467-9868.2009.00726.x; Gneiting and Ranjan (2013),
    doi:10.1214/13-EJS823.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import betainc

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.distribution import DEGREE_FLOOR, IntegerPmf
from prediction.domain.recalibration.ranks import checked_ranks

#: Under this many days the transform leaves the forecast alone.
LEAST_DAYS = 30
#: Worth of the prior, which is to leave it alone, in days.
PRIOR_DAYS = 30.0
#: Neither parameter leaves 1/3..3.
MOST = 3.0
_RARE = 1e-9


@dataclass(frozen=True, slots=True)
class BetaTransform:
    """Parameters of the transform.

    Args:
        alpha: First parameter, above zero.
        beta: Second parameter, above zero.
        n_train: Days they were learnt from.
    """

    alpha: float = 1.0
    beta: float = 1.0
    n_train: int = 0

    def __post_init__(self) -> None:
        """Refuse parameters that make no beta distribution."""
        if not (0 < self.alpha < math.inf and 0 < self.beta < math.inf):
            raise InvalidDataError(
                f"Beta parameters are above 0, were {self.alpha!r} and {self.beta!r}."
            )

    def apply(self, pmf: IntegerPmf) -> IntegerPmf:
        """Return the transformed distribution: impossible degrees stay so, possible ones too."""
        if self.alpha == 1.0 and self.beta == 1.0:
            return pmf
        below = np.concatenate([[0.0], np.minimum(np.cumsum(pmf.probabilities), 1.0)])
        above = np.concatenate([np.minimum(np.cumsum(pmf.probabilities[::-1]), 1.0)[::-1], [0.0]])
        # The small tail on each side, so that rare degrees keep their precision.
        rising = np.diff(betainc(self.alpha, self.beta, below))
        falling = -np.diff(betainc(self.beta, self.alpha, above))
        masses = np.maximum(np.where(below[:-1] < 0.5, rising, falling), 0.0)
        alive = pmf.probabilities > 0
        return IntegerPmf.from_weights(pmf.low_f, np.where(alive, masses + DEGREE_FLOOR, 0.0))

    def as_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"alpha": self.alpha, "beta": self.beta, "n_train": self.n_train}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> BetaTransform:
        """Return what :meth:`as_json` stored."""
        return cls(float(stored["alpha"]), float(stored["beta"]), int(stored["n_train"]))


def fit_beta(
    below: Sequence[float] | FloatArray,
    upto: Sequence[float] | FloatArray,
    *,
    prior_days: float = PRIOR_DAYS,
    least_days: int = LEAST_DAYS,
) -> BetaTransform:
    """Return the transform of the best log score on past ranks, shrunk towards leaving alone.

    It minimises ``-sum ln(B(upto) - B(below))``, which is the log score of the transformed
    distribution on whole degrees, plus half of ``prior_days`` times the squared logarithms of the
    parameters: at (1, 1) a day's curvature in each of them is 1, so the prior weighs as much as
    that many days.

    Args:
        below: F(y - 1) of each past forecast at its settled high, 0..1.
        upto: F(y) of the same, at least ``below``; a continuous forecast's rank may be given as a
            small interval.
        prior_days: Worth of the prior in days, zero or more.
        least_days: Under this many days the identity is returned.

    Raises:
        InvalidDataError: If lengths differ or a rank is outside 0..1 or out of order.
    """
    low, high = checked_ranks(below, upto)
    if not prior_days >= 0:
        raise InvalidDataError(f"Prior days are zero or more, were {prior_days!r}.")
    if low.size < least_days:
        return BetaTransform()

    def penalised(logs: FloatArray) -> float:
        alpha, beta = np.exp(logs)
        return 0.5 * prior_days * float(logs @ logs) - _log_masses(alpha, beta, low, high)

    bound = math.log(MOST)
    found = minimize(
        penalised, np.zeros(2), method="L-BFGS-B", bounds=[(-bound, bound)] * 2, tol=1e-10
    )
    if not np.isfinite(found.x).all() or not found.fun <= penalised(np.zeros(2)):
        return BetaTransform(n_train=int(low.size))
    return BetaTransform(float(np.exp(found.x[0])), float(np.exp(found.x[1])), int(low.size))


def log_gain(
    transform: BetaTransform,
    below: Sequence[float] | FloatArray,
    upto: Sequence[float] | FloatArray,
) -> float:
    """Return by how many nats, over all days, the transform would have scored better.

    Args:
        transform: Learned from other days, so that this is a test of it.
        below: F(y - 1) of each forecast before the transform, 0..1.
        upto: F(y) of the same.

    Raises:
        InvalidDataError: If lengths differ or a rank is outside 0..1 or out of order.
    """
    low, high = checked_ranks(below, upto)
    return _log_masses(transform.alpha, transform.beta, low, high) - _log_masses(
        1.0, 1.0, low, high
    )


def _log_masses(alpha: float, beta: float, low: FloatArray, high: FloatArray) -> float:
    """Return the summed logarithms of ``B(high) - B(low)``, precise in both tails."""
    lower_tail = betainc(alpha, beta, high) - betainc(alpha, beta, low)
    upper_tail = betainc(beta, alpha, 1.0 - low) - betainc(beta, alpha, 1.0 - high)
    masses = np.maximum(np.where(low < 0.5, lower_tail, upper_tail), 0.0)
    return math.fsum(np.log(masses + _RARE))
