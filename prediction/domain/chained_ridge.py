"""Regressions of all hours at once, each hour's coefficients held to zero and to its neighbours'.

The penalty is ``sum_h sum_j (a_j b_hj^2 + c_j (b_hj - b_h+1,j)^2) / 2``. Its equations are block
tridiagonal and are solved hour by hour, so the work grows with the number of hours only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray

_MOST_STEPS = 60
_MOST_HALVINGS = 30
_TOLERANCE = 1e-7
_FURTHEST_LOGIT = 30.0


@dataclass(frozen=True, slots=True)
class ChainPenalty:
    """How strongly coefficients are held.

    Attributes:
        to_zero: ``a``, shape ``(coefficients,)``, above zero.
        to_neighbour: ``c``, same shape, zero or more.
    """

    to_zero: FloatArray
    to_neighbour: FloatArray

    def gradient(self, coefficients: FloatArray) -> FloatArray:
        """Return the penalty's gradient, shape ``(hours, coefficients)``."""
        apart = self.to_neighbour * np.diff(coefficients, axis=0)
        gradient = self.to_zero * coefficients
        gradient[:-1] -= apart
        gradient[1:] += apart
        return gradient

    def value(self, coefficients: FloatArray) -> float:
        """Return the penalty."""
        apart = np.diff(coefficients, axis=0)
        held = (self.to_zero * coefficients**2).sum() + (self.to_neighbour * apart**2).sum()
        return 0.5 * float(held)


@dataclass(frozen=True, slots=True)
class Rows:
    """Data of one hour.

    Attributes:
        design: Shape ``(n, coefficients)``.
        target: Shape ``(n,)``.
        weight: Shape ``(n,)``, zero or more.
    """

    design: FloatArray
    target: FloatArray
    weight: FloatArray


def chained_least_squares(hours: Sequence[Rows], penalty: ChainPenalty) -> FloatArray:
    """Return coefficients of least penalised squares, shape ``(hours, coefficients)``."""
    curvature = [_weighted(rows.design, rows.weight) for rows in hours]
    moments = np.stack([rows.design.T @ (rows.weight * rows.target) for rows in hours])
    return solve_chain(curvature, moments, penalty)


def chained_logistic(hours: Sequence[Rows], penalty: ChainPenalty) -> FloatArray:
    """Return coefficients of least penalised logistic loss, targets 0 or 1, by damped Newton.

    The problem is strictly convex, so the answer does not depend on the start.

    Raises:
        InvalidDataError: If the steps do not end, which finite data cannot cause.
    """
    point = np.zeros((len(hours), hours[0].design.shape[1]))
    value = _loss(hours, point, penalty)
    for _ in range(_MOST_STEPS):
        curvature, gradient = [], penalty.gradient(point)
        for row, rows in enumerate(hours):
            chance = expit(_logits(rows, point[row]))
            gradient[row] += rows.design.T @ (rows.weight * (chance - rows.target))
            curvature.append(_weighted(rows.design, rows.weight * chance * (1.0 - chance)))
        step = solve_chain(curvature, gradient, penalty)
        length = 1.0
        for _ in range(_MOST_HALVINGS):
            reached = _loss(hours, point - length * step, penalty)
            if reached <= value:
                break
            length *= 0.5
        else:
            return point
        point, value = point - length * step, reached
        if np.abs(length * step).max() < _TOLERANCE:
            return point
    raise InvalidDataError("The fit of the remaining rise did not settle.")


def solve_chain(
    curvature: Sequence[FloatArray], right: FloatArray, penalty: ChainPenalty
) -> FloatArray:
    """Solve ``(curvature + penalty) x = right``, both by hour; shape ``(hours, coefficients)``.

    Elimination from the first hour to the last and back, each block by Cholesky.
    """
    hours = len(curvature)
    link = penalty.to_neighbour
    blocks: list[tuple[FloatArray, bool]] = []
    rights: list[FloatArray] = []
    for row, own in enumerate(curvature):
        ends = (row > 0) + (row < hours - 1)
        block = own + np.diag(penalty.to_zero + ends * link)
        side = right[row]
        if row:
            block = block - link[:, None] * cho_solve(blocks[-1], np.diag(link))
            side = side + link * cho_solve(blocks[-1], rights[-1])
        blocks.append(cho_factor(block, lower=True))
        rights.append(side)
    found = np.empty_like(right)
    found[-1] = cho_solve(blocks[-1], rights[-1])
    for row in range(hours - 2, -1, -1):
        found[row] = cho_solve(blocks[row], rights[row] + link * found[row + 1])
    return found


def _weighted(design: FloatArray, weight: FloatArray) -> FloatArray:
    product: FloatArray = (design * weight[:, None]).T @ design
    return product


def _logits(rows: Rows, coefficients: FloatArray) -> FloatArray:
    limited: FloatArray = np.clip(rows.design @ coefficients, -_FURTHEST_LOGIT, _FURTHEST_LOGIT)
    return limited


def _loss(hours: Sequence[Rows], point: FloatArray, penalty: ChainPenalty) -> float:
    total = penalty.value(point)
    for row, rows in enumerate(hours):
        logits = _logits(rows, point[row])
        # ln(1 + e^x) - y x, without overflow.
        losses = np.logaddexp(0.0, logits) - rows.target * logits
        total += float(rows.weight @ losses)
    return total
