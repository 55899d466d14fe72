"""From the probabilities of a ladder's brackets to one distribution of whole degrees.

Brackets say nothing about the degrees inside them. The normal score of the cumulative probability
is known at the half degrees between brackets and is joined there by a monotone cubic, so that the
ladder of a Gaussian gives nearly that Gaussian; the open ends go on in a straight line, which makes
Gaussian tails. Then each bracket is scaled to exactly its probability.

Source:
    Fritsch and Carlson (1980), doi:10.1137/0717021, for the monotone cubic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr, ndtri

from boz.core.errors import InvalidDataError
from boz.core.schemas import Bracket
from prediction.domain.arrays import FloatArray, finite_array
from prediction.domain.distribution import HIGH_F, LOW_F, IntegerPmf

#: For the shape only, every bracket counts at least this much, so that scores stay finite.
SHAPE_FLOOR = 1e-4
#: Spread of the Gaussian tail beyond the outermost edges, °F: at least and at most.
TAIL_SD_F = (0.7, 6.0)
#: Spread where one edge is all there is.
LONE_EDGE_SD_F = 3.0
#: Each degree of a bracket that is possible keeps this share of it.
_DEGREE_SHARE = 1e-9
_TOLERANCE = 1e-6


def ladder_pmf(ladder: Sequence[Bracket], probabilities: Sequence[float]) -> IntegerPmf:
    """Return a smooth distribution whose ladder is the one given.

    Args:
        ladder: Brackets that tile the whole degrees, coldest first.
        probabilities: One per bracket, zero or more, adding up to one.

    Raises:
        InvalidDataError: If the brackets do not tile the degrees or the probabilities are none.
    """
    shares = finite_array(probabilities, name="bracket probabilities")
    if shares.size != len(ladder) or (shares < 0).any():
        raise InvalidDataError("Each bracket needs one probability of zero or more.")
    total = math.fsum(shares)
    if abs(total - 1.0) > _TOLERANCE:
        raise InvalidDataError(f"Bracket probabilities must add up to 1, were {total:g}.")
    edges = _inner_edges(ladder)
    scores = _scores_between_degrees(edges, shares)
    below, above = ndtr(scores), ndtr(-scores)
    masses = np.where(scores[:-1] > 0, above[:-1] - above[1:], below[1:] - below[:-1])
    bounds = [0, *(int(edge + 0.5) - LOW_F for edge in edges), masses.size]
    for index, share in enumerate(shares):
        inside = slice(bounds[index], bounds[index + 1])
        shape = np.maximum(masses[inside], 0.0)
        shape = shape / max(math.fsum(shape), np.finfo(np.float64).tiny) + _DEGREE_SHARE
        masses[inside] = share / total * (shape / math.fsum(shape))
    return IntegerPmf.from_weights(LOW_F, masses)


def _inner_edges(ladder: Sequence[Bracket]) -> FloatArray:
    """Return the half degrees between brackets."""
    warmest = [bracket.high_f for bracket in ladder[:-1]]
    coldest = [bracket.low_f for bracket in ladder[1:]]
    open_ends = len(ladder) >= 2 and ladder[0].low_f is None and ladder[-1].high_f is None
    edges = [
        high + 0.5
        for high, low in zip(warmest, coldest, strict=True)
        if high is not None and low == high + 1
    ]
    if not open_ends or len(edges) != len(ladder) - 1:
        raise InvalidDataError(
            "The brackets do not tile the whole degrees, so they make no distribution.",
            {"brackets": [bracket.label for bracket in ladder]},
        )
    if edges[0] <= LOW_F or edges[-1] >= HIGH_F:
        raise InvalidDataError("The brackets lie outside all possible temperatures.")
    return np.asarray(edges)


def _scores_between_degrees(edges: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the normal score at every half degree, from minus to plus infinity."""
    shape = shares + SHAPE_FLOOR
    shape = shape / math.fsum(shape)
    below, above = np.cumsum(shape)[:-1], np.cumsum(shape[::-1])[::-1][1:]
    # The smaller tail on each side keeps its precision.
    known = np.where(below < 0.5, ndtri(below), -ndtri(above))
    halves = np.arange(LOW_F + 1, HIGH_F + 1) - 0.5
    if edges.size == 1:
        inner = known[0] + (halves - edges[0]) / LONE_EDGE_SD_F
    else:
        inner = PchipInterpolator(edges, known, extrapolate=False)(halves)
        slopes = np.clip(
            np.diff(known)[[0, -1]] / np.diff(edges)[[0, -1]], 1 / TAIL_SD_F[1], 1 / TAIL_SD_F[0]
        )
        cold, warm = halves < edges[0], halves > edges[-1]
        inner[cold] = known[0] + (halves[cold] - edges[0]) * slopes[0]
        inner[warm] = known[-1] + (halves[warm] - edges[-1]) * slopes[1]
    return np.concatenate([[-np.inf], inner, [np.inf]])
