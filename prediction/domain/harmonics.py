"""The turn of the year as smooth columns: cosines and sines of the day of the year."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from prediction.domain.arrays import FloatArray

DAYS_PER_YEAR = 365.2425
IntArray = npt.NDArray[np.int64]


def harmonics(days: IntArray, order: int) -> FloatArray:
    """Return ``cos, sin`` of one, two, ... turns a year, shape ``days.shape + (2 * order,)``.

    Args:
        days: Ordinal day numbers (``date.toordinal``); the phase runs on over leap years.
        order: Number of harmonics, 0 for no columns.
    """
    angle = 2.0 * math.pi * np.asarray(days, dtype=np.float64) / DAYS_PER_YEAR
    turns = angle[..., None] * np.arange(1, order + 1)
    pair = np.stack([np.cos(turns), np.sin(turns)], axis=-1)
    columns: FloatArray = pair.reshape((*angle.shape, 2 * order))
    return columns


def season_distance(days: IntArray, target_day: int) -> FloatArray:
    """Return the days of the year between each day and the target, 0 to about 183."""
    apart = np.abs(np.asarray(days, dtype=np.float64) - target_day) % DAYS_PER_YEAR
    distance: FloatArray = np.minimum(apart, DAYS_PER_YEAR - apart)
    return distance
