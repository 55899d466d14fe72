from __future__ import annotations

import datetime as dt
import math

import pytest

from prediction.domain.horizons import Horizon
from prediction.models import Prediction
from prediction.selectors import (
    AccuracyScope,
    engine_weights,
    grade_accuracy,
    market_advantage,
    pit_histogram,
    reliability,
)
from prediction.tests.accuracy_worlds import LAST_DAY, NOW, days_until, score_day, score_days

pytestmark = pytest.mark.django_db
SCOPE = AccuracyScope(as_of=NOW)


def test_brackets_are_counted_in_the_bin_of_their_probability():
    one, two = days_until(LAST_DAY, 2)
    score_day(one, probabilities=[0.05, 0.25, 0.70], outcome=2)
    score_day(two, probabilities=[0.25, 0.05, 0.70], outcome=0)

    told = reliability(SCOPE, engine="blend")

    assert (told.cases, told.days) == (2, 2)
    points = [(point.count, point.probability, point.frequency) for point in told.points]
    assert points == [
        (2, pytest.approx(0.05), 0.0),
        (2, pytest.approx(0.25), 0.5),
        (2, pytest.approx(0.70), 0.5),
    ]
    for point in told.points:
        assert 0.0 <= point.consistent_low <= point.consistent_high <= 1.0


def test_a_share_a_bit_above_one_is_one():
    score_day(LAST_DAY, probabilities=[0.0, 1.0 + 2e-16], outcome=1)

    assert reliability(SCOPE, engine="blend").points[-1].frequency == 1.0


def test_rows_without_an_outcome_are_left_out_of_the_diagram():
    score_day(LAST_DAY)

    told = reliability(SCOPE, engine="blend")

    assert (told.cases, told.points) == (0, ())


def test_the_histogram_counts_every_bin_and_the_end():
    for day, pit in zip(days_until(LAST_DAY, 5), (0.0, 0.05, 0.55, 0.999, 1.0), strict=True):
        score_day(day, pit=pit)

    told = pit_histogram(SCOPE, engine="blend")

    assert told.counts == (2, 0, 0, 0, 0, 1, 0, 0, 0, 2)
    assert told.expected == 0.5
    # |.4 - .1| twice, |.2 - .1| once, .1 in the seven empty bins.
    assert told.index == pytest.approx(1.4)
    # 10 · 0.798 · sqrt(.09 / n), as the reliability index is judged.
    assert told.expected_index == pytest.approx(
        10 * math.sqrt(2 / math.pi) * math.sqrt(0.09 / 5), rel=1e-9
    )


def test_the_band_of_an_even_histogram_is_binomial():
    score_days(days_until(LAST_DAY, 60))

    told = pit_histogram(SCOPE, engine="blend")

    # Binomial(60, 0.1): P(X <= 2) = .053, P(X <= 1) = .014; P(X <= 9) = .923, P(X <= 10) = .966.
    assert (told.band_low, told.band_high) == (2, 10)


def test_without_a_case_there_is_an_empty_histogram():
    told = pit_histogram(SCOPE, engine="blend")

    assert (told.cases, sum(told.counts), told.index, told.expected_index) == (0, 0, None, None)


def test_weights_of_a_day_are_means_over_the_cities_and_add_up_to_one():
    one, two = days_until(LAST_DAY, 2)
    score_day(one, city="NY", weights={"emos_slow": 0.6, "climatology": 0.4})
    score_day(one, city="MIA", weights={"emos_slow": 1.0})
    score_day(two, city="NY", weights={"emos_slow": 0.3, "emos_fast": 0.7})
    score_day(two, city="NY", engine="emos_fast", weight=0.7)

    told = {item.engine: item for item in engine_weights(SCOPE)}

    assert list(told) == ["emos_fast", "emos_slow", "climatology"]
    assert told["emos_slow"].points == ((one, pytest.approx(0.8)), (two, pytest.approx(0.3)))
    assert told["climatology"].points == ((one, pytest.approx(0.2)), (two, 0.0))
    assert told["emos_fast"].latest == pytest.approx(0.7)
    assert told["emos_fast"].mean == pytest.approx(0.35)
    for place in range(2):
        assert math.fsum(item.points[place][1] for item in told.values()) == pytest.approx(1.0)


