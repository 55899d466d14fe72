from __future__ import annotations

import datetime as dt
import math

import pytest

from boz.core.errors import InvalidDataError
from prediction.domain.horizons import Horizon
from prediction.domain.intervals import day_block_interval
from prediction.selectors import (
    AccuracyScope,
    accuracy_scope,
    engine_accuracy,
    engines_scored,
    skill_summary,
)
from prediction.selectors.accuracy import Figure, mean_of
from prediction.tests.accuracy_worlds import LAST_DAY, NOW, days_until, score_day, score_days
from weather.tests.factories import real_station

pytestmark = pytest.mark.django_db
SCOPE = AccuracyScope(as_of=NOW, window_days=90)


def only(scope: AccuracyScope = SCOPE, **which):
    found = engine_accuracy(scope, **which)
    assert len(found) == 1
    return found[0]


def test_errors_and_scores_are_means_of_the_rows():
    errors, stated = (-2.0, 0.0, 5.0), (1.0, 2.0, 3.0)
    for day, error, sd in zip(days_until(LAST_DAY, 3), errors, stated, strict=True):
        score_day(day, error_f=error, sd_f=sd, brier=0.2 + abs(error) / 10)

    told = only()

    assert (told.cases, told.days) == (3, 3)
    assert told.brier.mean == pytest.approx((0.4 + 0.2 + 0.7) / 3)
    assert told.bias_f == pytest.approx(1.0)
    assert told.mae_f == pytest.approx(7 / 3)
    # Deviations from the bias of 1: 9 + 1 + 16 over two degrees of freedom.
    assert told.error_sd_f == pytest.approx(math.sqrt(13))
    assert told.stated_sd_f == pytest.approx(math.sqrt(14 / 3))


def test_coverage_counts_the_rows_that_know_their_hits():
    hits = (True, False, True, None)
    for day, hit in zip(days_until(LAST_DAY, 4), hits, strict=True):
        score_day(day, hit_50=hit, hit_80=hit, hit_90=None if hit is None else True)

    told = only()

    assert told.coverage_50 == pytest.approx(2 / 3)
    assert told.coverage_90 == 1.0


def test_rows_without_errors_and_hits_say_so_and_not_zero():
    score_day(LAST_DAY)

    told = only()

    assert (told.bias_f, told.mae_f, told.error_sd_f, told.coverage_80) == (None,) * 4


def test_skill_rests_on_the_pairs_alone():
    one, two, three = days_until(LAST_DAY, 3)
    score_day(one, brier=0.4, market_brier=0.5)
    score_day(two, brier=0.5, market_brier=0.7)
    score_day(three, brier=2.0, market_brier=None, market_log_score=None, market_rps=None)

    told = only()

    assert told.brier.mean == pytest.approx(2.9 / 3)
    assert (told.market_brier.cases, told.market_brier.days) == (2, 2)
    assert told.market_brier.skill == pytest.approx(1 - 0.45 / 0.6)
    assert told.market_brier.difference.mean == pytest.approx(-0.15)
    assert told.climatology_brier.cases == 3
    assert told.climatology_brier.skill == pytest.approx(1 - (2.9 / 3) / 0.8)


def test_without_a_pair_there_is_no_comparison_and_over_a_perfect_reference_no_skill():
    score_day(
        LAST_DAY,
        market_brier=None,
        market_log_score=None,
        market_rps=None,
        climatology_brier=0.0,
    )

    told = only()

    assert told.market_brier is None
    assert told.climatology_brier.skill is None
    assert "No verdict: 0 settled days" in told.verdict


def test_the_market_and_climatology_are_not_compared_with_themselves():
    score_day(LAST_DAY, engine="market")
    score_day(LAST_DAY, engine="climatology")

    market = only(engine="market")
    climatology = only(engine="climatology")

    assert market.market_brier is market.market_log_score is market.market_rps is None
    assert market.climatology_brier is not None
    assert climatology.climatology_brier is None
    assert climatology.market_brier is not None


def test_intervals_draw_whole_days_and_start_with_the_days_a_verdict_needs():
    days = days_until(LAST_DAY, 20)
    for number, day in enumerate(days[1:]):
        score_day(day, brier=0.4 + 0.01 * number)
    assert only().brier.low is None

    score_day(days[0], brier=0.9)
    told = only()

    values = [0.9, *(0.4 + 0.01 * number for number in range(19))]
    expected = day_block_interval(values, days)
    assert (told.brier.mean, told.brier.low, told.brier.high) == (
        expected.mean,
        expected.low,
        expected.high,
    )
    assert told.brier.low < told.brier.mean < told.brier.high


