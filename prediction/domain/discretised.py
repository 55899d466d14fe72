"""Continuous forecasts on whole degrees: a Gaussian, a smoothed sample, stated quantiles.

Each degree gets what lies within half a degree of it; the tails go to the end degrees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array, finite_number
from prediction.domain.distribution import DEGREE_FLOOR, HIGH_F, LOW_F, IntegerPmf
from prediction.domain.normal_cells import normal_masses


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
    return IntegerPmf.from_weights(low_f, normal_masses(z[None, :])[0] + DEGREE_FLOOR)


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


def _gaussian_masses(means: FloatArray, sd: float, *, low_f: int, high_f: int) -> FloatArray:
    """Return P(k) per mean and degree, shape ``(means, degrees)``, precise in both tails."""
    edges = np.arange(low_f + 1, high_f + 1, dtype=np.float64) - 0.5
    return normal_masses((edges[None, :] - means[:, None]) / sd)