def test_the_lead_over_the_market_is_cumulative_and_banded():
    leads = (0.1, 0.3, -0.2, 0.0, 0.3)
    days = days_until(LAST_DAY, 5)
    for day, lead in zip(days, leads, strict=True):
        score_day(day, log_score=1.0, market_log_score=1.0 + lead)

    (point,) = market_advantage(SCOPE, engine="blend")

    assert (point.climate_day, point.days) == (LAST_DAY, 5)
    assert point.advantage == pytest.approx(0.1)
    # Squares about .1: 0 + .04 + .09 + .01 + .04 = .18 over 4; t(4, .975) = 2.776445.
    assert point.high - point.advantage == pytest.approx(2.776445 * math.sqrt(0.18 / 4 / 5), 1e-6)
    assert point.advantage - point.low == pytest.approx(point.high - point.advantage)


def test_cities_of_a_day_are_averaged_before_days_are():
    days = days_until(LAST_DAY, 5)
    score_days(days, city="NY", log_score=1.0, market_log_score=1.0)
    score_day(LAST_DAY, city="MIA", log_score=1.0, market_log_score=2.0)
    score_day(LAST_DAY, city="CHI", log_score=1.0, market_log_score=None)

    (point,) = market_advantage(SCOPE, engine="blend")

    assert point.advantage == pytest.approx(0.1)


def test_horizons_and_engines_are_not_mixed():
    score_day(LAST_DAY, horizon=Horizon.EVENING, pit=0.1, probabilities=[1.0], outcome=0)
    score_day(LAST_DAY, engine="market", pit=0.1, probabilities=[1.0], outcome=0)

    assert pit_histogram(SCOPE, engine="blend").cases == 0
    assert pit_histogram(SCOPE, engine="blend", horizon=Horizon.EVENING).cases == 1
    assert reliability(SCOPE, engine="market").cases == 1
    assert market_advantage(SCOPE, engine="blend") == []


def grade_days(grade: str, city: str, *, hits: int, days: int = 20) -> None:
    """Score a city's days of one grade; the top bracket pays on the first few of them."""
    for place, day in enumerate(days_until(LAST_DAY, days)):
        paid = 1 if place < hits else 0
        shares = [0.2, 0.5, 0.3]
        score_day(day, city=city, confidence=grade, probabilities=shares, outcome=paid)


def test_each_grade_is_told_with_what_it_was_given_and_what_it_paid():
    one, two, three = days_until(LAST_DAY, 3)
    high = {"confidence": "high", "hit_80": True}
    score_day(one, probabilities=[0.1, 0.7, 0.2], outcome=1, **high)
    score_day(one, city="MIA", probabilities=[0.1, 0.1, 0.8], outcome=2, **high)
    score_day(two, probabilities=[0.6, 0.2, 0.2], outcome=1, confidence="high", hit_80=False)
    score_day(three, probabilities=[0.5, 0.3, 0.2], outcome=0, confidence="medium")

    told = grade_accuracy(SCOPE)

    high, medium, low = told.grades
    assert [item.confidence for item in told.grades] == ["high", "medium", "low"]
    # Two of three cases over two days; (.7 + .8 + .6) / 3 was given.
    assert (high.cases, high.days) == (3, 2)
    assert high.mean_top_probability == pytest.approx(0.7)
    assert high.top_hit_rate == pytest.approx(2 / 3)
    assert high.coverage_80 == pytest.approx(2 / 3)
    # Without a hit that is known there is no coverage.
    assert (medium.cases, medium.top_hit_rate, medium.coverage_80) == (1, 1.0, None)
    assert (low.cases, low.days, low.mean_top_probability, low.top_hit_rate) == (0, 0, None, None)
    assert (told.horizon, told.cases, told.is_monotone) == (Horizon.MORNING, 4, None)
    assert told.verdict == (
        "No verdict: settled days by grade are 2 high, 1 medium, 0 low; each needs 20."
    )


