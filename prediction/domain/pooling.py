"""The logarithmic pool of our belief and the market's, over one ladder, and its two exponents.

The market is a strong forecaster, so it is one expert beside the model, never a training target.
The pool is ``p_i`` proportional to ``model_i^a market_i^b``. The exponents begin at 0 on the model
and 1 on the market, and only settled days move them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boz.core.errors import InvalidDataError
from boz.core.schemas import Bracket
from prediction.domain.arrays import FloatArray, finite_array, finite_number
from prediction.domain.distribution import IntegerPmf
from prediction.domain.pool_score import SettledLadders, best_exponents

#: A market probability below this is read as this: a quote never proves that something cannot be.
MARKET_FLOOR = 1e-4
#: A living bracket of the model counts at least this much in the pool, so that one bold forecast
#: can neither veto the market nor decide the exponents.
MODEL_FLOOR = 1e-6
#: The prior is worth this many settled days.
PRIOR_DAYS = 60.0
#: Settled ladders whose logarithms are kept in memory.
SETTLED_KEPT = 16_384
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class PoolWeights:
    """Exponents of the pool.

    Args:
        model: Exponent of our probabilities, zero or more.
        market: Exponent of the market's, zero or more; not both zero.
        n_train: Settled days they were learnt from.
    """

    model: float
    market: float
    n_train: int

    def __post_init__(self) -> None:
        """Refuse exponents that make no distribution."""
        a = finite_number(self.model, name="model exponent")
        b = finite_number(self.market, name="market exponent")
        if a < 0 or b < 0 or a + b <= 0:
            raise InvalidDataError(
                f"Pool exponents are zero or more, not both zero; were {a:g}, {b:g}."
            )

    def as_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"model": self.model, "market": self.market, "n_train": self.n_train}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> PoolWeights:
        """Return what :meth:`as_json` stored."""
        return cls(float(stored["model"]), float(stored["market"]), int(stored["n_train"]))


#: Nothing learnt yet: the market alone.
PRIOR = PoolWeights(model=0.0, market=1.0, n_train=0)


@dataclass(frozen=True, slots=True)
class PoolRound:
    """One settled ladder as both saw it at the same moment.

    Args:
        model: Our probabilities, coldest bracket first.
        market: The market's normalised probabilities in the same order.
        outcome: Index of the bracket that paid.
        weight: How much the day counts, zero or more.
        age_days: How long ago it was; matters only with a half-life.
    """

    model: tuple[float, ...]
    market: tuple[float, ...]
    outcome: int
    weight: float = 1.0
    age_days: float = 0.0


def log_pool(model: Sequence[float], market: Sequence[float], weights: PoolWeights) -> list[float]:
    """Return ``p_i`` proportional to ``model_i^a market_i^b``, adding up to one.

    A bracket to which the model gives exactly zero is physically dead and stays zero, whatever the
    exponents; a market probability of zero is lifted to 0.0001.

    Args:
        model: Our probabilities, one per bracket, adding up to one.
        market: The market's normalised probabilities in the same order, adding up to one.
        weights: Exponents.

    Raises:
        InvalidDataError: If a ladder is no distribution or the lengths differ.

    Source:
        Genest and Zidek (1986), doi:10.1214/ss/1177013825.
    """
    ours, theirs = _log_ladders(model, market)
    alive = np.isfinite(ours)
    logs = np.full(ours.size, -np.inf)
    logs[alive] = weights.model * ours[alive] + weights.market * theirs[alive]
    # Relative to the largest, so that nothing underflows to an undefined pool.
    parts = np.exp(logs - logs.max())
    total = math.fsum(parts)
    return [float(part / total) for part in parts]


def pooled_pmf(pmf: IntegerPmf, ladder: Sequence[Bracket], pooled: Sequence[float]) -> IntegerPmf:
    """Return the distribution whose ladder is the pooled one and whose odds inside each are ours.

    Args:
        pmf: Our distribution.
        ladder: Brackets that share out all degrees.
        pooled: The pool's probability of each bracket, adding up to one.

    Raises:
        QuarantinedError: If the brackets do not share out the whole distribution.
        InvalidDataError: If the pool is no distribution over this ladder, or gives a bracket
            something that our distribution holds for impossible.
    """
    ours = np.asarray(pmf.ladder(ladder))
    theirs = _distribution(pooled, name="pooled probabilities")
    if theirs.size != ours.size:
        raise InvalidDataError(f"The ladder has {ours.size} brackets, the pool {theirs.size}.")
    if ((ours <= 0) & (theirs > 0)).any():
        raise InvalidDataError("The pool gives an impossible bracket a probability above 0.")
    scaled = np.zeros(pmf.probabilities.size)
    for bracket, own, share in zip(ladder, ours, theirs, strict=True):
        inside = _inside(pmf, bracket)
        if own > 0:
            scaled[inside] = pmf.probabilities[inside] * (share / own)
    return IntegerPmf.from_weights(pmf.low_f, scaled)


def fit_pool(
    rounds: Sequence[PoolRound],
    *,
    prior_days: float = PRIOR_DAYS,
    half_life_days: float | None = None,
) -> PoolWeights:
    """Return the exponents that settled days speak for, shrunk towards the market alone.

    They minimise the weighted log score plus a ridge to (0, 1), a convex problem. The ridge on an
    exponent is ``prior_days`` times the mean curvature of a day at (0, 1), which is the variance of
    that ladder's logarithm under the market: so the prior weighs at least as much as that many
    days, more where model and market are alike, and when the market is right the pool is expected
    to lose at most ``1 / (4 prior_days)`` nats a day to it, 0.004 at 60.

    A day whose outcome the model held for impossible has an infinite score at any exponents and is
    left out. The order of the rounds does not matter.

    Args:
        rounds: Settled days of one horizon, all before the day to be predicted.
        prior_days: Worth of the prior in days, above zero.
        half_life_days: Age at which a day counts half; None when age does not matter.

    Raises:
        InvalidDataError: If a ladder is no distribution, an outcome is outside it, or a weight, an
            age or a setting is out of range.
    """
    if not prior_days > 0 or (half_life_days is not None and not half_life_days > 0):
        raise InvalidDataError("Prior days and half-life must be above 0.")
    usable = [item for item in rounds if _possible(item)]
    weights = [_day_weight(item, half_life_days) for item in usable]
    if not math.fsum(weights) > 0:
        return PRIOR
    days = SettledLadders.of(
        [_settled_logs(tuple(item.model), tuple(item.market)) for item in usable],
        outcomes=[item.outcome for item in usable],
        weights=weights,
    )
    exponents = best_exponents(days, prior_days)
    return PoolWeights(float(exponents[0]), float(exponents[1]), len(usable))


def _possible(item: PoolRound) -> bool:
    if not 0 <= item.outcome < len(item.model):
        raise InvalidDataError(f"There is no bracket {item.outcome} in a ladder.")
    if not (math.isfinite(item.weight) and item.weight >= 0 and item.age_days >= 0):
        raise InvalidDataError("A day needs a weight and an age of zero or more.")
    return item.model[item.outcome] > 0


def _day_weight(item: PoolRound, half_life_days: float | None) -> float:
    return item.weight * (
        1.0 if half_life_days is None else 0.5 ** (item.age_days / half_life_days)
    )


def _inside(pmf: IntegerPmf, bracket: Bracket) -> slice:
    start = 0 if bracket.low_f is None else max(0, bracket.low_f - pmf.low_f)
    stop = pmf.probabilities.size if bracket.high_f is None else bracket.high_f - pmf.low_f + 1
    return slice(start, max(start, stop))


@functools.lru_cache(maxsize=SETTLED_KEPT)
def _settled_logs(
    model: tuple[float, ...], market: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    """Return :func:`_log_ladders` of a settled day, read-only; every fit reads the same days."""
    ours, theirs = _log_ladders(model, market)
    ours.setflags(write=False)
    theirs.setflags(write=False)
    return ours, theirs


def _log_ladders(model: Sequence[float], market: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Return the logarithms of both, floored; minus infinity where the model says impossible."""
    ours = _distribution(model, name="model probabilities")
    theirs = _distribution(market, name="market probabilities")
    if ours.size != theirs.size:
        raise InvalidDataError(f"The ladders have {ours.size} and {theirs.size} brackets.")
    with np.errstate(divide="ignore"):
        logs = np.where(ours > 0, np.log(np.maximum(ours, MODEL_FLOOR)), -np.inf)
    return logs, np.log(np.maximum(theirs, MARKET_FLOOR))


def _distribution(values: Sequence[float], *, name: str) -> FloatArray:
    array = finite_array(values, name=name)
    if array.size == 0 or (array < 0).any() or abs(math.fsum(array) - 1.0) > _SUM_TOLERANCE:
        raise InvalidDataError(f"The {name} must add up to 1.")
    return array
