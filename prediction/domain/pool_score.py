"""The log score of settled ladders as a function of the pool's two exponents, and its minimum.

The score is convex in the exponents: the pool is an exponential family with the two logarithms as
its statistics. So damped Newton steps, held at zero or above, find the one minimum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prediction.domain.arrays import FloatArray

#: A ladder that is nearly flat still holds its exponent to the prior as if it had this variance.
SMALLEST_CURVATURE = 0.1
_TOLERANCE = 1e-10
#: A step that promises less than this share of the score is lost in the score's rounding.
_LEAST_GAIN = 1e-15
_MOST_STEPS = 50


@dataclass(frozen=True, slots=True, eq=False)
class SettledLadders:
    """Settled days as arrays, ladders padded to equal length with impossible brackets.

    Args:
        logs: Logarithms of model and market, shape ``(T, brackets, 2)``.
        alive: Whether a bracket is possible, shape ``(T, brackets)``.
        outcomes: Logarithms of the bracket that paid, shape ``(T, 2)``.
        weights: Weight of each day, shape ``(T,)``.
    """

    logs: FloatArray
    alive: npt.NDArray[np.bool_]
    outcomes: FloatArray
    weights: FloatArray

    @classmethod
    def of(
        cls,
        ladders: Sequence[tuple[FloatArray, FloatArray]],
        *,
        outcomes: Sequence[int],
        weights: Sequence[float],
    ) -> SettledLadders:
        """Pad the logarithms of model and market; minus infinity of the model is impossible."""
        size = max(ours.size for ours, _ in ladders)
        logs = np.zeros((len(ladders), size, 2))
        alive = np.zeros((len(ladders), size), dtype=np.bool_)
        for row, (ours, theirs) in enumerate(ladders):
            alive[row, : ours.size] = np.isfinite(ours)
            logs[row, : ours.size, 0] = np.where(np.isfinite(ours), ours, 0.0)
            logs[row, : ours.size, 1] = theirs
        paid = logs[np.arange(len(ladders)), np.asarray(outcomes, dtype=np.intp)]
        return cls(logs, alive, paid, np.asarray(weights, dtype=np.float64))

    def score(self, exponents: FloatArray) -> float:
        """Return the weighted log score, nats."""
        scores = self._normaliser(exponents) - self.outcomes @ exponents
        return math.fsum(self.weights * scores)

    def slopes(self, exponents: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return gradient ``(2,)`` and curvature ``(2, 2)`` of the score."""
        parts = np.exp(self._exponentials(exponents) - self._normaliser(exponents)[:, None])
        means = (parts[:, :, None] * self.logs).sum(axis=1)
        offsets = self.logs - means[:, None, :]
        spreads = (parts[:, :, None, None] * offsets[..., :, None] * offsets[..., None, :]).sum(1)
        # Exact sums, so that the order of the days leaves no trace.
        gradient = [math.fsum(self.weights * (means - self.outcomes)[:, i]) for i in (0, 1)]
        cross = math.fsum(self.weights * spreads[:, 0, 1])
        own = [math.fsum(self.weights * spreads[:, i, i]) for i in (0, 1)]
        return np.array(gradient), np.array([[own[0], cross], [cross, own[1]]])

    def _exponentials(self, exponents: FloatArray) -> FloatArray:
        # By columns: a matrix product may round differently with the number of rows.
        powers = self.logs[:, :, 0] * exponents[0] + self.logs[:, :, 1] * exponents[1]
        return np.where(self.alive, powers, -np.inf)

    def _normaliser(self, exponents: FloatArray) -> FloatArray:
        powers = self._exponentials(exponents)
        top = powers.max(axis=1)
        total: FloatArray = top + np.log(np.exp(powers - top[:, None]).sum(axis=1))
        return total


def best_exponents(days: SettledLadders, prior_days: float) -> FloatArray:
    """Return the exponents ``(2,)`` of the smallest penalised score, by damped Newton steps.

    Args:
        days: At least one day, not all of weight zero.
        prior_days: Worth of the prior (0, 1) in days, above zero.
    """
    centre: FloatArray = np.array([0.0, 1.0])
    total = math.fsum(days.weights)
    _, curvature = days.slopes(centre)
    ridge = prior_days * np.maximum(np.diag(curvature) / total, SMALLEST_CURVATURE)

    def penalised(point: FloatArray) -> float:
        return days.score(point) + 0.5 * float((ridge * (point - centre) ** 2).sum())

    point: FloatArray = centre
    value = penalised(point)
    for _ in range(_MOST_STEPS):
        gradient, curvature = days.slopes(point)
        gradient = gradient + ridge * (point - centre)
        step = _bounded_step(point, gradient, curvature + np.diag(ridge))
        if abs(float((gradient * step).sum())) <= _LEAST_GAIN * abs(value):
            break
        reached = _shortened(penalised, point, step, value)
        if reached is None:
            break
        moved = float(np.abs(reached[0] - point).max())
        point, value = reached
        if moved < _TOLERANCE:
            break
    return point


def _bounded_step(point: FloatArray, gradient: FloatArray, curvature: FloatArray) -> FloatArray:
    """Return the Newton step among exponents that are not held at zero."""
    free = ~((point <= 0) & (gradient > 0))
    step: FloatArray = np.zeros(2)
    if free.all():
        step[:] = -np.linalg.solve(curvature, gradient)
    elif free.any():
        index = int(np.flatnonzero(free)[0])
        step[index] = -gradient[index] / curvature[index, index]
    return step


def _shortened(
    penalised: Callable[[FloatArray], float], point: FloatArray, step: FloatArray, value: float
) -> tuple[FloatArray, float] | None:
    """Return the first point along the step, halved as needed, that is better; None if none is."""
    for halvings in range(_MOST_STEPS):
        trial = np.maximum(point + step * 0.5**halvings, 0.0)
        found = penalised(trial)
        if found < value:
            return trial, found
    return None
