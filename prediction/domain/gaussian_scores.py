"""The score of Gaussian forecasts, many at once. Lower is better."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erf

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray

_INV_SQRT_PI = 1.0 / math.sqrt(math.pi)
_SQRT_TWO_OVER_PI = math.sqrt(2.0 / math.pi)
_SQRT_HALF = math.sqrt(0.5)
#: Beyond this many standard deviations the density is 0 in floating point.
_FAR = 1e3


def crps_gaussian(mean_f: FloatArray, sd_f: FloatArray, observed_f: FloatArray) -> FloatArray:
    """Return the CRPS of Gaussian forecasts, element by element, in °F.

    ``s (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi))`` with ``z = (y - mean) / s``, arranged as
    ``|y - mean| erf(|z| / sqrt(2)) + s (2 phi(z) - 1/sqrt(pi))``, which loses no digits as s falls
    to 0: a forecast without spread scores its absolute error.

    Args:
        mean_f: Means, any shape.
        sd_f: Standard deviations of zero or more, shape that broadcasts with the means.
        observed_f: Verifying highs, shape that broadcasts with the means.

    Raises:
        InvalidDataError: If a number is missing or infinite, a standard deviation is negative, or
            the shapes do not fit together.

    Source:
        Gneiting et al. (2005), doi:10.1175/MWR2904.1.
    """
    mean, sd, observed = (
        np.asarray(values, dtype=np.float64) for values in (mean_f, sd_f, observed_f)
    )
    if not all(np.isfinite(values).all() for values in (mean, sd, observed)):
        raise InvalidDataError("A mean, a spread or an observation is missing or infinite.")
    if not (sd >= 0).all():
        raise InvalidDataError("A standard deviation is zero or more.")
    try:
        miss = np.abs(observed - mean)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            z = np.minimum(np.where(miss > 0, miss / sd, 0.0), _FAR)
            density = np.exp(-0.5 * z * z) * _SQRT_TWO_OVER_PI
            score: FloatArray = miss * erf(z * _SQRT_HALF) + sd * (density - _INV_SQRT_PI)
    except ValueError as error:
        raise InvalidDataError(
            f"Shapes do not fit together: {mean.shape}, {sd.shape} and {observed.shape}."
        ) from error
    return score
