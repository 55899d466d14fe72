"""How sure a mean over days is: intervals that treat the day, not the row, as one draw.

Stations and brackets of one day share the weather, and neighbouring days resemble each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray, finite_array

SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where it plausibly lies.

    Args:
        mean: Mean over all values.
        low: Lower end.
        high: Upper end.
        days: Days the values came from.
    """

    mean: float
    low: float
    high: float
    days: int


def day_block_interval(
    values: Sequence[float] | FloatArray,
    days: Sequence[date],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    block_days: int = 5,
    seed: int = SEED,
) -> Interval:
    """Return the mean and its interval by drawing blocks of consecutive days with replacement.

    Blocks run in a circle over the days that have values, so that every day is drawn alike. For a
    comparison hand in the differences, day by day.

    Args:
        values: Scores or differences, in any order; each counts alike.
        days: Day of each value.
        level: Nominal content, between 0 and 1.
        resamples: How many drawn histories, at least 100.
        block_days: Days of a block; 1 draws single days.
        seed: Start of the random numbers: the same input gives the same interval.

    Raises:
        DataUnavailable: If there are fewer than two days.
        InvalidDataError: If lengths differ, a value is missing, or a setting is out of range.

    Source:
        Politis and Romano (1992), the circular block bootstrap.
    """
    if resamples < 100 or block_days < 1:
        raise InvalidDataError("At least 100 resamples and blocks of one day are needed.")
    sums, counts = _by_day(values, days, level)
    size = sums.size
    length = min(block_days, size)
    blocks = math.ceil(size / length)
    starts = np.random.default_rng(seed).integers(0, size, (resamples, blocks))
    # The last block is cut so that every drawn history has as many days as the real one.
    lengths = np.full(blocks, length)
    lengths[-1] = size - length * (blocks - 1)
    drawn = _block_sums(sums, starts, lengths) / _block_sums(counts, starts, lengths)
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(math.fsum(sums) / math.fsum(counts), float(low), float(high), size)


def day_mean_interval(
    values: Sequence[float] | FloatArray, days: Sequence[date], *, level: float = 0.95
) -> Interval:
    """Return the mean of the daily means and its t interval, as if days were independent.

    Args:
        values: Scores or differences, in any order.
        days: Day of each value.
        level: Nominal content, between 0 and 1.

    Raises:
        DataUnavailable: If there are fewer than two days.
        InvalidDataError: If lengths differ or a value is missing.
    """
    sums, counts = _by_day(values, days, level)
    means = sums / counts
    centre = math.fsum(means) / means.size
    variance = math.fsum((means - centre) ** 2) / (means.size - 1)
    half = float(stdtrit(means.size - 1, 0.5 + level / 2)) * math.sqrt(variance / means.size)
    return Interval(centre, centre - half, centre + half, means.size)


def _by_day(
    values: Sequence[float] | FloatArray, days: Sequence[date], level: float
) -> tuple[FloatArray, FloatArray]:
    """Return the sum of values and their number per day, days rising."""
    array = finite_array(values, name="values")
    if array.size != len(days) or not 0.0 < level < 1.0:
        raise InvalidDataError(f"There are {array.size} values and {len(days)} days.")
    numbers = np.array([day.toordinal() for day in days], dtype=np.int64)
    # Sorted within the day as well, so that the order of rows leaves no trace.
    order = np.lexsort((array, numbers))
    found, place = np.unique(numbers[order], return_inverse=True)
    if found.size < 2:
        raise DataUnavailable(f"An interval needs two days, there are {found.size}.")
    sums: FloatArray = np.bincount(place, weights=array[order]).astype(np.float64)
    return sums, np.bincount(place).astype(np.float64)


def _block_sums(
    per_day: FloatArray, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> FloatArray:
    """Return each drawn history's sum, shape ``(resamples,)``."""
    reach = np.concatenate([[0.0], np.cumsum(np.concatenate([per_day, per_day]))])
    total: FloatArray = (reach[starts + lengths] - reach[starts]).sum(axis=1)
    return total
