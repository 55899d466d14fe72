"""A factor on the spread that follows the coverage as outcomes come in: the safety net.

Whatever made the spread wrong, the factor grows with each outcome outside the interval and shrinks
a little with each one inside, so that coverage approaches its level without any assumption.

Source:
    Gibbs and Candès (2021), arXiv:2106.00170; Angelopoulos, Candès and Tibshirani (2023),
    arXiv:2307.16895.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array

#: Largest change per outcome, as a logarithm; it forgets in about a hundred days.
STEP = 0.02
LEAST, MOST = 0.6, 2.0


def conformal_factor(
    z_scores: Sequence[float] | FloatArray,
    *,
    level: float = 0.8,
    step: float = STEP,
    least: float = LEAST,
    most: float = MOST,
) -> float:
    """Return what to multiply the next standard deviation by.

    Args:
        z_scores: Past outcomes as normal scores of the forecast *before* any factor, in order of
            time: ``(y - mean) / sd``, or the normal quantile of a randomised rank.
        level: Coverage to approach, between 0 and 1.
        step: Largest change of the factor's logarithm per outcome, above 0 to 0.5.
        least: Lower bound of the factor, above 0 to 1.
        most: Upper bound of the factor, at least 1.

    Returns:
        The factor, 1 when nothing is known.

    Raises:
        InvalidDataError: If a score is missing or a setting is out of range.
    """
    scores = np.abs(finite_array(z_scores, name="normal scores"))
    if not 0.0 < level < 1.0 or not 0.0 < step <= 0.5:
        raise InvalidDataError(f"Level {level!r} or step {step!r} is out of range.")
    if not 0.0 < least <= 1.0 <= most < math.inf:
        raise InvalidDataError(f"The bounds {least!r}..{most!r} must hold 1.")
    half_width = float(ndtri(0.5 + level / 2))
    low, high, grown = math.log(least), math.log(most), 0.0
    for score in scores.tolist():
        missed = score > half_width * math.exp(grown)
        grown = min(high, max(low, grown + step * (missed - (1.0 - level))))
    return math.exp(grown)
