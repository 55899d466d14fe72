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
from scipy.special import ndtr, ndtri

from boz.core.errors import DataUnavailable, InvalidDataError, QuarantinedError
from boz.core.schemas import PROBABILITY_SUM_TOLERANCE, Bracket
from prediction.domain.arrays import FloatArray, finite_array, finite_number

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
        centre = _place_of_median(scores, self.probabilities)
        stretched = _scores_between(scores, self.probabilities, centre + (places - centre) / scale)
        masses = _normal_masses(stretched[None, 1:-1])[0] + DEGREE_FLOOR
        alive = self.probabilities > 0
        return IntegerPmf.from_weights(self.low_f, np.where(alive, masses, 0.0))

    def _edge_scores(self) -> FloatArray:
        """Return the normal score of the probability below each half degree, ends included."""
        below = np.concatenate([[0.0], np.cumsum(self.probabilities)])
        above = np.concatenate([np.cumsum(self.probabilities[::-1])[::-1], [0.0]])
        return _normal_scores(below, above)

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


def gaussian_pmf(
    *, mean_f: float, sd_f: float, low_f: int = LOW_F, high_f: int = HIGH_F
) -> IntegerPmf:
    """Return a Gaussian forecast on whole degrees, tails absorbed by the end degrees.

    Args:
        mean_f: Mean, degrees Fahrenheit, within ``low_f..high_f``.
        sd_f: Standard deviation, degrees Fahrenheit, above zero.
        low_f: Coldest degree of the support.
        high_f: Warmest degree of the support.

    Raises:
        InvalidDataError: If the mean is no possible temperature or the spread not above zero.
    """
    mean = finite_number(mean_f, name="mean")
    sd = finite_number(sd_f, name="standard deviation")
    if not low_f <= mean <= high_f:
        raise InvalidDataError(f"A mean of {mean:g}° is outside {low_f}° to {high_f}°.")
    if sd <= 0:
        raise InvalidDataError(f"A standard deviation must be above 0, was {sd:g}.")
    weights = _gaussian_masses(np.array([mean]), sd, low_f=low_f, high_f=high_f)[0]
    return IntegerPmf.from_weights(low_f, weights + DEGREE_FLOOR)


def empirical_pmf(
    values: Sequence[float] | FloatArray,
    kernel_sd_f: float,
    *,
    weights: Sequence[float] | FloatArray | None = None,
    low_f: int = LOW_F,
    high_f: int = HIGH_F,
) -> IntegerPmf:
    """Return the distribution of a sample, each value smoothed by a Gaussian kernel.

    Args:
        values: Sample, degrees Fahrenheit.
        kernel_sd_f: Standard deviation of the kernel, degrees Fahrenheit, above zero.
        weights: Weight of each value, zero or more; equal when None.
        low_f: Coldest degree of the support.
        high_f: Warmest degree of the support.

    Raises:
        DataUnavailable: If the sample is empty.
        InvalidDataError: If a value is no possible temperature, or a weight is negative.
    """
    sample = finite_array(values, name="values")
    if sample.size == 0:
        raise DataUnavailable("There are no values to make a distribution from.")
    if (sample < low_f).any() or (sample > high_f).any():
        raise InvalidDataError(f"A value is outside {low_f}° to {high_f}°.")
    sd = finite_number(kernel_sd_f, name="kernel spread")
    if sd <= 0:
        raise InvalidDataError(f"A kernel spread must be above 0, was {sd:g}.")
    share = np.ones(sample.size) if weights is None else finite_array(weights, name="weights")
    if share.size != sample.size or (share < 0).any() or not share.sum() > 0:
        raise InvalidDataError("Each value needs a weight of zero or more, not all of them zero.")
    masses = (share / share.sum()) @ _gaussian_masses(sample, sd, low_f=low_f, high_f=high_f)
    return IntegerPmf.from_weights(low_f, masses + DEGREE_FLOOR)


