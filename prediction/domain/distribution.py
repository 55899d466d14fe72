"""The probability of every whole degree: the one distribution from which all brackets are read.

A settled high is an integer, so ``P(high = k) = F(k + 1/2) - F(k - 1/2)`` for a continuous forecast
F (the half-degree correction), and a bracket is the sum over its integers. Temperatures are degrees
Fahrenheit; probabilities are floats that add up to one within 1e-12.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError, QuarantinedError
from boz.core.schemas import PROBABILITY_SUM_TOLERANCE, Bracket
from prediction.domain.arrays import FloatArray, finite_array, finite_number
from prediction.domain.normal_cells import (
    normal_masses,
    normal_scores,
    place_of_median,
    scores_between,
)

LOW_F = -80
HIGH_F = 140
#: Every degree of a continuous forecast keeps this much, so that only physics makes a zero.
DEGREE_FLOOR = 1e-15
#: Below this surviving mass a forecast has been refuted by what was observed.
REFUTED_MASS = 1e-9
#: How fast probability falls per degree above the bound when the forecast was refuted.
REFUTED_DECAY = 0.5
_LADDER_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class IntegerPmf:
    """Probabilities of ``low_f, low_f + 1, ...``; none outside. Immutable, array read-only.

    Build it with :meth:`from_weights`, which is the one place where weights are normalised.
    """

    low_f: int
    probabilities: FloatArray

    def __post_init__(self) -> None:
        """Refuse anything that is not a distribution and seal the array."""
        array = finite_array(self.probabilities, name="probabilities").copy()
        if array.size == 0 or (array < 0).any():
            raise InvalidDataError("A distribution needs probabilities of zero or more.")
        total = math.fsum(array.tolist())
        if abs(total - 1.0) > PROBABILITY_SUM_TOLERANCE:
            raise InvalidDataError(f"Probabilities must add up to 1, were {total!r}.")
        array.setflags(write=False)
        object.__setattr__(self, "probabilities", array)

    @classmethod
    def from_weights(cls, low_f: int, weights: FloatArray) -> IntegerPmf:
        """Normalise non-negative weights of consecutive degrees into a distribution.

        Raises:
            InvalidDataError: If a weight is negative or not finite, or all are zero.
        """
        array = finite_array(weights, name="weights")
        # Plain floats: a sum over numpy's scalars takes three times as long.
        total = math.fsum(array.tolist())
        if not total > 0.0:
            raise InvalidDataError("The weights of a distribution add up to nothing.")
        array = array / total
        return cls(low_f, array / math.fsum(array.tolist()))

    @classmethod
    def from_cdf_values(cls, low_f: int, cumulative: Sequence[float] | FloatArray) -> IntegerPmf:
        """Return the distribution with P(high <= k) given for ``k = low_f, low_f + 1, ...``.

        Raises:
            InvalidDataError: If the values fall, leave 0..1, or do not end at 1.
        """
        array = finite_array(cumulative, name="cumulative probabilities")
        steps = np.diff(array, prepend=0.0)
        slack = PROBABILITY_SUM_TOLERANCE
        if array.size == 0 or (steps < -slack).any() or abs(array[-1] - 1.0) > slack:
            raise InvalidDataError("Cumulative probabilities must rise from 0 or more to 1.")
        return cls.from_weights(low_f, np.maximum(steps, 0.0))

    @property
    def high_f(self) -> int:
        """Return the warmest degree of the support."""
        return self.low_f + self.probabilities.size - 1

    @property
    def degrees(self) -> FloatArray:
        """Return the degrees of the support, as floats."""
        return np.arange(self.low_f, self.high_f + 1, dtype=np.float64)

    @property
    def mean_f(self) -> float:
        """Return the mean in degrees."""
        return math.fsum((self.degrees * self.probabilities).tolist())

    @property
    def sd_f(self) -> float:
        """Return the standard deviation in degrees."""
        deviations = self.degrees - self.mean_f
        return math.sqrt(math.fsum((deviations * deviations * self.probabilities).tolist()))

    def at(self, degree_f: int) -> float:
        """Return P(high = degree)."""
        if not self.low_f <= degree_f <= self.high_f:
            return 0.0
        return float(self.probabilities[degree_f - self.low_f])

    def cdf(self, degree_f: int) -> float:
        """Return P(high <= degree)."""
        if degree_f < self.low_f:
            return 0.0
        if degree_f >= self.high_f:
            return 1.0
        return min(1.0, math.fsum(self.probabilities[: degree_f - self.low_f + 1]))

    def quantile(self, level: float) -> int:
        """Return the smallest degree whose cdf reaches ``level``, for a level in 0..1."""
        if not 0.0 <= level <= 1.0:
            raise InvalidDataError(f"A quantile level lies in 0..1, was {level!r}.")
        positive = np.flatnonzero(self.probabilities)
        cumulative = np.cumsum(self.probabilities)
        # A hair of slack: a sum of floats may reach a level a few ulps late.
        index = int(np.searchsorted(cumulative, level - PROBABILITY_SUM_TOLERANCE))
        return self.low_f + int(np.clip(index, positive[0], positive[-1]))

    def probability(self, bracket: Bracket) -> float:
        """Return P(high in bracket), open ends included."""
        start = 0 if bracket.low_f is None else max(0, bracket.low_f - self.low_f)
        stop = (
            self.probabilities.size
            if bracket.high_f is None
            else max(0, bracket.high_f - self.low_f + 1)
        )
        return min(1.0, math.fsum(self.probabilities[start:stop]))

    def ladder(self, brackets: Sequence[Bracket]) -> list[float]:
        """Return the probability of each bracket of a proven ladder; they add up to one.

        Raises:
            QuarantinedError: If the brackets do not share out the whole distribution.
        """
        parts = [self.probability(bracket) for bracket in brackets]
        total = math.fsum(parts)
        if abs(total - 1.0) > _LADDER_TOLERANCE:
            raise QuarantinedError(
                f"The brackets share out {total:.6f} of the probability instead of 1, so they are "
                "no complete ladder.",
                {"brackets": [bracket.label for bracket in brackets]},
            )
        return [part / total for part in parts]

    def truncated_below(self, bound_f: int) -> IntegerPmf:
        """Condition on the high being at least ``bound_f``, which has already been reached.

        Degrees below the bound become exactly zero: they are physically dead. When the forecast
        gave the rest less than 1e-9 it was refuted, and its tail shape says nothing; then each
        degree above the bound gets half the probability of the one below it.
        """
        if bound_f <= self.low_f:
            return self
        dead = bound_f - self.low_f
        alive = self.probabilities[dead:]
        if alive.size and math.fsum(alive) >= REFUTED_MASS:
            return IntegerPmf.from_weights(
                self.low_f, np.concatenate([np.zeros(dead), np.asarray(alive)])
            )
        steps = max(1, self.high_f - bound_f + 1)
        return IntegerPmf.from_weights(bound_f, REFUTED_DECAY ** np.arange(steps, dtype=np.float64))

    def mixed_with(self, other: IntegerPmf, weight: float) -> IntegerPmf:
        """Return ``(1 - weight) * self + weight * other`` over the union of both supports."""
        if not 0.0 <= weight <= 1.0:
            raise InvalidDataError(f"A mixture weight lies in 0..1, was {weight!r}.")
        low = min(self.low_f, other.low_f)
        mixed = np.zeros(max(self.high_f, other.high_f) - low + 1)
        for part, share in ((self, 1.0 - weight), (other, weight)):
            start = part.low_f - low
            mixed[start : start + part.probabilities.size] += share * part.probabilities
        return IntegerPmf.from_weights(low, mixed)

    def widened(self, factor: float) -> IntegerPmf:
        """Stretch the distribution about its median by ``factor``; below 1 it is narrowed.

        Within a degree the normal score of the cumulative probability is straight, so that a
        Gaussian stays one; next to an impossible degree the probability itself is. Degrees that
        were impossible stay so, and what would fall on them is shared out in proportion; possible
        ones stay possible. So widen before cutting off tails.

        Raises:
            InvalidDataError: If the factor is not a number above zero.
        """
        scale = finite_number(factor, name="widening factor")
        if scale <= 0:
            raise InvalidDataError(f"A widening factor must be above 0, was {scale:g}.")
        if scale == 1.0:
            return self
        scores = self._edge_scores()
        places = np.arange(scores.size, dtype=np.float64)
        centre = place_of_median(scores, self.probabilities)
        stretched = scores_between(scores, self.probabilities, centre + (places - centre) / scale)
        masses = normal_masses(stretched[None, 1:-1])[0] + DEGREE_FLOOR
        alive = self.probabilities > 0
        return IntegerPmf.from_weights(self.low_f, np.where(alive, masses, 0.0))

    def _edge_scores(self) -> FloatArray:
        """Return the normal score of the probability below each half degree, ends included."""
        below = np.concatenate([[0.0], np.cumsum(self.probabilities)])
        above = np.concatenate([np.cumsum(self.probabilities[::-1])[::-1], [0.0]])
        return normal_scores(below, above)

    def trimmed(self, tail: float = 1e-12) -> IntegerPmf:
        """Return a small copy for storage: tails of at most ``tail`` go to the end degrees.

        Every degree that stays in the support keeps its probability, a zero stays zero. A degree
        that is cut off becomes impossible, so read ladders for a pool before trimming.

        Raises:
            InvalidDataError: If the tail is not in 0..0.01.
        """
        if not 0.0 <= tail <= 0.01:
            raise InvalidDataError(f"A tail to cut off lies in 0..0.01, was {tail!r}.")
        first = int(np.argmax(np.cumsum(self.probabilities) > tail))
        last = self.probabilities.size - 1
        last -= int(np.argmax(np.cumsum(self.probabilities[::-1]) > tail))
        kept = np.array(self.probabilities[first : last + 1])
        kept[0] += math.fsum(self.probabilities[:first])
        kept[-1] += math.fsum(self.probabilities[last + 1 :])
        return IntegerPmf.from_weights(self.low_f + first, kept)


def linear_pool(pmfs: Sequence[IntegerPmf], weights: Sequence[float] | FloatArray) -> IntegerPmf:
    """Return the weighted mixture of several distributions, over the union of their supports.

    Args:
        pmfs: At least one distribution.
        weights: Weight of each, zero or more, not all zero; they need not add up to one.

    Raises:
        DataUnavailable: If there is no distribution.
        InvalidDataError: If a weight is missing, negative or not finite, or all are zero.
    """
    if not pmfs:
        raise DataUnavailable("There are no distributions to mix.")
    shares = finite_array(weights, name="mixture weights")
    if shares.size != len(pmfs) or (shares < 0).any() or not math.fsum(shares) > 0:
        raise InvalidDataError("Each distribution needs a weight of zero or more, not all zero.")
    parts = [(pmf, share) for pmf, share in zip(pmfs, shares, strict=True) if share > 0]
    low = min(pmf.low_f for pmf, _ in parts)
    mixed = np.zeros(max(pmf.high_f for pmf, _ in parts) - low + 1)
    for pmf, share in parts:
        start = pmf.low_f - low
        mixed[start : start + pmf.probabilities.size] += share * pmf.probabilities
    return IntegerPmf.from_weights(low, mixed)
