"""Runs of days, and how they are cut into pieces of the calendar."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

ONE_DAY = dt.timedelta(days=1)
_MONTHS_PER_QUARTER = 3


class Period(StrEnum):
    """A piece of the calendar that one call to an archive covers."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, order=True)
class DaySpan:
    """Days from ``first`` to ``last``, both inclusive."""

    first: dt.date
    last: dt.date

    def __post_init__(self) -> None:
        """Refuse days in the wrong order."""
        if self.last < self.first:
            raise ValueError(f"the days {self.first} to {self.last} are in the wrong order")

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    def __iter__(self) -> Iterator[dt.date]:
        for number in range(self.first.toordinal(), self.last.toordinal() + 1):
            yield dt.date.fromordinal(number)

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def runs_of(days: Iterable[dt.date]) -> list[DaySpan]:
    """Return the runs of days that follow one another, oldest first."""
    runs: list[DaySpan] = []
    for day in sorted(set(days)):
        if runs and day - runs[-1].last == ONE_DAY:
            runs[-1] = DaySpan(runs[-1].first, day)
        else:
            runs.append(DaySpan(day, day))
    return runs


def pieces_of(days: Iterable[dt.date], period: Period) -> list[DaySpan]:
    """Return one span per piece of the calendar in which any of the days lies, oldest first."""
    groups = itertools.groupby(sorted(set(days)), key=lambda day: _piece(day, period))
    return [DaySpan(found[0], found[-1]) for found in (list(group) for _, group in groups)]


def _piece(day: dt.date, period: Period) -> tuple[int, int]:
    if period is Period.YEAR:
        return day.year, 0
    if period is Period.QUARTER:
        return day.year, (day.month - 1) // _MONTHS_PER_QUARTER
    return day.year, day.month
