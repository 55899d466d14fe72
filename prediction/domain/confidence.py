"""The grade HIGH, MEDIUM or LOW of a prediction, from calibrated quantities only."""

from __future__ import annotations

from dataclasses import dataclass

from boz.core.errors import InvalidDataError
from boz.core.schemas import Confidence

HIGH_TOP_PROBABILITY = 0.60
MEDIUM_TOP_PROBABILITY = 0.40
MIN_TRAINING_DAYS = 60
MIN_MEMBER_WEIGHT = 0.80
MIN_RECORD = 100
COVERAGE_80_RANGE = (0.72, 0.88)
MAX_HIT_RATE_GAP = 0.10
#: Floats such as 0.7 - 0.6 must not fail a limit by an ulp.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """How the last settled predictions of one (lead, hour) class went.

    Attributes:
        n: Predictions counted, the latest ones, at most about a hundred.
        coverage_80: Share of highs inside the 80 % interval.
        top_hit_rate: Share of days on which the most probable bracket paid.
        mean_top_probability: Mean probability of that bracket.
    """

    n: int
    coverage_80: float
    top_hit_rate: float
    mean_top_probability: float


@dataclass(frozen=True, slots=True)
class ConfidenceGrade:
    """A grade and the health tests that were not passed, each as a sentence."""

    confidence: Confidence
    failed_tests: tuple[str, ...]


def grade_confidence(
    *,
    top_probability: float,
    n_train: int,
    member_weight: float,
    record: TrackRecord | None,
) -> ConfidenceGrade:
    """Grade a prediction.

    HIGH: the top bracket has at least 0.60 and every health test passes: at least 60 training days,
    at least 80 % of the member weight present, and over the last 100 predictions of its class an
    80 % coverage in 0.72..0.88 and a top-bracket hit rate within 0.10 of its mean probability.
    MEDIUM: a top bracket of 0.40 to 0.60 in the same health, or of 0.60 and more with one test
    failing. LOW: everything else. A record that is unknown or shorter than a hundred is one failed
    test, so the grade is then MEDIUM at most.

    Args:
        top_probability: Probability of the most probable bracket.
        n_train: Training days behind the spread.
        member_weight: Share of the forecast members' weight that was present, 0..1.
        record: Track record of the (lead, hour) class, None when there is none.

    Raises:
        InvalidDataError: If the probability is none.
    """
    if not 0.0 <= top_probability <= 1.0:
        raise InvalidDataError(f"A probability lies in 0..1, was {top_probability!r}.")
    failed = _failed_tests(n_train=n_train, member_weight=member_weight, record=record)
    grade = Confidence.LOW
    if top_probability >= HIGH_TOP_PROBABILITY:
        by_failures = {0: Confidence.HIGH, 1: Confidence.MEDIUM}
        grade = by_failures.get(len(failed), Confidence.LOW)
    elif top_probability >= MEDIUM_TOP_PROBABILITY and not failed:
        grade = Confidence.MEDIUM
    return ConfidenceGrade(grade, failed)


def _failed_tests(
    *, n_train: int, member_weight: float, record: TrackRecord | None
) -> tuple[str, ...]:
    failed = []
    if n_train < MIN_TRAINING_DAYS:
        days = _counted(n_train, "past day was", "past days were")
        failed.append(f"{days} learned from; {MIN_TRAINING_DAYS} are needed.")
    if not member_weight >= MIN_MEMBER_WEIGHT - _SLACK:
        failed.append(
            f"Only {member_weight:.0%} of the usual forecasts, by weight, were available."
            if member_weight > 0
            else "No forecast was available."
        )
    if record is None or record.n < MIN_RECORD:
        settled = _counted(0 if record is None else record.n, "prediction", "predictions")
        failed.append(f"{settled} of this kind settled so far; {MIN_RECORD} are needed.")
        return tuple(failed)
    low, high = COVERAGE_80_RANGE
    if not low - _SLACK <= record.coverage_80 <= high + _SLACK:
        failed.append(f"The 80% interval held {record.coverage_80:.0%} of the highs.")
    gap = abs(record.top_hit_rate - record.mean_top_probability)
    if not gap <= MAX_HIT_RATE_GAP + _SLACK:
        failed.append(
            f"The most probable bracket paid on {record.top_hit_rate:.0%} of the days and was "
            f"given {record.mean_top_probability:.0%}."
        )
    return tuple(failed)


def _counted(n: int, one: str, many: str) -> str:
    if n == 0:
        return f"No {one}"
    return f"Only {n} {one if n == 1 else many}"
