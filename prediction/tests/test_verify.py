from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest

from boz.core.errors import InvalidDataError, QuarantinedError
from markets.tests.factories import BookSnapshotFactory, EventFactory, QuoteFactory, make_ladder
from prediction.constants import CLIMATOLOGY_ENGINE
from prediction.models import Verification
from prediction.selectors import skill_summary
from prediction.services.confidence import track_record
from prediction.services.verify import MAX_LOG_SCORE, verify_event
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    PredictionFactory,
    make_verified_days,
)
from weather.tests.factories import real_station

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 11, 21, 14, tzinfo=dt.UTC)
TEN_LST = dt.datetime(2024, 11, 20, 15, tzinfo=dt.UTC)
#: (best YES bid, best NO bid), cents, cold to warm; mids add up to 1.03.
CENTS = ((5, 91), (17, 79), (31, 65), (26, 70), (10, 86), (2, 94))


def ladder_of(day=DAY):
    return make_ladder(event=EventFactory(climate_day=day))


def quote(markets, *, at=EVENING_BEFORE, cents=CENTS):
    for market, (yes, no) in zip(markets, cents, strict=True):
        BookSnapshotFactory(
            market=market,
            at=at,
            yes_bids=[] if yes is None else [[f"{yes / 100:.4f}", "5.00"]],
            no_bids=[] if no is None else [[f"{no / 100:.4f}", "5.00"]],
        )


def test_scores_stand_beside_market_and_climatology():
    markets = ladder_of()
    quote(markets)
    PredictionFactory(centre_f=55.0, spread_of_pmf_f=2.3)
    PredictionFactory(engine=CLIMATOLOGY_ENGINE, centre_f=55.0, spread_of_pmf_f=7.0)

    written = verify_event(event=markets[0].event, observed_high_f=55, now=NOW)

    row = Verification.objects.get()
    assert written == 1
    expected = [0.064, 0.193, 0.329 - 1, 0.275, 0.113, 0.025]
    assert row.brier == pytest.approx(math.fsum(p * p for p in expected), abs=0.003)
    assert row.log_score == pytest.approx(-math.log(0.329), abs=0.005)
    assert row.market_brier == pytest.approx(0.64, abs=0.1)
    assert row.climatology_brier > row.brier
    assert 0.4 < row.pit < 0.6


def test_a_prediction_made_after_the_outcome_was_visible_is_never_scored():
    markets = ladder_of()
    standing = PredictionFactory(as_of=TEN_LST - dt.timedelta(minutes=1), centre_f=50.0)
    PredictionFactory(as_of=TEN_LST, centre_f=55.0, spread_of_pmf_f=0.6)
    PredictionFactory(as_of=TEN_LST + dt.timedelta(hours=6), centre_f=55.0, spread_of_pmf_f=0.5)

    verify_event(event=markets[0].event, observed_high_f=55, now=NOW)

    assert Verification.objects.get().prediction == standing


def test_only_late_predictions_means_nothing_is_scored():
    markets = ladder_of()
    PredictionFactory(as_of=TEN_LST + dt.timedelta(hours=1))

    assert verify_event(event=markets[0].event, observed_high_f=55, now=NOW) == 0
    assert not Verification.objects.exists()


def test_verifying_twice_writes_one_row_and_a_changed_value_corrects_it():
    markets = ladder_of()
    PredictionFactory()
    event = markets[0].event

    assert verify_event(event=event, observed_high_f=55, now=NOW) == 1
    assert verify_event(event=event, observed_high_f=55, now=NOW) == 0
    assert verify_event(event=event, observed_high_f=60, now=NOW) == 1
    assert Verification.objects.get().observed_high_f == 60


def test_canary_books_known_later_do_not_reach_the_score():
    markets = ladder_of()
    prediction = PredictionFactory()
    quote(markets, at=prediction.as_of + dt.timedelta(minutes=5))

    verify_event(event=markets[0].event, observed_high_f=55, now=NOW)

    assert Verification.objects.get().market_brier is None


def test_a_missing_quote_makes_the_market_score_null_not_a_guess():
    markets = ladder_of()
    quote(markets, cents=(*CENTS[:2], (None, None), (None, 70), *CENTS[4:]))
    PredictionFactory()

    verify_event(event=markets[0].event, observed_high_f=55, now=NOW)

    row = Verification.objects.get()
    assert row.market_brier is row.market_log_score is row.market_rps is None


def test_an_impossible_outcome_scores_a_finite_number():
    markets = ladder_of()
    PredictionFactory(centre_f=100.0, spread_of_pmf_f=0.8)

    verify_event(event=markets[0].event, observed_high_f=40, now=NOW)

    assert Verification.objects.get().log_score == pytest.approx(MAX_LOG_SCORE)


def test_an_incomplete_ladder_and_an_absurd_high_are_typed_errors():
    markets = ladder_of()
    PredictionFactory()
    with pytest.raises(InvalidDataError):
        verify_event(event=markets[0].event, observed_high_f=400, now=NOW)
    markets[2].delete()

    with pytest.raises(QuarantinedError):
        verify_event(event=markets[0].event, observed_high_f=55, now=NOW)


#: The fourth bracket lies anywhere between 10 cents and the 35 that the others' bids leave.
WIDE = (*CENTS[:3], (10, None), *CENTS[4:])


def last_price(market, dollars, *, at=EVENING_BEFORE):
    QuoteFactory(market=market, at=at, last_price_dollars=Decimal(dollars))


def test_a_price_paid_before_the_prediction_stands_in_for_a_wide_quote():
    markets = ladder_of()
    quote(markets, cents=WIDE)
    PredictionFactory()
    last_price(markets[3], "0.28")

    verify_event(event=markets[0].event, observed_high_f=55, now=NOW)

    row = Verification.objects.get()
    assert row.market_log_score == pytest.approx(-math.log(0.33 / 1.03), abs=0.01)


def test_canary_prices_paid_later_or_long_before_do_not_reach_the_score():
    markets = ladder_of()
    quote(markets, cents=WIDE)
    prediction = PredictionFactory()
    last_price(markets[3], "0.28", at=prediction.as_of + dt.timedelta(minutes=5))
    last_price(markets[3], "0.28", at=prediction.as_of - dt.timedelta(hours=3))

    verify_event(event=markets[0].event, observed_high_f=55, now=NOW)

    assert Verification.objects.get().market_brier is None


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


def test_track_record_of_a_full_window_reports_coverage_and_hits():
    for row in make_verified_days(100, pit=0.95):
        make_ladder(event=row.event)

    record = track_record(station=real_station("NY"), as_of=NOW)

    assert record.n == 100
    assert record.coverage_80 == 0
    assert record.top_hit_rate == 1
    assert 0.2 < record.mean_top_probability < 0.4
