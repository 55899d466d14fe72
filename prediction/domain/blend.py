"""The logarithmic pool of our belief and the market's, over one ladder.

The market is a strong forecaster, so it is one expert beside the model, never a training target.
The exponents are learnt walk-forward elsewhere; their prior is 0 on the model and 1 on the market.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array, finite_number

#: A market probability below this is read as this: a quote never proves that something cannot be.
MARKET_FLOOR = 1e-4
_SUM_TOLERANCE = 1e-6


def log_pool(
    model: Sequence[float],
    market: Sequence[float],
    *,
    model_weight: float,
    market_weight: float,
) -> list[float]:
    """Return ``p_i`` proportional to ``model_i^a * market_i^b``, adding up to one.

    A bracket to which the model gives exactly zero is physically dead and stays zero, whatever the
    weights; a market probability of zero is lifted to 0.0001.

    Args:
        model: Our probabilities, one per bracket, adding up to one.
        market: The market's normalised probabilities in the same order, adding up to one.
        model_weight: Exponent of the model, zero or more.
        market_weight: Exponent of the market, zero or more; not both zero.

    Raises:
        InvalidDataError: If a ladder is no distribution, lengths differ, or a weight is negative or
            not finite, or both are zero.

    Source:
        Genest and Zidek (1986), doi:10.1214/ss/1177013825.
    """
    ours = _distribution(model, name="model probabilities")
    theirs = _distribution(market, name="market probabilities")
    if ours.size != theirs.size:
        raise InvalidDataError(f"The ladders have {ours.size} and {theirs.size} brackets.")
    a = finite_number(model_weight, name="model weight")
    b = finite_number(market_weight, name="market weight")
    if a < 0 or b < 0 or a + b <= 0:
        raise InvalidDataError(f"Pool weights are zero or more, not both zero; were {a:g}, {b:g}.")
    alive = ours > 0
    logs = np.full(ours.size, -np.inf)
    logs[alive] = a * np.log(ours[alive]) + b * np.log(np.maximum(theirs[alive], MARKET_FLOOR))
    # Relative to the largest, so that nothing underflows to an undefined pool.
    weights = np.exp(logs - logs.max())
    total = math.fsum(weights)
    return [float(weight / total) for weight in weights]


def _distribution(values: Sequence[float], *, name: str) -> FloatArray:
    array = finite_array(values, name=name)
    if array.size == 0 or (array < 0).any() or abs(math.fsum(array) - 1.0) > _SUM_TOLERANCE:
        raise InvalidDataError(f"The {name} must add up to 1.")
    return array
