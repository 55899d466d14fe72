from __future__ import annotations

import math

import pytest

from boz.core.errors import InvalidDataError
from boz.core.schemas import Confidence
from prediction.domain.confidence import TrackRecord, grade_confidence

HEALTHY = TrackRecord(n=100, coverage_80=0.80, top_hit_rate=0.60, mean_top_probability=0.62)
OFF_COVERAGE = TrackRecord(n=100, coverage_80=0.71, top_hit_rate=0.60, mean_top_probability=0.62)
OFF_HITS = TrackRecord(n=100, coverage_80=0.80, top_hit_rate=0.50, mean_top_probability=0.62)
SHORT = TrackRecord(n=99, coverage_80=0.80, top_hit_rate=0.60, mean_top_probability=0.62)


@pytest.mark.parametrize(
    ("top", "n_train", "members", "record", "grade", "failures"),
    [
        (0.60, 60, 0.80, HEALTHY, Confidence.HIGH, 0),
        (0.59, 60, 0.80, HEALTHY, Confidence.MEDIUM, 0),
        (0.40, 60, 0.80, HEALTHY, Confidence.MEDIUM, 0),
        (0.39, 60, 0.80, HEALTHY, Confidence.LOW, 0),
        (0.60, 59, 0.80, HEALTHY, Confidence.MEDIUM, 1),
        (0.60, 60, 0.79, HEALTHY, Confidence.MEDIUM, 1),
        (0.60, 60, math.nan, HEALTHY, Confidence.MEDIUM, 1),
        (0.60, 60, 0.80, OFF_COVERAGE, Confidence.MEDIUM, 1),
        (0.60, 60, 0.80, OFF_HITS, Confidence.MEDIUM, 1),
        (0.99, 59, 0.79, HEALTHY, Confidence.LOW, 2),
        (0.50, 59, 0.80, HEALTHY, Confidence.LOW, 1),
        (0.60, 60, 0.80, None, Confidence.MEDIUM, 1),
        (0.60, 60, 0.80, SHORT, Confidence.MEDIUM, 1),
        (0.50, 60, 0.80, None, Confidence.LOW, 1),
        (0.99, 59, 0.80, None, Confidence.LOW, 2),
    ],
)
def test_grade_follows_the_top_probability_and_the_health(
    top, n_train, members, record, grade, failures
):
    result = grade_confidence(
        top_probability=top, n_train=n_train, member_weight=members, record=record
    )

    assert result.confidence is grade
    assert len(result.failed_tests) == failures


@pytest.mark.parametrize(
    ("n_train", "members", "record", "told"),
    [
        (0, 1, HEALTHY, "No past day was learned from; 60 are needed."),
        (1, 1, HEALTHY, "Only 1 past day was learned from; 60 are needed."),
        (42, 1, HEALTHY, "Only 42 past days were learned from; 60 are needed."),
        (90, 0, HEALTHY, "No forecast was available."),
        (90, 0.574, HEALTHY, "Only 57% of the usual forecasts, by weight, were available."),
        (90, 1, None, "No prediction of this kind settled so far; 100 are needed."),
        (90, 1, SHORT, "Only 99 predictions of this kind settled so far; 100 are needed."),
        (90, 1, OFF_COVERAGE, "The 80% interval held 71% of the highs."),
        (90, 1, OFF_HITS, "The most probable bracket paid on 50% of the days and was given 62%."),
    ],
)
def test_each_failed_test_is_a_plain_sentence(n_train, members, record, told):
    result = grade_confidence(
        top_probability=0.5, n_train=n_train, member_weight=members, record=record
    )

    assert result.failed_tests == (told,)


@pytest.mark.parametrize(("coverage", "hits"), [(0.72, 0.52), (0.88, 0.72)])
def test_limits_themselves_pass(coverage, hits):
    record = TrackRecord(n=100, coverage_80=coverage, top_hit_rate=hits, mean_top_probability=0.62)

    result = grade_confidence(top_probability=0.7, n_train=60, member_weight=0.8, record=record)

    assert result.confidence is Confidence.HIGH


def test_probability_that_is_none_is_refused():
    with pytest.raises(InvalidDataError):
        grade_confidence(top_probability=math.nan, n_train=60, member_weight=1, record=None)
