"""The smallest EMOS, fast: ``mu = a + b x`` and ``sigma = c + d s``, one predictor each.

The objective is that of :mod:`prediction.domain.emos_regression` without ridge, and so is the
answer. With two terms each, all sums over the rows that a Newton step needs, objective, gradient
and Hessian, are products of five weights per row with eight fixed columns per row: one small matrix
product per problem. Rolling windows share these columns without a copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.emos_newton import BoolArray, Derivatives, IndexArray, NewtonResult, minimise
from prediction.domain.emos_regression import INVERSE_ROOT_PI, ROOT_2_OVER_PI, join_results

#: Rows worked on at once: what is in use then stays in the cache.
_BLOCK_ROWS = 24_000
#: The columns 1, x, s, x^2, x s, s^2, y, x y.
_ONE, _X, _S, _XX, _XS, _SS, _Y, _XY = range(8)
#: Places of the Hessian's entries among the sums, (weight, column), row by row.
_HESSIAN_WEIGHTS = np.array([2, 2, 3, 3, 2, 2, 3, 3, 3, 3, 4, 4, 3, 3, 4, 4])
_HESSIAN_COLUMNS = np.array(
    [_ONE, _X, _ONE, _S, _X, _XX, _X, _XS, _ONE, _X, _ONE, _S, _S, _XS, _S, _SS]
)
#: Share of the spread that the start leaves to its level.
_LEAST_LEVEL = 0.1
_LOWER = np.array([-np.inf, -np.inf, -np.inf, 0.0])


@dataclass(frozen=True, slots=True)
class SimpleRegressions:
    """B regressions of n rows; ``columns`` has shape (B, n, 8), the others (B, n)."""

    x: FloatArray
    s: FloatArray
    y: FloatArray
    columns: FloatArray
    minimum: float

    def select(self, index: IndexArray) -> SimpleRegressions:
        """Return the regressions at these positions."""
        return SimpleRegressions(
            self.x[index], self.s[index], self.y[index], self.columns[index], self.minimum
        )

    def part(self, first: int, last: int) -> SimpleRegressions:
        """Return consecutive regressions, without a copy."""
        block = slice(first, last)
        return SimpleRegressions(
            self.x[block], self.s[block], self.y[block], self.columns[block], self.minimum
        )

    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Return objective, gradient and Hessian at ``theta`` = (a, b, c, d), shape (B, 4)."""
        weights = np.empty((len(theta), 5, self.x.shape[1]))
        tilt, by_sigma, flat, slanted, squared = (weights[:, place] for place in range(5))
        sigma = np.multiply(self.s, theta[:, 3:])
        sigma += theta[:, 2:3]
        z = np.multiply(self.x, -theta[:, 1:2])
        z += self.y
        z -= theta[:, :1]
        clamped = None if sigma.min() >= self.minimum else sigma < self.minimum
        if clamped is not None:
            np.maximum(sigma, self.minimum, out=sigma)
        z /= sigma
        np.multiply(z, z, out=flat)
        flat *= -0.5
        np.exp(flat, out=flat)
        flat *= ROOT_2_OVER_PI
        np.subtract(flat, INVERSE_ROOT_PI, out=by_sigma)
        flat /= sigma
        ndtr(z, out=tilt)
        tilt *= 2.0
        tilt -= 1.0
        at_minimum = 0.0 if clamped is None else _held_part(by_sigma, sigma, clamped, z)
        np.multiply(flat, z, out=slanted)
        np.multiply(slanted, z, out=squared)
        sums = weights @ self.columns
        gradient = np.stack([-sums[:, 0, _ONE], -sums[:, 0, _X], sums[:, 1, _ONE], sums[:, 1, _S]])
        objective = sums[:, 0, _Y] + np.einsum("dB,Bd->B", gradient, theta) + at_minimum
        hessian = sums[:, _HESSIAN_WEIGHTS, _HESSIAN_COLUMNS].reshape(-1, 4, 4)
        return Derivatives(objective, gradient.T, hessian)

    def least_squares(self) -> FloatArray:
        """Return where Newton begins, shape (B, 4).

        Least squares of y on x, then of the size of what is left on s: a Gaussian's mean absolute
        error is ``sigma sqrt(2 / pi)``.
        """
        n = self.x.shape[1]
        mean = (np.ones((1, n)) @ self.columns)[:, 0] / n
        slope = _slope(
            mean[:, _XX] - mean[:, _X] ** 2, mean[:, _XY] - mean[:, _X] * mean[:, _Y], mean[:, _XX]
        )
        level = mean[:, _Y] - slope * mean[:, _X]
        left = self.y - level[:, None]
        left -= slope[:, None] * self.x
        np.abs(left, out=left)
        size = np.einsum("bn->b", left) / n
        together = np.einsum("bn,bn->b", left, self.s) / n - size * mean[:, _S]
        rise = _slope(mean[:, _SS] - mean[:, _S] ** 2, together, mean[:, _SS])
        share = rise * mean[:, _S] / np.maximum(size, self.minimum)
        rise = np.where(rise > 0, rise / np.maximum(1.0, share / (1.0 - _LEAST_LEVEL)), 0.0)
        floor = self.minimum * ROOT_2_OVER_PI
        spread = np.stack([np.maximum(size - rise * mean[:, _S], floor), rise])
        return np.stack([level, slope, *(spread / ROOT_2_OVER_PI)], axis=1)