def quantile_pmf(
    levels: Sequence[float] | FloatArray,
    temps_f: Sequence[float] | FloatArray,
    *,
    low_f: int = LOW_F,
    high_f: int = HIGH_F,
) -> IntegerPmf:
    """Return the distribution that has the stated quantiles, such as published percentiles.

    Between two quantiles the normal score of the probability is straight in temperature, so that
    quantiles of a Gaussian give that Gaussian; beyond the outermost two the line of the nearest
    two goes on, which makes Gaussian tails. Equal temperatures are read as rounding: one point at
    the mean of their normal scores.

    Args:
        levels: Probabilities, rising, between 0 and 1; at least two.
        temps_f: The quantile of each level, degrees Fahrenheit, not falling.
        low_f: Coldest degree of the support.
        high_f: Warmest degree of the support.

    Raises:
        InvalidDataError: If levels or temperatures are not in order, no possible temperature, or
            all temperatures are equal, which says nothing about the spread.
    """
    points, scores = _quantile_points(levels, temps_f, low_f=low_f, high_f=high_f)
    edges = np.arange(low_f + 1, high_f + 1, dtype=np.float64) - 0.5
    z = np.interp(edges, points, scores)
    slopes = np.diff(scores) / np.diff(points)
    cold, warm = edges < points[0], edges > points[-1]
    z[cold] = scores[0] + (edges[cold] - points[0]) * slopes[0]
    z[warm] = scores[-1] + (edges[warm] - points[-1]) * slopes[-1]
    return IntegerPmf.from_weights(low_f, _normal_masses(z[None, :])[0] + DEGREE_FLOOR)


def _quantile_points(
    levels: Sequence[float] | FloatArray,
    temps_f: Sequence[float] | FloatArray,
    *,
    low_f: int,
    high_f: int,
) -> tuple[FloatArray, FloatArray]:
    """Return strictly rising temperatures and the normal score of each."""
    level = finite_array(levels, name="quantile levels")
    temp = finite_array(temps_f, name="quantiles")
    if level.size < 2 or level.size != temp.size:
        raise InvalidDataError("At least two levels are needed, and one quantile for each.")
    if not (level > 0).all() or not (level < 1).all() or not (np.diff(level) > 0).all():
        raise InvalidDataError("Quantile levels must rise strictly between 0 and 1.")
    if (np.diff(temp) < 0).any() or temp[0] < low_f or temp[-1] > high_f:
        raise InvalidDataError(f"Quantiles must not fall, and lie within {low_f}° to {high_f}°.")
    points, place = np.unique(temp, return_inverse=True)
    if points.size < 2:
        raise InvalidDataError("Quantiles that are all equal say nothing about the spread.")
    scores = np.bincount(place, weights=ndtri(level)) / np.bincount(place)
    return points, scores


def _normal_scores(below: FloatArray, above: FloatArray) -> FloatArray:
    """Return the normal scores of probabilities given from both sides, precise in both tails."""
    scores: FloatArray = np.where(
        below < above, ndtri(np.clip(below, 0.0, 0.5)), -ndtri(np.clip(above, 0.0, 0.5))
    )
    return scores


def _place_of_median(scores: FloatArray, masses: FloatArray) -> float:
    """Return where the score is 0, counted in degrees from the first edge."""
    cell = int(np.clip(np.searchsorted(scores, 0.0) - 1, 0, masses.size - 1))
    low, high = scores[cell], scores[cell + 1]
    if np.isfinite(low) and np.isfinite(high):
        return cell - float(low / (high - low))
    return cell + float((0.5 - ndtr(low)) / masses[cell])


def _scores_between(scores: FloatArray, masses: FloatArray, places: FloatArray) -> FloatArray:
    """Return the scores at places between the edges; infinite outside."""
    cell = np.clip(places.astype(np.int64), 0, masses.size - 1)
    share = np.clip(places - cell, 0.0, 1.0)
    low, high = scores[cell], scores[cell + 1]
    straight = _normal_scores(
        ndtr(low) + share * masses[cell], ndtr(-high) + (1.0 - share) * masses[cell]
    )
    with np.errstate(invalid="ignore"):
        smooth = low + share * (high - low)
    inside: FloatArray = np.where(np.isfinite(low) & np.isfinite(high), smooth, straight)
    return inside


def _gaussian_masses(means: FloatArray, sd: float, *, low_f: int, high_f: int) -> FloatArray:
    """Return P(k) per mean and degree, shape ``(means, degrees)``, precise in both tails."""
    edges = np.arange(low_f + 1, high_f + 1, dtype=np.float64) - 0.5
    return _normal_masses((edges[None, :] - means[:, None]) / sd)


def _normal_masses(z: FloatArray) -> FloatArray:
    """Return the normal probability of each cell between rising edges, shape ``(rows, edges + 1)``.

    The first and the last cell reach to infinity.
    """
    z = np.pad(z, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
    below = np.diff(ndtr(z), axis=1)
    above = -np.diff(ndtr(-z), axis=1)
    masses: FloatArray = np.where(z[:, :-1] > 0, above, below)
    return masses