@pytest.mark.parametrize(
    ("hits", "is_monotone", "verdict"),
    [
        (
            (15, 10, 5),
            True,
            "No grade paid less often than a lower one: high 75.0%, medium 50.0%, low 25.0%.",
        ),
        (
            (10, 10, 10),
            True,
            "No grade paid less often than a lower one: high 50.0%, medium 50.0%, low 50.0%.",
        ),
        (
            (15, 9, 10),
            False,
            "A grade paid less often than a lower one: high 75.0%, medium 45.0%, low 50.0%.",
        ),
        (
            (9, 10, 5),
            False,
            "A grade paid less often than a lower one: high 45.0%, medium 50.0%, low 25.0%.",
        ),
    ],
)
def test_hit_rates_must_not_fall_as_the_grade_rises(hits, is_monotone, verdict):
    for grade, city, count in zip(
        ("high", "medium", "low"), ("NY", "MIA", "CHI"), hits, strict=True
    ):
        grade_days(grade, city, hits=count)

    told = grade_accuracy(SCOPE)

    assert (told.is_monotone, told.verdict) == (is_monotone, verdict)


def test_days_not_cities_decide_whether_there_is_a_verdict_on_grades():
    grade_days("high", "NY", hits=19, days=19)
    grade_days("high", "LAX", hits=19, days=19)
    grade_days("medium", "MIA", hits=10)
    grade_days("low", "CHI", hits=20)

    told = grade_accuracy(SCOPE)

    assert (told.grades[0].cases, told.is_monotone) == (38, None)
    assert "19 high, 20 medium, 20 low" in told.verdict


def test_only_the_belief_that_was_traded_on_is_graded():
    one, two = days_until(LAST_DAY, 2)
    shares = {"probabilities": [0.4, 0.6], "confidence": "high"}
    for day in (one, two):
        for engine in ("blend", "emos_slow", "pooled", "market"):
            paid = int(engine == "blend")
            score_day(day, engine=engine, outcome=paid, **shares)
    Prediction.objects.filter(climate_day=two).update(engine="emos_slow")

    high = grade_accuracy(SCOPE).grades[0]

    # The blend's on the first day paid, the other champion's on the second did not.
    assert (high.cases, high.days, high.top_hit_rate) == (2, 2, 0.5)


def test_grades_leave_out_what_says_nothing_about_the_top_bracket():
    one, two, three = days_until(LAST_DAY, 3)
    score_day(one, probabilities=[0.4, 0.6])
    score_day(two, outcome=1)
    score_day(three, probabilities=[0.4, 0.6], outcome=1, horizon=Horizon.EVENING)

    assert grade_accuracy(SCOPE).cases == 0
    assert grade_accuracy(SCOPE, horizon=Horizon.EVENING).cases == 1


def test_of_equal_brackets_the_coldest_is_the_top_and_none_is_given_more_than_one():
    one, two = days_until(LAST_DAY, 2)
    score_day(one, probabilities=[0.5, 0.5], outcome=1)
    score_day(two, probabilities=[0.0, 1.0 + 2e-16], outcome=1)

    low = grade_accuracy(SCOPE).grades[-1]

    assert (low.mean_top_probability, low.top_hit_rate) == (0.75, 0.5)


def test_each_question_is_one_query(django_assert_num_queries):
    days = days_until(LAST_DAY, 10)
    score_days(days, probabilities=[0.4, 0.6], outcome=1, weights={"emos_slow": 1.0})

    for ask in (reliability, pit_histogram, market_advantage):
        with django_assert_num_queries(1):
            ask(SCOPE, engine="blend")
    for ask in (engine_weights, grade_accuracy):
        with django_assert_num_queries(1):
            ask(SCOPE)


def test_nothing_scored_later_is_seen():
    score_day(LAST_DAY, pit=0.1, probabilities=[1.0], outcome=0)
    before = AccuracyScope(as_of=NOW - dt.timedelta(days=1))

    assert pit_histogram(before, engine="blend").cases == 0
    assert grade_accuracy(before).cases == 0
    assert pit_histogram(SCOPE, engine="blend").cases == 1
    assert grade_accuracy(SCOPE).cases == 1
