"""Gaussian regression by minimum CRPS with identity links: ``mu = offset + X a``, ``sigma = Z c``.

The objective of one problem is

    sum_i w_i CRPS(N(mu_i, sigma_i), y_i) + 1/2 (theta - theta_0)' diag(lambda) (theta - theta_0)

with ``theta = (a, c)``, ``CRPS = sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi))`` and
``z = (y - mu) / sigma``. Per day the gradient is ``1 - 2 Phi(z)`` in mu and
``2 phi(z) - 1/sqrt(pi)`` in sigma, and the Hessian ``(2 phi(z) / sigma) [1, z] [1, z]'``.

``sigma`` is ``max(sigma_offset + Z c, minimum)``. Where it is clamped the objective does not depend
on c, and the gradient and Hessian of those days in c are zero accordingly.

Source:
    Gneiting, Raftery, Westveld and Goldman (2005), doi:10.1175/MWR2904.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.emos_newton import BoolArray, Derivatives, IndexArray, NewtonResult, minimise

INVERSE_ROOT_PI = 1.0 / math.sqrt(math.pi)
ROOT_2_OVER_PI = math.sqrt(2.0 / math.pi)
#: Numbers of rows times columns worked on at once, so that what is in use stays in the cache.
_BLOCK_NUMBERS = 400_000
_RELATIVE_RIDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Regressions:
    """B regressions over n rows each, p terms of the mean and q of the standard deviation.

    Build it with :func:`regressions`, which checks and completes the arrays.

    Attributes:
        location: X, shape (B, n, p).
        scale: Z, shape (B, n, q).
        target: y minus the offset of the mean, shape (B, n).
        weight: w, shape (B, n); 0 leaves a row out.
        sigma_offset: Shape (B, n).
        minimum: Least standard deviation of each problem, above 0, shape (B,).
        ridge: lambda, shape (B, p + q).
        prior: theta_0, shape (B, p + q).
    """

    location: FloatArray
    scale: FloatArray
    target: FloatArray
    weight: FloatArray
    sigma_offset: FloatArray
    minimum: FloatArray
    ridge: FloatArray
    prior: FloatArray

    def select(self, index: IndexArray) -> Regressions:
        """Return the regressions at these positions."""
        return Regressions(
            self.location[index],
            self.scale[index],
            self.target[index],
            self.weight[index],
            self.sigma_offset[index],
            self.minimum[index],
            self.ridge[index],
            self.prior[index],
        )

    def derivatives(self, theta: FloatArray) -> Derivatives:
        """Return objective, gradient and Hessian at ``theta`` (B, p + q)."""
        p = self.location.shape[2]
        mean = (self.location @ theta[:, :p, None])[:, :, 0]
        linear = (self.scale @ theta[:, p:, None])[:, :, 0] + self.sigma_offset
        sigma = np.maximum(linear, self.minimum[:, None])
        z = (self.target - mean) / sigma
        twice_density = np.exp(-0.5 * z * z) * ROOT_2_OVER_PI
        tilt = 2.0 * ndtr(z) - 1.0
        by_sigma = self.weight * (twice_density - INVERSE_ROOT_PI)
        by_mean = self.weight * tilt
        value = np.einsum("bn,bn->b", sigma, by_mean * z + by_sigma)
        curvature = self.weight * twice_density / sigma
        free = linear >= self.minimum[:, None]
        gradient = np.concatenate(
            [
                -np.einsum("bn,bnp->bp", by_mean, self.location),
                np.einsum("bn,bnq->bq", by_sigma * free, self.scale),
            ],
            axis=1,
        )
        hessian = self._hessian(curvature, np.where(free, z, 0.0))
        return self._with_ridge(theta, value, gradient, hessian)

    def _hessian(self, curvature: FloatArray, z: FloatArray) -> FloatArray:
        root = np.sqrt(curvature)[:, :, None]
        columns = np.concatenate([self.location, self.scale * z[:, :, None]], axis=2) * root
        hessian: FloatArray = columns.transpose(0, 2, 1) @ columns
        return hessian

    def _with_ridge(
        self, theta: FloatArray, value: FloatArray, gradient: FloatArray, hessian: FloatArray
    ) -> Derivatives:
        away = theta - self.prior
        pull = self.ridge * away
        diagonal = np.arange(theta.shape[1])
        hessian[:, diagonal, diagonal] += self.ridge
        return Derivatives(
            value + 0.5 * np.einsum("bi,bi->b", pull, away), gradient + pull, hessian
        )

    def least_squares(self) -> FloatArray:
        """Return where Newton begins: least squares for the mean, one constant spread.

        The spread is the weighted root mean square of what is left; its first term takes it all,
        which is right when the first column of Z is constant, and good enough when it is not.
        """
        p = self.location.shape[2]
        weighted = self.location * self.weight[:, :, None]
        ridge = self.ridge[:, :p]
        normal = weighted.transpose(0, 2, 1) @ self.location
        right = np.einsum("bnp,bn->bp", weighted, self.target)
        size = np.einsum("bii->bi", normal)
        extra = ridge + _RELATIVE_RIDGE * size + np.finfo(np.float64).tiny
        normal[:, np.arange(p), np.arange(p)] += extra
        right = right + ridge * self.prior[:, :p]
        mean_terms = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        left = self.target - (self.location @ mean_terms[:, :, None])[:, :, 0]
        squares = np.einsum("bn,bn,bn->b", self.weight, left, left)
        total = self.weight.sum(axis=1)
        spread = np.sqrt(squares / np.where(total > 0, total, 1.0))
        scale_terms = np.zeros_like(self.prior[:, p:])
        scale_terms[:, 0] = np.maximum(spread, self.minimum)
        scale_terms = np.where(total[:, None] > 0, scale_terms, self.prior[:, p:])
        return np.concatenate([mean_terms, scale_terms], axis=1)


def regressions(
    location: FloatArray,
    scale: FloatArray,
    target: FloatArray,
    *,
    weight: FloatArray | None = None,
    offset: FloatArray | None = None,
    sigma_offset: FloatArray | None = None,
    minimum: float | FloatArray = 1e-3,
    ridge: FloatArray | None = None,
    prior: FloatArray | None = None,
) -> Regressions:
    """Check and complete a batch; what is not given is 1 for the weights and 0 for the others.

    Args:
        location: X, shape (B, n, p).
        scale: Z, shape (B, n, q).
        target: y, shape (B, n).
        weight: Row weights, zero or more; rows of weight zero may hold NaN everywhere.
        offset: Known part of the mean, shape (B, n).
        sigma_offset: Known part of the standard deviation, shape (B, n).
        minimum: Least standard deviation, one number or shape (B,), above 0.
        ridge: lambda, shape (B, p + q) or (p + q,).
        prior: theta_0, shape (B, p + q) or (p + q,).

    Raises:
        InvalidDataError: If shapes do not fit, a weight is negative, or a row that counts holds a
            number that is missing or infinite.
    """
    batch, n, p = location.shape
    q = scale.shape[2]
    weight = np.ones((batch, n)) if weight is None else weight
    parts = {
        "weights": weight,
        "targets": target if offset is None else target - offset,
        "spread offsets": np.zeros((batch, n)) if sigma_offset is None else sigma_offset,
    }
    if scale.shape[:2] != (batch, n) or any(part.shape != (batch, n) for part in parts.values()):
        raise InvalidDataError("The arrays of a batch of regressions do not fit together.")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise InvalidDataError("The weight of a row must be a finite number of 0 or more.")
    counts = weight > 0
    minimum = np.broadcast_to(np.asarray(minimum, dtype=np.float64), (batch,))
    terms = [np.zeros(p + q) if part is None else part for part in (ridge, prior)]
    if not (np.isfinite(minimum).all() and (minimum > 0).all()):
        raise InvalidDataError("The least standard deviation must be above 0.")
    if not all(np.isfinite(part).all() for part in terms) or (terms[0] < 0).any():
        raise InvalidDataError("Ridge and prior must be finite, and the ridge 0 or more.")
    return Regressions(
        _clean(location, counts, "predictors of the mean"),
        _clean(scale, counts, "predictors of the spread"),
        _clean(parts["targets"], counts, "targets"),
        weight,
        _clean(parts["spread offsets"], counts, "spread offsets"),
        minimum,
        np.broadcast_to(terms[0], (batch, p + q)),
        np.broadcast_to(terms[1], (batch, p + q)),
    )


def fit_regressions(
    problems: Regressions,
    *,
    non_negative: Sequence[int] = (),
    start: FloatArray | None = None,
) -> NewtonResult:
    """Fit every regression of a batch.

    A problem without rows and without ridge has no optimum; it stays at its prior. One that does
    not converge keeps the best point found, which is never worse than the start.

    Args:
        problems: The batch.
        non_negative: Positions in ``theta`` (mean terms first) that must be 0 or more.
        start: First point, shape (B, p + q). Default: least squares and a constant spread.
    """
    batch, n, p = problems.location.shape
    size = p + problems.scale.shape[2]
    lower = np.full(size, -np.inf)
    lower[list(non_negative)] = 0.0
    block = max(1, _BLOCK_NUMBERS // max(1, n * size))
    results = []
    for first in range(0, batch, block):
        part = problems.select(np.arange(first, min(batch, first + block)))
        begin = part.least_squares() if start is None else start[first : first + block]
        results.append(minimise(part, begin, lower=lower))
    return join_results(results)


def join_results(results: Sequence[NewtonResult]) -> NewtonResult:
    """Return the results of consecutive blocks as one."""
    if len(results) == 1:
        return results[0]
    return NewtonResult(
        np.concatenate([result.theta for result in results]),
        np.concatenate([result.converged for result in results]),
        np.concatenate([result.iterations for result in results]),
        np.concatenate([result.objective for result in results]),
    )


def _clean(values: FloatArray, counts: BoolArray, name: str) -> FloatArray:
    """Return the values with zeros in the rows that do not count."""
    mask = counts if values.ndim == 2 else counts[:, :, None]
    if not np.isfinite(np.where(mask, values, 0.0)).all():
        raise InvalidDataError(f"The {name} hold a missing or infinite value in a row that counts.")
    return values if counts.all() else np.where(mask, values, 0.0)
