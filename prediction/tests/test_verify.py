from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from scipy.stats import kstest

from boz.core.errors import InvalidDataError, QuarantinedError
from markets.tests.factories import EventFactory, make_ladder
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.horizons import Horizon
from prediction.models import EngineBelief, Prediction, Verification
from prediction.selectors import skill_summary
from prediction.services.confidence import record_of, track_records
from prediction.services.verify import MAX_LOG_SCORE, verify_event
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    EngineBeliefFactory,
    EngineFitFactory,
    PredictionFactory,
    VerificationFactory,
    make_verified_days,
)
from weather.tests.factories import real_station

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 11, 21, 14, tzinfo=dt.UTC)
TEN_LST = dt.datetime(2024, 11, 20, 15, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
MARKET = [0.07, 0.18, 0.32, 0.27, 0.11, 0.05]


def ladder_of(day=DAY):
    return make_ladder(event=EventFactory(climate_day=day))


def morning(**fields):
    return PredictionFactory(made_at=Horizon.MORNING, **fields)


def verify(markets, observed_high_f=55, now=NOW):
    return verify_event(event=markets[0].event, observed_high_f=observed_high_f, now=now)


def test_every_engine_is_scored_beside_market_and_climatology():
    prediction = morning(
        centre_f=55.0,
        spread_of_pmf_f=2.3,
        market_probabilities=MARKET,
        pooled_low_f=55,
        pooled_pmf=[1.0],
    )
    EngineBeliefFactory(prediction=prediction)
    EngineBeliefFactory(
        prediction=prediction, engine="emos_slow", weight=0.4, centre_f=58.0, spread_of_pmf_f=2.0
    )

    written = verify(ladder_of())

    rows = {row.engine: row for row in Verification.objects.all()}
    assert written == 4
    assert set(rows) == {"blend", "climatology", "emos_slow", "pooled"}
    own = rows["blend"]
    expected = [0.064, 0.193, 0.329 - 1, 0.275, 0.113, 0.025]
    assert own.brier == pytest.approx(math.fsum(p * p for p in expected), abs=0.003)
    assert own.log_score == pytest.approx(-math.log(0.329), abs=0.005)
    assert own.probabilities == pytest.approx([0.064, 0.193, 0.329, 0.275, 0.113, 0.025], abs=1e-3)
    assert (own.outcome, own.error_f, own.sd_f, own.weight) == (2, 0.0, 2.3, None)
    assert 0.41 < own.pit < 0.59
    assert (own.hit_50, own.hit_80, own.hit_90) == (True, True, True)
    assert (own.n_train, own.weight_present, own.lead_hours) == (80, 1.0, 15.0)
    assert (rows["emos_slow"].weight, rows["emos_slow"].error_f) == (0.4, 3.0)
    assert (rows["emos_slow"].hit_50, rows["emos_slow"].hit_90) == (False, True)
    assert rows["pooled"].brier == 0.0
    market_brier = math.fsum((p - (i == 2)) ** 2 for i, p in enumerate(MARKET))
    for row in rows.values():
        assert row.horizon == Horizon.MORNING
        assert row.prediction == prediction
        assert row.market_brier == pytest.approx(market_brier)
        assert row.market_log_score == pytest.approx(-math.log(0.32))
        assert row.climatology_brier == rows["climatology"].brier > own.brier


def test_each_horizon_scores_the_belief_that_stood_at_its_moment():
    markets = ladder_of()
    made = {horizon: PredictionFactory(made_at=horizon) for horizon in Horizon}
    PredictionFactory(as_of=TEN_LST + 2 * SECOND, made_at=Horizon.MORNING, lead_hours=13.9)

    assert verify(markets) == len(Horizon)

    rows = Verification.objects.all()
    assert {Horizon(row.horizon): row.prediction for row in rows} == made


def test_a_belief_made_at_the_moment_itself_is_never_scored():
    markets = ladder_of()
    standing = morning(as_of=TEN_LST - SECOND, centre_f=50.0)
    morning(as_of=TEN_LST, centre_f=55.0, spread_of_pmf_f=0.6)
    PredictionFactory(as_of=TEN_LST + dt.timedelta(hours=6), centre_f=55.0, spread_of_pmf_f=0.5)

    verify(markets)

    row = Verification.objects.get(horizon=Horizon.MORNING)
    assert row.prediction == standing


def test_a_belief_of_the_evening_is_not_scored_as_one_of_the_morning():
    markets = ladder_of()
    evening = PredictionFactory()

    assert verify(markets) == 1
    row = Verification.objects.get()
    assert (row.horizon, row.prediction) == (Horizon.EVENING, evening)


def test_only_late_predictions_means_nothing_is_scored():
    markets = ladder_of()
    PredictionFactory(as_of=TEN_LST + dt.timedelta(hours=5), made_at=Horizon.AFTERNOON)

    assert verify(markets) == 0
    assert not Verification.objects.exists()


def test_verifying_twice_writes_nothing_and_a_changed_value_corrects_every_row():
    markets = ladder_of()
    EngineBeliefFactory(prediction=morning())
    later = NOW + dt.timedelta(days=1)

    assert verify(markets) == 2
    assert verify(markets, now=later) == 0
    assert set(Verification.objects.values_list("verified_at", flat=True)) == {NOW}
    assert verify(markets, observed_high_f=60, now=later) == 2
    found = Verification.objects.values_list("engine", "observed_high_f", "verified_at")
    assert sorted(found) == [("blend", 60, later), ("climatology", 60, later)]


def test_ranks_are_drawn_alike_whenever_and_wherever_a_belief_is_scored():
    markets = ladder_of()
    EngineBeliefFactory(prediction=morning(), engine="emos_slow", spread_of_pmf_f=3.0)

    drawn = []
    for _ in range(2):
        verify(markets)
        drawn.append(dict(Verification.objects.values_list("engine", "pit")))
        Verification.objects.all().delete()

    assert drawn[0] == drawn[1]
    # As first drawn: whatever changes them would change the coverage of days long past.
    assert drawn[0] == pytest.approx({"blend": 0.4959499897, "emos_slow": 0.4884373697})


def test_coverage_of_narrow_beliefs_that_are_right_is_their_level():
    """The middle of the degree's rank would be inside the central 80 % on 84 of 100 such days."""
    narrow = gaussian_pmf(mean_f=55.2, sd_f=0.9)
    highs = np.random.default_rng(4).choice(narrow.degrees, 60, p=narrow.probabilities)
    for age, high in enumerate(highs):
        day = DAY - dt.timedelta(days=age)
        morning(climate_day=day, centre_f=55.2, spread_of_pmf_f=0.9)
        verify(ladder_of(day), observed_high_f=int(high))

    rows = Verification.objects.filter(engine="blend")
    assert rows.filter(hit_80=True).count() / 60 == pytest.approx(0.80, abs=0.11)
    assert rows.filter(hit_50=True).count() / 60 == pytest.approx(0.50, abs=0.14)
    assert kstest(list(rows.values_list("pit", flat=True)), "uniform").pvalue > 0.05


#: What each day-ahead engine of these tests believes, and its weight: 55 and 58 ± 3 °F.
MIXED = (("emos_slow", 55.0, 0.75), ("nbm_percentiles", 58.0, 0.25))


def mixed_below(degree):
    """Return P(high <= degree) in their mixture."""
    return math.fsum(w * gaussian_pmf(mean_f=m, sd_f=3.0).cdf(degree) for _, m, w in MIXED)


def believed(prediction, *, but=""):
    """Keep what was mixed, and climatology, beside a prediction; ``but`` is its champion."""
    for engine, centre_f, weight in (*MIXED, ("climatology", 50.0, 0.0)):
        if engine != but:
            EngineBeliefFactory(
                prediction=prediction,
                engine=engine,
                weight=weight,
                centre_f=centre_f,
                spread_of_pmf_f=3.0,
            )


def mixture_of(engine):
    row = Verification.objects.get(engine=engine)
    return row.mixture_below, row.mixture_upto


def test_the_blends_score_keeps_the_rank_in_what_it_mixed():
    """The day's reports have moved the belief itself far away from it."""
    markets = ladder_of()
    believed(morning(centre_f=62.0, spread_of_pmf_f=0.7))

    verify(markets)

    assert mixture_of("blend") == pytest.approx((mixed_below(54), mixed_below(55)), abs=1e-12)
    assert mixture_of("emos_slow") == mixture_of("climatology") == (None, None)


@pytest.mark.parametrize("champion", ["emos_slow", "climatology"])
def test_the_rank_is_the_same_where_another_engine_is_believed(champion):
    """The champion's own part is the prediction; its weight is what the others lack of one."""
    markets = ladder_of()
    prediction = morning(engine=champion, centre_f=55.0, spread_of_pmf_f=3.0)
    believed(prediction, but=champion)
    EngineBeliefFactory(prediction=prediction, engine="blend", centre_f=50.0)

    verify(markets)

    assert mixture_of("blend") == pytest.approx((mixed_below(54), mixed_below(55)), abs=1e-12)
    assert mixture_of(champion) == (None, None)


def test_a_belief_of_climatology_alone_has_no_mixture():
    markets = ladder_of()
    EngineBeliefFactory(prediction=morning(), weight=1.0)

    verify(markets)

    assert mixture_of("blend") == (None, None)


def test_a_corrected_high_corrects_ranks_and_mixture():
    markets = ladder_of()
    believed(morning())
    verify(markets)
    before = Verification.objects.get(engine="blend").pit

    verify(markets, observed_high_f=60)

    assert Verification.objects.get(engine="blend").pit > before + 0.3
    assert mixture_of("blend") == pytest.approx((mixed_below(59), mixed_below(60)), abs=1e-12)


def test_beliefs_beside_predictions_that_are_not_scored_are_dropped():
    markets = ladder_of()
    scored, other = morning(), PredictionFactory(as_of=TEN_LST + SECOND, made_at=Horizon.AFTERNOON)
    elsewhere = PredictionFactory(climate_day=DAY + dt.timedelta(days=1))
    kept = [EngineBeliefFactory(prediction=item) for item in (scored, elsewhere)]
    EngineBeliefFactory(prediction=PredictionFactory(as_of=TEN_LST + 3 * SECOND))
    EngineBeliefFactory(prediction=PredictionFactory(as_of=TEN_LST + 2 * SECOND))

    verify(markets)

    assert set(EngineBelief.objects.all()) == set(kept)
    assert other.pk is not None


@pytest.mark.parametrize("probabilities", [[], [0.5, 0.5]], ids=["silent", "another ladder"])
def test_a_market_that_said_nothing_scores_null_not_a_guess(probabilities):
    markets = ladder_of()
    morning(market_probabilities=probabilities)

    verify(markets)

    row = Verification.objects.get()
    assert row.market_brier is row.market_log_score is row.market_rps is None
    assert row.climatology_brier is None


def test_a_market_of_as_many_but_other_brackets_is_not_scored():
    """Two events of one day, or a ladder that was struck anew: six brackets each, other degrees."""
    markets = ladder_of()
    own = [[bracket.low_f, bracket.high_f] for bracket in (market.bracket for market in markets)]
    other = [
        [None if low is None else low + 2, None if high is None else high + 2] for low, high in own
    ]
    prediction = morning(market_probabilities=MARKET, market_ladder=other)

    verify(markets)

    assert Verification.objects.get().market_brier is None
    Prediction.objects.filter(pk=prediction.pk).update(market_ladder=own)
    Verification.objects.all().delete()
    verify(markets)
    assert Verification.objects.get().market_brier is not None


def test_a_corrected_score_leaves_none_of_an_engine_that_says_nothing_now():
    markets = ladder_of()
    first = morning()
    EngineBeliefFactory(prediction=first, engine="nowcast")
    verify(markets)
    first.beliefs.all().delete()

    verify(markets, observed_high_f=56)

    assert [row.engine for row in Verification.objects.all()] == [first.engine]


def test_an_impossible_outcome_scores_a_finite_number():
    markets = ladder_of()
    morning(centre_f=100.0, spread_of_pmf_f=0.8)

    verify(markets, observed_high_f=40)

    assert Verification.objects.get().log_score == pytest.approx(MAX_LOG_SCORE)


def test_zero_degrees_is_scored_like_any_other():
    markets = make_ladder(
        event=EventFactory(climate_day=DAY), rungs=((None, -1), (0, 1), (2, None))
    )
    morning(centre_f=0.0, spread_of_pmf_f=2.0)

    verify(markets, observed_high_f=0)

    row = Verification.objects.get()
    assert (row.observed_high_f, row.outcome, row.error_f) == (0, 1, 0.0)


def test_an_incomplete_ladder_and_an_absurd_high_are_typed_errors():
    markets = ladder_of()
    morning()
    with pytest.raises(InvalidDataError):
        verify(markets, observed_high_f=400)
    markets[2].delete()

    with pytest.raises(QuarantinedError):
        verify(markets)
    assert not Verification.objects.exists()


def test_no_verdict_below_twenty_settled_days():
    make_verified_days(19)

    summary = skill_summary(as_of=NOW)

    assert summary.days == summary.paired_days == 19
    assert summary.verdict.startswith("No verdict: 19 settled days")
    assert summary.model_brier == pytest.approx(0.60)
    assert summary.paired_market_brier == pytest.approx(0.64)


def test_from_twenty_days_on_a_difference_is_told_but_not_claimed():
    make_verified_days(24)

    verdict = skill_summary(as_of=NOW).verdict

    assert verdict.startswith("So far better than the market over 24 days")
    assert "nothing is claimed" in verdict


def test_skill_counts_only_what_was_verified_by_then():
    make_verified_days(6)

    known = skill_summary(as_of=EVENING_BEFORE - dt.timedelta(days=2))

    assert known.events == 3


def test_events_without_market_quotes_are_left_out_of_the_comparison():
    make_verified_days(4, market_brier=None)

    summary = skill_summary(as_of=NOW)

    assert summary.events == 4
    assert summary.paired_events == 0
    assert summary.paired_market_brier is None
    assert summary.model_brier is not None


def test_skill_is_that_of_one_horizon_and_of_the_champion_unless_told_otherwise():
    (row,) = make_verified_days(1, brier=0.6)
    VerificationFactory(prediction=row.prediction, engine="climatology", brier=0.9)
    VerificationFactory(prediction=row.prediction, engine=Verification.POOLED, brier=0.5)
    VerificationFactory(
        prediction=PredictionFactory(climate_day=row.prediction.climate_day), brier=0.7
    )

    def brier(**wanted):
        summary = skill_summary(as_of=NOW, **wanted)
        assert summary.events == 1
        return summary.model_brier

    assert brier() == 0.6
    assert brier(engine="climatology") == 0.9
    assert brier(engine=Verification.POOLED) == 0.5
    assert brier(horizon=Horizon.EVENING) == 0.7


def record(as_of=NOW, *, engine="blend", horizon="morning"):
    return track_records(station=real_station("NY"), engine=engine, as_of=as_of)[horizon]


def test_the_record_of_a_full_window_reports_coverage_and_hits():
    make_verified_days(100, hit_80=False)
    assert record() == {
        "n": 100,
        "coverage_80": 0.0,
        "top_hit_rate": 1.0,
        "mean_top_probability": pytest.approx(0.33),
    }


def test_the_record_is_of_one_class_one_engine_and_what_was_scored_by_then():
    make_verified_days(5)

    assert record()["n"] == 5
    assert record(EVENING_BEFORE - dt.timedelta(days=3))["n"] == 1
    assert record(horizon="evening")["n"] == 0
    assert record(engine="emos_slow")["n"] == 0


def test_scores_from_before_outcomes_were_kept_are_no_record():
    make_verified_days(3, outcome=None, probabilities=[])
    assert record()["n"] == 0


def test_a_record_that_cannot_be_read_is_a_typed_error():
    for scores in ({"track_record": {"morning": {"n": 3}}}, {"track_record": [1]}):
        fit = EngineFitFactory.build(station=real_station("NY"), scores=scores)
        with pytest.raises(InvalidDataError, match="fit again"):
            record_of(fit, horizon=Horizon.MORNING)
    assert record_of(EngineFitFactory.build(scores={}), horizon=Horizon.MORNING) is None
    assert record_of(None, horizon=Horizon.MORNING) is None
