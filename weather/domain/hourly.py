"""The daily maximum from temperatures at single moments, every hour or every three.

A climate day runs from 00:00 to 24:00 local standard time, all year. Its maximum counts only when
the day is whole: no stretch of it longer than three hours is without a value, from its first moment
to its last. The whole day, not its warm part, since behind a cold front the high is at midnight;
and never a part of it, since the cool rest of a day would pass for its high. Three-hourly values
always qualify, at every offset from UTC of a whole number of hours; a day in which a run begins
or ends does not.

Values are those of a moment, so the maximum is a little below one of continuous readings; that is
for calibration to learn.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boz.core.errors import InvalidDataError

#: No longer part of a whole day is without a value.
MAX_GAP = dt.timedelta(hours=3)

_DAY_SECONDS = 86400
_EPOCH_DAY = dt.date(1970, 1, 1)

Floats = NDArray[np.float64]
Epochs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HourlyTemps:
    """Temperatures at moments, one row per series.

    Args:
        epochs: Seconds since 1970 in UTC, rising, each once.
        numbers: What each row is: the ensemble member (0 is the control, or a single run), or the
            days of lead.
        temps_f: °F, rows by moments, NaN where there is none.
    """

    epochs: Epochs
    numbers: tuple[int, ...]
    temps_f: Floats

    def __post_init__(self) -> None:
        """Refuse what the calculations rely on not to happen.

        Raises:
            ValueError: If the shapes differ or the moments do not rise.
        """
        if self.temps_f.shape != (len(self.numbers), len(self.epochs)):
            raise ValueError(f"temperatures of shape {self.temps_f.shape} fit no rows and moments")
        if np.any(np.diff(self.epochs) <= 0):
            raise ValueError("the moments must rise")


@dataclass(frozen=True, slots=True, eq=False)
class DailyMaxima:
    """Highest temperatures of climate days, one row per series.

    Args:
        days: The days of which there is any moment, rising.
        numbers: As in :class:`HourlyTemps`.
        highs_f: Daily maximum, rows by days, NaN where the day is not whole.
        seen_f: Highest value there is in the day, whole or not: a lower bound of its maximum; NaN
            without any value.
    """

    days: tuple[dt.date, ...]
    numbers: tuple[int, ...]
    highs_f: Floats
    seen_f: Floats

    def whole_days(self) -> dict[dt.date, dict[int, float]]:
        """Return the maxima by day and number of row; days that are whole in no row are left out.

        A series that misses part of a day is left out of that day only.
        """
        found: dict[dt.date, dict[int, float]] = {}
        for day, highs in zip(self.days, self.highs_f.T.tolist(), strict=True):
            whole = {
                number: high
                for number, high in zip(self.numbers, highs, strict=True)
                if high == high  # NaN is not
            }
            if whole:
                found[day] = whole
        return found


def ordered_temps(
    epochs: Sequence[int] | Epochs, temps_f: Floats, *, numbers: tuple[int, ...]
) -> tuple[HourlyTemps, int]:
    """Put moments in order and each once.

    Where a moment comes twice with different values, neither can be trusted and it has none.

    Args:
        epochs: Seconds since 1970 in UTC, in any order.
        temps_f: Rows by moments in the same order, NaN where there is none.
        numbers: What each row is.

    Returns:
        The temperatures, and how many of them were dropped because they contradict each other.
    """
    moments = np.asarray(epochs, dtype=np.int64)
    if np.all(np.diff(moments) > 0):
        return HourlyTemps(moments, numbers, temps_f), 0
    order = np.argsort(moments, kind="stable")
    unique, first = np.unique(moments[order], return_index=True)
    ordered = temps_f[:, order]
    lowest = np.fmin.reduceat(ordered, first, axis=1)
    contradict = lowest < np.fmax.reduceat(ordered, first, axis=1)
    merged = np.where(contradict, np.nan, lowest)
    return HourlyTemps(unique, numbers, merged), int(contradict.sum())


def single_series(hours: Mapping[dt.datetime, float]) -> HourlyTemps:
    """Return one series of moments (aware, whole seconds) with values in °F."""
    moments = sorted(hours)
    epochs = np.array([int(moment.timestamp()) for moment in moments], dtype=np.int64)
    values = np.array([[hours[moment] for moment in moments]], dtype=np.float64)
    return HourlyTemps(epochs, (0,), values)


def daily_maxima(hours: HourlyTemps, *, offset: dt.timedelta) -> DailyMaxima:
    """Return the maximum of every climate day per series; see the module for what is whole.

    Args:
        hours: Temperatures at moments.
        offset: Fixed offset of local standard time from UTC.

    Raises:
        InvalidDataError: If the offset is no offset of a zone of the earth.
    """
    if abs(offset) > dt.timedelta(hours=14):
        raise InvalidDataError("A station's offset from UTC cannot be right.", {"offset": offset})
    local = hours.epochs + int(offset.total_seconds())
    day_numbers, starts = np.unique(local // _DAY_SECONDS, return_index=True)
    shape = (len(hours.numbers), len(day_numbers))
    highs, seen = np.empty(shape), np.empty(shape)
    bounds = [*starts.tolist(), len(local)]
    for index, (first, end) in enumerate(itertools.pairwise(bounds)):
        block = hours.temps_f[:, first:end]
        seen[:, index] = np.fmax.reduce(block, axis=1)
        is_whole = _is_whole_day(block, local[first:end] - day_numbers[index] * _DAY_SECONDS)
        highs[:, index] = np.where(is_whole, seen[:, index], np.nan)
    days = tuple(_EPOCH_DAY + dt.timedelta(days=int(number)) for number in day_numbers)
    return DailyMaxima(days=days, numbers=hours.numbers, highs_f=highs, seen_f=seen)


def _is_whole_day(block: Floats, seconds: Epochs) -> NDArray[np.bool_]:
    """Say per row whether no gap of a day is too long.

    Args:
        block: Rows by moments of one day.
        seconds: Of those moments since the day began.
    """
    latest = np.maximum.accumulate(np.where(np.isnan(block), 0, seconds), axis=1)
    begins = np.zeros((len(block), 1), dtype=np.int64)
    ends = np.full((len(block), 1), _DAY_SECONDS, dtype=np.int64)
    gaps = np.hstack([np.broadcast_to(seconds, block.shape), ends]) - np.hstack([begins, latest])
    # A moment without a value only shortens the gap that its neighbours make: the gap at the next
    # moment that has one reaches back over it.
    result: NDArray[np.bool_] = gaps.max(axis=1) <= int(MAX_GAP.total_seconds())
    return result