def fit_simple(
    x: FloatArray, s: FloatArray, y: FloatArray, *, minimum: float = 1e-3
) -> NewtonResult:
    """Fit B regressions at once; ``theta`` is (a, b, c, d) with d >= 0.

    Args:
        x: Predictor of the mean, shape (B, n).
        s: Predictor of the standard deviation, shape (B, n).
        y: Target, shape (B, n).
        minimum: Least standard deviation, above 0.

    Raises:
        InvalidDataError: If shapes differ, there are fewer than one row, a value is missing or
            infinite, or the minimum is not above 0.
    """
    _require(x, s, y, minimum)
    n = x.shape[1]
    block = max(1, _BLOCK_ROWS // n)
    results = []
    for first in range(0, len(x), block):
        part = slice(first, first + block)
        columns = _columns(x[part], s[part], y[part])
        results.append(_fit(SimpleRegressions(x[part], s[part], y[part], columns, minimum)))
    return join_results(results)


def fit_rolling(
    x: FloatArray, s: FloatArray, y: FloatArray, *, window: int, minimum: float = 1e-3
) -> NewtonResult:
    """Fit every window of so many consecutive rows of G series, shape (G, T) each.

    The result holds the windows of the first series in order of their last row, then those of the
    second, and so on: ``G * (T - window + 1)`` problems.

    Raises:
        InvalidDataError: As :func:`fit_simple`, and if the window is longer than the series.
    """
    _require(x, s, y, minimum)
    if not 1 <= window <= x.shape[1]:
        raise InvalidDataError(
            f"A window of {window} rows does not fit into {x.shape[1]}.", {"window": window}
        )
    columns = _columns(x, s, y)
    block = max(1, _BLOCK_ROWS // window)
    results = []
    for series in range(len(x)):
        windows = SimpleRegressions(
            sliding_window_view(x[series], window),
            sliding_window_view(s[series], window),
            sliding_window_view(y[series], window),
            sliding_window_view(columns[series], window, axis=0).transpose(0, 2, 1),
            minimum,
        )
        count = len(windows.x)
        results += [_fit(windows.part(at, at + block)) for at in range(0, count, block)]
    return join_results(results)


def _slope(variance: FloatArray, covariance: FloatArray, square: FloatArray) -> FloatArray:
    """Return the slopes of simple regressions, 0 where the predictor does not move."""
    least = 1e-12 * square + np.finfo(np.float64).tiny
    slope: FloatArray = np.where(variance > least, covariance / np.maximum(variance, least), 0.0)
    return slope


def _fit(problems: SimpleRegressions) -> NewtonResult:
    return minimise(problems, problems.least_squares(), lower=_LOWER)


def _held_part(
    by_sigma: FloatArray, sigma: FloatArray, clamped: BoolArray, z: FloatArray
) -> FloatArray:
    """Return what clamped rows add to the objective, and take them out of the terms of sigma."""
    held: FloatArray = np.where(clamped, by_sigma * sigma, 0.0).sum(axis=1)
    by_sigma[clamped] = 0.0
    z[clamped] = 0.0
    return held


def _columns(x: FloatArray, s: FloatArray, y: FloatArray) -> FloatArray:
    columns = np.empty((*x.shape, 8))
    columns[..., _ONE] = 1.0
    for place, values in ((_X, x), (_S, s), (_Y, y)):
        columns[..., place] = values
    for place, left, right in ((_XX, x, x), (_XS, x, s), (_SS, s, s), (_XY, x, y)):
        np.multiply(left, right, out=columns[..., place])
    return columns


def _require(x: FloatArray, s: FloatArray, y: FloatArray, minimum: float) -> None:
    if not (x.ndim == 2 and x.shape == s.shape == y.shape and x.shape[1] > 0):
        raise InvalidDataError(f"The shapes do not fit: {x.shape}, {s.shape} and {y.shape}.")
    if not (np.isfinite(x).all() and np.isfinite(s).all() and np.isfinite(y).all()):
        raise InvalidDataError("A predictor or target is missing or infinite.")
    if not minimum > 0:
        raise InvalidDataError(f"The least standard deviation must be above 0, was {minimum}.")
