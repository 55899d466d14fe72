"""Online weights of experts: Bernstein online aggregation with a learning rate per expert.

Every round each expert that is awake suffers a loss, and its regret is the pool's loss less its
own. The weight of expert k before the next round is proportional to
``prior_k eta_k exp(eta_k R_k)``, where R is the sum of second-order surrogate regrets and the
learning rate eta falls with the sum of squared regrets. An expert that sleeps (no input that day,
loss NaN) has no regret that round, as if it had done as well as the pool.

Weights before a round use losses of earlier rounds only. A forecast whose outcome is known later
than the next round begins must be paired with older weights by the caller.

Source:
    Wintenberger (2017), doi:10.1007/s10994-016-5592-6; sleeping experts as in Gaillard, Stoltz and
    van Erven (2014), arXiv:1402.2044; fixed share as in Herbster and Warmuth (1998),
    doi:10.1023/A:1007424614876.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array

#: Share of the weights that returns to the prior every round, so that a drifting expert recovers.
SHARE = 0.005
#: Part of the past that fades every round: half of it in 138 days.
FORGET = 0.005
_SUM_TOLERANCE = 1e-9
_TINY = 1e-200
#: Squares of larger ones leave the range of floats.
_MOST_LOSS = 1e100


@dataclass(frozen=True, slots=True, eq=False)
class ExpertWeights:
    """What each expert weighs in the pool; zero or more, adding up to one.

    Args:
        names: Experts, each once.
        weights: Their weights in the same order.
    """

    names: tuple[str, ...]
    weights: FloatArray

    def __post_init__(self) -> None:
        """Refuse anything that is not a division of one among the names."""
        array = finite_array(self.weights, name="expert weights").copy()
        if not self.names or len(set(self.names)) != len(self.names):
            raise InvalidDataError("Experts need names, each a different one.")
        if array.size != len(self.names) or (array < 0).any():
            raise InvalidDataError("Experts need one weight each, zero or more.")
        if abs(math.fsum(array) - 1.0) > _SUM_TOLERANCE:
            raise InvalidDataError("The weights of experts must add up to 1.")
        array.setflags(write=False)
        object.__setattr__(self, "weights", array)

    def renormalised(self, awake: Collection[str]) -> dict[str, float]:
        """Return the weights of those present, scaled to add up to one, in the order of names.

        When all of them weigh nothing they share equally.

        Raises:
            DataUnavailable: If nobody is present.
            InvalidDataError: If a name is not known here.
        """
        unknown = sorted(set(awake) - set(self.names))
        if unknown:
            raise InvalidDataError("Experts without a weight.", {"names": unknown})
        present = {
            name: float(weight)
            for name, weight in zip(self.names, self.weights, strict=True)
            if name in awake
        }
        if not present:
            raise DataUnavailable("No expert is present.", {"names": list(self.names)})
        total = math.fsum(present.values())
        if total <= 0:
            return dict.fromkeys(present, 1.0 / len(present))
        return {name: weight / total for name, weight in present.items()}


def aggregate_experts(
    names: Sequence[str],
    losses: FloatArray,
    *,
    prior: Sequence[float] | FloatArray | None = None,
    share: float = SHARE,
    forget: float = FORGET,
) -> ExpertWeights:
    """Return the weights after all rounds.

    Args:
        names: Experts, one per column of the losses.
        losses: Loss of each expert in each round, oldest first, shape ``(T, K)``; NaN where the
            expert slept. ``T`` may be 0: then the prior is the answer.
        prior: Weights before the first round, above zero; equal when None.
        share: Part of the weights that goes back to the prior every round, 0..1.
        forget: Part of the past regrets that fades every round, from 0 to below 1.

    Raises:
        InvalidDataError: If shapes do not match, a loss is infinite, or a setting is out of range.
    """
    losses = np.asarray(losses, dtype=np.float64)
    if losses.ndim != 2 or losses.shape[1] != len(names):
        raise InvalidDataError(
            f"There are {len(names)} experts, but the losses have the shape {losses.shape}."
        )
    history = weight_history(losses, prior=prior, share=share, forget=forget)
    return ExpertWeights(tuple(names), history[-1])


def weight_history(
    losses: FloatArray,
    *,
    prior: Sequence[float] | FloatArray | None = None,
    share: float = SHARE,
    forget: float = FORGET,
) -> FloatArray:
    """Return the weights before each round and after the last.

    Args:
        losses: Shape ``(T, K)``, or ``(T, Q, K)`` for one set of weights per quantile level; NaN
            where an expert slept.
        prior: As for :func:`aggregate_experts`, shape ``(K,)``.
        share: As for :func:`aggregate_experts`.
        forget: As for :func:`aggregate_experts`.

    Returns:
        Shape ``(T + 1, K)`` or ``(T + 1, Q, K)``; every row adds up to one over the experts.

    Raises:
        InvalidDataError: If the shape is another, a loss is infinite, or a setting out of range.
    """
    losses = np.asarray(losses, dtype=np.float64)
    if losses.ndim not in (2, 3) or losses.shape[-1] == 0:
        raise InvalidDataError(f"Losses need the shape (T, K) or (T, Q, K), had {losses.shape}.")
    cube = losses if losses.ndim == 3 else losses[:, None, :]
    values, awake = _rounds(cube)
    state = _Aggregation(values.shape[1:], prior=prior, share=share, forget=forget)

    def regret(index: int) -> FloatArray:
        linear: FloatArray = state.pooled(values[index], awake[index]) - values[index]
        return linear

    history = _history(state, awake, regret)
    found: FloatArray = history if losses.ndim == 3 else history[:, 0, :]
    return found


def quantile_weight_history(
    quantiles: FloatArray,
    observed: Sequence[float] | FloatArray,
    levels: Sequence[float] | FloatArray,
    *,
    prior: Sequence[float] | FloatArray | None = None,
    share: float = SHARE,
    forget: float = FORGET,
) -> FloatArray:
    """Return the weights per quantile level that make the pooled quantile's pinball loss small.

    The losses are replaced by the slope of the pool's pinball loss times each expert's quantile
    (the gradient trick), so that the pool competes with the best mixture, not the best expert.

    Args:
        quantiles: Quantile of each expert, shape ``(T, Q, K)``; NaN where it slept.
        observed: What came, shape ``(T,)``.
        levels: Quantile levels between 0 and 1, shape ``(Q,)``.
        prior: As for :func:`aggregate_experts`, shape ``(K,)``.
        share: As for :func:`aggregate_experts`.
        forget: As for :func:`aggregate_experts`.

    Returns:
        Shape ``(T + 1, Q, K)``; every row adds up to one over the experts.

    Raises:
        InvalidDataError: If shapes do not match, a value is infinite, or a setting out of range.
    """
    cube = np.asarray(quantiles, dtype=np.float64)
    truth = finite_array(observed, name="observed values")
    level = finite_array(levels, name="quantile levels")
    if cube.ndim != 3 or cube.shape[:2] != (truth.size, level.size) or cube.shape[2] == 0:
        raise InvalidDataError(
            f"Quantiles need the shape ({truth.size}, {level.size}, K), had {cube.shape}."
        )
    if not ((level > 0) & (level < 1)).all():
        raise InvalidDataError("Quantile levels lie between 0 and 1.")
    values, awake = _rounds(cube)
    state = _Aggregation(values.shape[1:], prior=prior, share=share, forget=forget)

    def regret(index: int) -> FloatArray:
        pooled = state.pooled(values[index], awake[index])
        slope = (truth[index] < pooled) - level
        linear: FloatArray = (pooled - values[index]) * slope
        return linear

    return _history(state, awake, regret)


def _rounds(cube: FloatArray) -> tuple[FloatArray, list[FloatArray | None]]:
    """Return values with 0 for sleepers, shape ``(T, K, Q)``, and per round who was awake.

    The latter is 1 or 0, shape ``(K, Q)``, or None when all were.
    """
    if (np.abs(cube) > _MOST_LOSS).any():
        raise InvalidDataError("A loss is infinite; bound it before experts are weighed.")
    # Experts before levels: sums over experts then run along whole rows, several times as fast.
    turned = np.ascontiguousarray(np.swapaxes(cube, 1, 2))
    asleep = np.isnan(turned)
    if not asleep.any():
        return turned, [None] * len(turned)
    awake = [(~row).astype(np.float64) if row.any() else None for row in asleep]
    return np.where(asleep, 0.0, turned), awake


def _history(
    state: _Aggregation,
    awake: list[FloatArray | None],
    regret: Callable[[int], FloatArray],
) -> FloatArray:
    history = np.empty((len(awake) + 1, *state.weights.shape))
    history[0] = state.weights
    # Regrets that are all but 0 have an endless rate until it is bounded.
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        for index, present in enumerate(awake):
            regrets = regret(index)
            state.learn(regrets if present is None else regrets * present)
            history[index + 1] = state.weights
    return np.swapaxes(history, 1, 2)


class _Aggregation:
    """Regrets, their spread and the weights that follow, all of shape ``(K, Q)``."""

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        prior: Sequence[float] | FloatArray | None,
        share: float,
        forget: float,
    ) -> None:
        if not 0.0 <= share <= 1.0 or not 0.0 <= forget < 1.0:
            raise InvalidDataError(f"Share {share!r} and forgetting {forget!r} lie in 0..1.")
        self._prior = _prior(prior, shape[0])[:, None]
        # Twice the inverse, so that a single expert has a learning rate as well.
        self._log_inverse_prior = np.log(2.0 / self._prior)
        self._returned = share * self._prior
        self._stays = 1.0 - share
        self._keep = 1.0 - forget
        self.weights: FloatArray = np.broadcast_to(self._prior, shape).copy()
        self._regret = np.zeros(shape)
        self._spread = np.zeros(shape)
        #: The largest squared regret; it bounds the rate so that a step is at most a half.
        self._largest = np.full(shape[1], _TINY)

    def pooled(self, values: FloatArray, awake: FloatArray | None) -> FloatArray:
        """Return the mean over those awake by weight, shape ``(Q,)``; 0 where all sleep."""
        if awake is None:
            whole: FloatArray = (self.weights * values).sum(axis=0)
            return whole
        present = self.weights * awake
        total = present.sum(axis=0)
        # Weights may have underflowed for all who are awake; then the prior speaks.
        present = np.where(total > 0.0, present, self._prior * awake)
        total = np.maximum(present.sum(axis=0), _TINY)
        mean: FloatArray = (present * values).sum(axis=0) / total
        return mean

    def learn(self, regret: FloatArray) -> None:
        """Learn from the regrets of one round, zero for those who slept."""
        squared = regret * regret
        self._largest *= self._keep
        np.maximum(self._largest, np.maximum(squared.max(axis=0), _TINY), out=self._largest)
        self._spread *= self._keep
        self._spread += squared
        rate = self._log_inverse_prior / self._spread
        np.minimum(rate, 0.25 / self._largest, out=rate)
        np.sqrt(rate, out=rate)
        squared *= rate
        self._regret *= self._keep
        self._regret += regret
        self._regret -= squared
        weights = rate * self._regret
        weights -= weights.max(axis=0)
        np.exp(weights, out=weights)
        weights *= rate
        weights *= self._prior
        weights *= self._stays / weights.sum(axis=0)
        weights += self._returned
        self.weights = weights


def _prior(prior: Sequence[float] | FloatArray | None, experts: int) -> FloatArray:
    if prior is None:
        return np.full(experts, 1.0 / experts)
    array = finite_array(prior, name="prior weights")
    if array.size != experts or not (array > 0).all():
        raise InvalidDataError(f"A prior needs {experts} weights above zero.")
    return array / math.fsum(array)
