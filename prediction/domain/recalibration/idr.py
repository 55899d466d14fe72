"""Isotonic distributional regression: a distribution from past days with like forecasts.

The only assumption is that a higher predictor makes higher temperatures likelier. It needs a good
year of days and serves as a generic yardstick.

Source:
    Henzi, Ziegel and Gneiting (2021), doi:10.1111/rssb.12450; Walz, Henzi, Ziegel and Gneiting
    (2024), doi:10.1137/22M1541915.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array, finite_number
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.distribution import HIGH_F, LOW_F, IntegerPmf

#: Under this many days there is too little to order.
LEAST_DAYS = 200
#: The unseen is at least this wide, °F.
_UNSEEN_SD_F = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Idr:
    """The fitted distributions.

    Args:
        predictors: Different predictor values, rising, shape ``(U,)``.
        low_f: First degree of the cumulative probabilities.
        cumulative: P(high <= k) at each predictor, shape ``(U, degrees)``: rising along the
            degrees up to 1, not rising along the predictors.
        n_train: Days behind it.
    """

    predictors: FloatArray
    low_f: int
    cumulative: FloatArray
    n_train: int

    def predict(self, predictor: float) -> IntegerPmf:
        """Return the distribution at a predictor value.

        Cumulative probabilities are straight between neighbouring predictors and constant beyond
        the outermost. A share ``1 / (n + 1)`` goes to a wide Gaussian about the same mean, since
        the next day may differ from all past ones: no degree is impossible.
        """
        value = finite_number(predictor, name="predictor")
        right = int(np.clip(np.searchsorted(self.predictors, value), 0, self.predictors.size - 1))
        left = max(0, right - 1) if value < self.predictors[right] else right
        gap = self.predictors[right] - self.predictors[left]
        share = 1.0 if gap <= 0 else (value - self.predictors[left]) / gap
        share = float(np.clip(share, 0.0, 1.0))
        row = (1.0 - share) * self.cumulative[left] + share * self.cumulative[right]
        seen = IntegerPmf.from_cdf_values(self.low_f, row)
        unseen = gaussian_pmf(mean_f=seen.mean_f, sd_f=max(_UNSEEN_SD_F, 2.0 * seen.sd_f))
        return seen.mixed_with(unseen, 1.0 / (self.n_train + 1))


def fit_idr(
    predictors: Sequence[float] | FloatArray,
    highs_f: Sequence[int] | FloatArray,
    *,
    least_days: int = LEAST_DAYS,
) -> Idr:
    """Return the regression of settled highs on a scalar predictor, such as an ensemble mean.

    For each degree the share of days at or below it is made to fall with the predictor, by pooling
    adjacent violators.

    Args:
        predictors: Predictor of each past day, any unit.
        highs_f: Settled highs, whole °F.
        least_days: Under this many days nothing is fitted.

    Raises:
        DataUnavailable: If there are too few days.
        InvalidDataError: If lengths differ, a value is missing, or a high is no possible whole
            degree.
    """
    values = finite_array(predictors, name="predictors")
    highs = finite_array(highs_f, name="highs")
    if values.size != highs.size:
        raise InvalidDataError(f"There are {values.size} predictors and {highs.size} highs.")
    if (highs != np.rint(highs)).any() or (highs < LOW_F).any() or (highs > HIGH_F).any():
        raise InvalidDataError(f"A high is a whole degree in {LOW_F}° to {HIGH_F}°.")
    if values.size < max(1, least_days):
        raise DataUnavailable(f"{values.size} days are too few, {least_days} are needed.")
    points, place = np.unique(values, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    low, high = int(highs.min()), int(highs.max())
    cumulative = np.ones((points.size, high - low + 1))
    for column, degree in enumerate(range(low, high)):
        share = np.bincount(place, weights=highs <= degree) / counts
        fitted = isotonic_regression(share, weights=counts, increasing=False).x
        cumulative[:, column] = np.clip(fitted, 0.0, 1.0)
    # Means of the same blocks may differ in the last bit from degree to degree.
    return Idr(points, low, np.maximum.accumulate(cumulative, axis=1), int(values.size))
