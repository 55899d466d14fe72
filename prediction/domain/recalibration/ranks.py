"""Ranks of settled whole degrees: ``F(y - 1)`` and ``F(y)`` of each past forecast."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import ndtr, ndtri

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array


def checked_ranks(
    below: Sequence[float] | FloatArray, upto: Sequence[float] | FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return both ends of the ranks as arrays.

    Raises:
        InvalidDataError: If lengths differ or a rank is missing, outside 0..1 or out of order.
    """
    low, high = finite_array(below, name="lower ranks"), finite_array(upto, name="upper ranks")
    if low.size != high.size or (low < 0).any() or (high > 1).any() or (low > high).any():
        raise InvalidDataError("Each day needs a lower and an upper rank in 0..1, in this order.")
    return low, high


def widened_ranks(ranks: FloatArray, factor: float) -> FloatArray:
    """Return what ranks become when the spread is multiplied by ``factor``.

    The normal score of a rank is divided by it, which is exact for a Gaussian.
    """
    found: FloatArray = ndtr(ndtri(ranks) / factor)
    return found
