"""Many small convex problems at once: damped Newton with lower bounds on some parameters.

Made for minimum-CRPS regressions (:mod:`prediction.domain.emos_regression`): their objective is
convex wherever no standard deviation is clamped, so Newton steps converge in three to six rounds
from least squares, without tuning of start values.

A round never makes the objective worse, so the answer is never worse than the start and never NaN:
a problem that cannot be improved further keeps its best point and says so in ``converged``.

Source:
    Bertsekas (1982), doi:10.1137/0320018, for Newton steps under bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from prediction.domain.arrays import FloatArray

MAX_ROUNDS = 40
#: A problem is solved when half its Newton decrement, the fall still expected, is this small beside
#: its objective. The last step is still taken, which squares the error that is left.
TOLERANCE = 1e-6
#: Added to the Hessian's diagonal, relative to its mean, so that constant predictors do no harm.
RELATIVE_JITTER = 1e-11
_TINY = 1e-200
#: No parameter moves further at once, however flat the objective.
_LONGEST_STEP = 1e12
_MAX_HALVINGS = 30

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Derivatives:
    """Objective (B,), gradient (B, d) and positive semidefinite Hessian (B, d, d) at a point."""

    objective: FloatArray
    gradient: FloatArray
    hessian: FloatArray

    def select(self, index: IndexArray) -> Derivatives:
        """Return those of the problems at these positions."""
        return Derivatives(self.objective[index], self.gradient[index], self.hessian[index])


class Problems(Protocol):
    """A batch of B independent problems of d parameters each."""

    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Return objective, gradient and Hessian of every problem at ``theta`` (B, d)."""
        ...

    def select(self, index: IndexArray) -> Self:
        """Return the problems at these positions."""
        ...


@dataclass(frozen=True, slots=True)
class NewtonResult:
    """What came of a batch.

    Attributes:
        theta: Parameters, shape (B, d).
        converged: Whether each problem met the tolerance, shape (B,).
        iterations: Rounds each problem took, shape (B,).
        objective: Objective at the last point evaluated, shape (B,); for a problem that converged
            it is within its tolerance of the objective at ``theta``.
    """

    theta: FloatArray
    converged: BoolArray
    iterations: IndexArray
    objective: FloatArray


def minimise(
    problems: Problems, start: FloatArray, *, lower: FloatArray, max_rounds: int = MAX_ROUNDS
) -> NewtonResult:
    """Minimise every problem of a batch.

    Args:
        problems: The batch.
        start: First point, shape (B, d); it is moved into the bounds.
        lower: Least value of each parameter, shape (d,), ``-inf`` for none.
        max_rounds: Rounds after which a problem is left as it stands.
    """
    point = np.maximum(start, lower)
    here = problems.derivatives(point)
    result = NewtonResult(
        point.copy(),
        np.zeros(len(point), dtype=np.bool_),
        np.zeros(len(point), dtype=np.intp),
        here.objective.copy(),
    )
    moving: IndexArray = np.arange(len(point))
    for _ in range(max_rounds):
        result.iterations[moving] += 1
        step, fall = _newton_step(point, here, lower)
        solved = fall <= TOLERANCE * here.objective + _TINY
        done = moving[solved]
        result.theta[done] = np.maximum(point[solved] + step[solved], lower)
        result.objective[done] = here.objective[solved]
        result.converged[done] = True
        if solved.any():
            keep = np.flatnonzero(~solved)
            moving, point, step = moving[keep], point[keep], step[keep]
            problems, here = problems.select(keep), here.select(keep)
        if not moving.size:
            break
        point, here, is_stuck = _descend(problems, point, step, here, lower)
        result.theta[moving], result.objective[moving] = point, here.objective
        if is_stuck.any():
            keep = np.flatnonzero(~is_stuck)
            moving, point = moving[keep], point[keep]
            problems, here = problems.select(keep), here.select(keep)
    return result


def _newton_step(
    point: FloatArray, here: Derivatives, lower: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the step of each problem within its bounds, and the fall it expects of the objective.

    A parameter that stands on its bound and would leave it stays; one that the step would carry
    over its bound is put there, and the others step again with that known (an active set, which
    only grows within a round and is judged anew in the next).
    """
    hessian = here.hessian
    size = hessian.shape[1]
    jitter = RELATIVE_JITTER * np.einsum("bii->b", hessian) / size + _TINY
    jitter += np.abs(here.gradient).max(axis=1) / _LONGEST_STEP
    hessian = hessian + jitter[:, None, None] * np.eye(size)
    bounded = np.flatnonzero(np.isfinite(lower))
    held = np.zeros(point.shape, dtype=np.bool_)
    held[:, bounded] = (point[:, bounded] <= lower[bounded]) & (here.gradient[:, bounded] >= 0)
    step = np.zeros_like(point)
    for _ in range(bounded.size + 1):
        step = _free_step(hessian, here.gradient, step, held)
        beyond = ~held[:, bounded] & (point[:, bounded] + step[:, bounded] < lower[bounded])
        if not beyond.any():
            break
        rows, columns = np.nonzero(beyond)
        columns = bounded[columns]
        step[rows, columns] = lower[columns] - point[rows, columns]
        held[rows, columns] = True
    expected = -np.einsum("bi,bi->b", here.gradient, step) - 0.5 * np.einsum(
        "bi,bij,bj->b", step, hessian, step
    )
    return step, np.maximum(expected, 0.0)


def _free_step(
    hessian: FloatArray, gradient: FloatArray, step: FloatArray, held: BoolArray
) -> FloatArray:
    """Return the Newton step of the free parameters, those held moving as ``step`` says."""
    if not held.any():
        return _solved(hessian, -gradient)
    fixed = np.where(held, step, 0.0)
    wanted = -gradient - np.einsum("bij,bj->bi", hessian, fixed)
    free = ~held
    matrix = np.where(free[:, :, None] & free[:, None, :], hessian, 0.0)
    matrix[:, np.arange(held.shape[1]), np.arange(held.shape[1])] += held
    return _solved(matrix, np.where(held, fixed, wanted))


def _solved(matrix: FloatArray, right: FloatArray) -> FloatArray:
    answer: FloatArray = np.linalg.solve(matrix, right[:, :, None])[:, :, 0].astype(np.float64)
    return answer


def _descend(
    problems: Problems, point: FloatArray, step: FloatArray, here: Derivatives, lower: FloatArray
) -> tuple[FloatArray, Derivatives, BoolArray]:
    """Return the next point of each problem, what holds there, and which found none better.

    A step that does not make the objective smaller is halved until it does.
    """
    trial = np.maximum(point + step, lower)
    there = problems.derivatives(trial)
    worse: IndexArray = np.flatnonzero(~(there.objective < here.objective))
    if not worse.size:
        return trial, there, np.zeros(len(point), dtype=np.bool_)
    subset = problems.select(worse)
    for halvings in range(1, _MAX_HALVINGS + 1):
        trial[worse] = np.maximum(point[worse] + 0.5**halvings * step[worse], lower)
        again = subset.derivatives(trial[worse])
        there.objective[worse] = again.objective
        there.gradient[worse], there.hessian[worse] = again.gradient, again.hessian
        left = np.flatnonzero(~(again.objective < here.objective[worse]))
        if not left.size:
            break
        worse, subset = worse[left], subset.select(left)
    is_stuck = ~(there.objective < here.objective)
    trial[is_stuck] = point[is_stuck]
    there.objective[is_stuck] = here.objective[is_stuck]
    return trial, there, is_stuck
