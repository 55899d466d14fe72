"""What the grades of confidence are worth: whether higher ones paid more often."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from django.db.models import F

from boz.core.schemas import Confidence
from prediction.constants import MIN_DAYS_FOR_VERDICT
from prediction.domain.horizons import Horizon
from prediction.selectors.accuracy import DEFAULT_HORIZON, AccuracyScope, mean_of, share_of


class _Row(NamedTuple):
    """One scored prediction, in the order of the columns that are read."""

    prediction__confidence: str
    event__climate_day: dt.date
    probabilities: list[float]
    outcome: int
    hit_80: bool | None


@dataclass(frozen=True, slots=True)
class GradeAccuracy:
    """How the predictions of one grade went; shares are None without a case.

    Attributes:
        confidence: What they were graded when they were made.
        cases: Events scored.
        days: Climate days among them.
        mean_top_probability: Of the most probable bracket.
        top_hit_rate: Share of cases in which that bracket paid; of equal ones the coldest counts.
        coverage_80: Share of highs inside the central 80 % interval.
    """

    confidence: Confidence
    cases: int
    days: int
    mean_top_probability: float | None
    top_hit_rate: float | None
    coverage_80: float | None


@dataclass(frozen=True, slots=True)
class Grades:
    """The grades of one horizon side by side.

    Attributes:
        horizon: Class of lead and hour.
        grades: All of them, the highest first.
        is_monotone: Whether no grade paid less often than a lower one; None while one of them has
            fewer days than a verdict needs.
        verdict: The same in one sentence.
    """

    horizon: Horizon
    grades: tuple[GradeAccuracy, ...]
    is_monotone: bool | None
    verdict: str

    @property
    def cases(self) -> int:
        """Return the events scored, whatever their grade."""
        return sum(told.cases for told in self.grades)


def grade_accuracy(scope: AccuracyScope, *, horizon: Horizon = DEFAULT_HORIZON) -> Grades:
    """Return what the grades were worth, in one query.

    A grade is given to the belief that is traded on, so only the score of a prediction's own
    engine counts: that of the champion of its moment, whoever is champion now.
    """
    rows = [
        _Row._make(values)
        for values in scope.scored(horizon=horizon)
        .filter(engine=F("prediction__engine"), outcome__isnull=False)
        .exclude(probabilities=[])
        .order_by()
        .values_list(*_Row._fields)
    ]
    grades = tuple(
        _accuracy(grade, [row for row in rows if row.prediction__confidence == grade])
        for grade in Confidence
    )
    is_monotone = _is_monotone(grades)
    return Grades(horizon, grades, is_monotone, _verdict(grades, is_monotone))


def _accuracy(grade: Confidence, rows: Sequence[_Row]) -> GradeAccuracy:
    tops = [max(row.probabilities) for row in rows]
    hits = [
        row.probabilities.index(top) == row.outcome for row, top in zip(rows, tops, strict=True)
    ]
    return GradeAccuracy(
        confidence=grade,
        cases=len(rows),
        days=len({row.event__climate_day for row in rows}),
        # Sums of cumulated shares may end above 1 by the last bit.
        mean_top_probability=mean_of([min(1.0, top) for top in tops]) if tops else None,
        top_hit_rate=share_of(hits),
        coverage_80=share_of([row.hit_80 for row in rows]),
    )


def _is_monotone(grades: Sequence[GradeAccuracy]) -> bool | None:
    if any(told.days < MIN_DAYS_FOR_VERDICT for told in grades):
        return None
    rates = [told.top_hit_rate for told in grades if told.top_hit_rate is not None]
    return all(higher >= lower for higher, lower in pairwise(rates))


def _verdict(grades: Sequence[GradeAccuracy], is_monotone: bool | None) -> str:
    if is_monotone is None:
        days = ", ".join(f"{told.days} {told.confidence}" for told in grades)
        return f"No verdict: settled days by grade are {days}; each needs {MIN_DAYS_FOR_VERDICT}."
    rates = ", ".join(f"{told.confidence} {told.top_hit_rate:.1%}" for told in grades)
    if is_monotone:
        return f"No grade paid less often than a lower one: {rates}."
    return f"A grade paid less often than a lower one: {rates}."