def test_two_cities_of_one_day_are_one_day():
    for city in ("NY", "MIA"):
        score_days(days_until(LAST_DAY, 12), city=city)

    told = only()

    assert (told.cases, told.days) == (24, 12)
    assert told.brier.low is None
    assert told.verdict.startswith("No verdict: 12 settled days")


@pytest.mark.parametrize(
    ("days", "ours", "words"),
    [
        (19, 0.4, "No verdict: 19 settled days can be compared with the market, 20 are needed."),
        (20, 0.4, "So far better than the market over 20 days (Brier -0.100"),
        (99, 0.6, "So far worse than the market over 99 days (Brier +0.100"),
        (100, 0.4, "Better than the market over 100 days (Brier -0.100"),
        (100, 0.6, "Worse than the market over 100 days (Brier +0.100"),
    ],
)
def test_a_verdict_claims_no_more_than_its_days_allow(days, ours, words):
    score_days(days_until(LAST_DAY, days), brier=ours)

    assert only(AccuracyScope(as_of=NOW, window_days=365)).verdict.startswith(words)


def test_an_interval_across_zero_shows_no_difference():
    for number, day in enumerate(days_until(LAST_DAY, 40)):
        score_day(day, brier=0.5 + (0.2 if number % 2 else -0.2))

    assert only().verdict.startswith("No difference from the market is shown over 40 days")


def test_the_market_is_what_others_are_measured_against():
    score_day(LAST_DAY, engine="market")

    assert "measured against" in only().verdict


def test_the_overview_and_the_page_give_the_same_verdict():
    for number, day in enumerate(days_until(LAST_DAY, 30)):
        score_day(day, brier=0.4 + 0.01 * number)

    assert skill_summary(as_of=NOW).verdict == only().verdict


def test_engines_stand_by_horizon_and_the_best_comes_first():
    for engine, brier in (("blend", 0.5), ("emos_slow", 0.4), ("pooled", 0.45)):
        score_day(LAST_DAY, engine=engine, brier=brier)
    score_day(LAST_DAY, engine="blend", horizon=Horizon.EVENING, brier=0.9)

    told = [(item.horizon, item.engine) for item in engine_accuracy(SCOPE)]

    assert told == [
        (Horizon.EVENING, "blend"),
        (Horizon.MORNING, "emos_slow"),
        (Horizon.MORNING, "pooled"),
        (Horizon.MORNING, "blend"),
    ]
    assert engines_scored(SCOPE) == ["blend", "emos_slow", "pooled"]
    assert engines_scored(SCOPE, horizon=Horizon.EVENING) == ["blend"]


def test_nothing_scored_later_and_nothing_before_the_window_is_seen():
    inside = NOW.date() - dt.timedelta(days=30)
    score_day(inside)
    score_day(inside - dt.timedelta(days=1))
    score_day(NOW.date())
    scope = AccuracyScope(as_of=NOW, window_days=30)

    assert only(scope).cases == 1
    assert only(AccuracyScope(as_of=NOW + dt.timedelta(days=2))).cases == 3


def test_a_window_ends_with_the_newest_day_scored_by_then():
    assert accuracy_scope(as_of=NOW).last_day is None
    old = dt.date(2023, 6, 30)
    score_day(old)
    score_day(old - dt.timedelta(days=29))
    score_day(old - dt.timedelta(days=30))

    scope = accuracy_scope(as_of=NOW, window_days=30)
    before = accuracy_scope(as_of=dt.datetime(2023, 6, 15, tzinfo=dt.UTC), window_days=30)

    assert (scope.last_day, scope.since) == (old, dt.date(2023, 6, 1))
    assert only(scope).cases == 2
    assert before.last_day == dt.date(2023, 6, 1)


def test_a_station_is_looked_at_alone():
    score_day(LAST_DAY, city="NY", brier=0.3)
    score_day(LAST_DAY, city="MIA", brier=0.7)

    told = only(AccuracyScope(as_of=NOW, station=real_station("MIA")))

    assert (told.cases, told.brier.mean) == (1, 0.7)


def test_one_query_answers_whatever_the_rows(django_assert_num_queries):
    for engine in ("blend", "market", "pooled"):
        score_days(days_until(LAST_DAY, 25), engine=engine)

    with django_assert_num_queries(1):
        assert len(engine_accuracy(SCOPE)) == 3


def test_a_window_has_days_and_a_mean_has_values():
    with pytest.raises(InvalidDataError, match="at least one day"):
        AccuracyScope(as_of=NOW, window_days=0)
    with pytest.raises(InvalidDataError, match="no values"):
        mean_of([])


def test_a_figure_without_an_interval_settles_nothing():
    assert not Figure(mean=0.3, low=None, high=None).is_settled
    assert not Figure(mean=0.3, low=-0.1, high=0.7).is_settled
    assert Figure(mean=0.3, low=0.1, high=0.7).is_settled
