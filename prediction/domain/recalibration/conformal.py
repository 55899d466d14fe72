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

from scipy.special import ndtr, ndtri

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.recalibration.ranks import checked_ranks

#: Largest change per outcome, as a logarithm; it forgets in about a hundred days.
STEP = 0.02
LEAST, MOST = 0.6, 2.0


def conformal_factor(
    below: Sequence[float] | FloatArray,
    upto: Sequence[float] | FloatArray,
    *,
    level: float = 0.8,
    step: float = STEP,
    least: float = LEAST,
    most: float = MOST,
) -> float:
    """Return what to multiply the next standard deviation by.

    The rank of a whole degree is an interval. An outcome counts as missed with the part of it that
    lies outside the central interval, which is the chance that a randomised rank would: no luck of
    a draw gets into the factor.

    Args:
        below: F(y - 1) of past outcomes by the forecast *before* any factor, in order of time.
        upto: F(y) of the same, at least ``below``; equal to it for a continuous forecast.
        level: Coverage to approach, between 0 and 1.
        step: Largest change of the factor's logarithm per outcome, above 0 to 0.5.
        least: Lower bound of the factor, above 0 to 1.
        most: Upper bound of the factor, at least 1.

    Returns:
        The factor, 1 when nothing is known.

    Raises:
        InvalidDataError: If a rank is missing, outside 0..1 or out of order, or a setting is out of
            range.
    """
    low_ends, high_ends = checked_ranks(below, upto)
    if not 0.0 < level < 1.0 or not 0.0 < step <= 0.5:
        raise InvalidDataError(f"Level {level!r} or step {step!r} is out of range.")
    if not 0.0 < least <= 1.0 <= most < math.inf:
        raise InvalidDataError(f"The bounds {least!r}..{most!r} must hold 1.")
    half_width = float(ndtri(0.5 + level / 2))
    low, high, grown = math.log(least), math.log(most), 0.0
    for start, end in zip(low_ends.tolist(), high_ends.tolist(), strict=True):
        tail = float(ndtr(-half_width * math.exp(grown)))
        missed = _share_outside(start, end, tail=tail)
        grown = min(high, max(low, grown + step * (missed - (1.0 - level))))
    return math.exp(grown)


def _share_outside(start: float, end: float, *, tail: float) -> float:
    """Return how much of an interval of ranks lies outside ``tail..1 - tail``."""
    if end <= start:
        return float(not tail <= start <= 1.0 - tail)
    inside = min(end, 1.0 - tail) - max(start, tail)
    return 1.0 - min(1.0, max(0.0, inside / (end - start)))
