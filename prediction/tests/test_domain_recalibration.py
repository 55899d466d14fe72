from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.recalibration.beta import BetaTransform, fit_beta, log_gain
from prediction.domain.recalibration.conformal import conformal_factor
from prediction.domain.recalibration.idr import fit_idr
from prediction.domain.recalibration.ranks import checked_ranks, widened_ranks
from prediction.domain.scores import crps_pmf

WIDE = gaussian_pmf(mean_f=60, sd_f=4)


def log_score_pmf(pmf, observed_f):
    return -math.log(pmf.at(observed_f))


def highs(count, *, mean=60.0, sd=2.0, seed=1):
    drawn = np.random.default_rng(seed).normal(mean, sd, count)
    return [int(value) for value in np.rint(drawn)]


def rank_ends(pmf, observed):
    return [pmf.cdf(y - 1) for y in observed], [pmf.cdf(y) for y in observed]


class TestBeta:
    def test_few_days_change_nothing(self):
        below, upto = rank_ends(WIDE, highs(29))

        transform = fit_beta(below, upto)

        assert transform == BetaTransform()
        assert transform.apply(WIDE) is WIDE

    def test_forecast_that_is_too_wide_is_sharpened_and_scores_better(self):
        transform = fit_beta(*rank_ends(WIDE, highs(300)))
        better = transform.apply(WIDE)

        fresh = highs(300, seed=2)
        assert transform.alpha > 1.5
        assert transform.beta > 1.5
        assert 2.0 < better.sd_f < 2.6
        for score in (crps_pmf, log_score_pmf):
            assert sum(score(better, y) for y in fresh) < sum(score(WIDE, y) for y in fresh)

    def test_forecast_that_is_too_cold_is_moved(self):
        transform = fit_beta(*rank_ends(WIDE, highs(300, mean=63.0, sd=4.0)))

        assert transform.apply(WIDE).mean_f == pytest.approx(63, abs=0.6)

    def test_calibrated_forecast_is_left_nearly_alone(self):
        """Over several samples of 400 days the logarithms scatter by 0.06 about 0."""
        fits = [fit_beta(*rank_ends(WIDE, highs(400, sd=4.0, seed=seed))) for seed in range(12)]

        logs = np.log([[fit.alpha, fit.beta] for fit in fits])
        assert np.abs(logs.mean(axis=0)).max() < 0.06
        assert np.abs(logs).max() < 0.25

    @settings(deadline=None)  # a busy machine is no failure
    @given(
        alpha=st.floats(0.33, 3),
        beta=st.floats(0.33, 3),
        mean=st.floats(20, 90),
        sd=st.floats(0.5, 9),
        bound=st.integers(10, 95),
    )
    def test_possible_degrees_stay_possible_and_dead_ones_dead(self, alpha, beta, mean, sd, bound):
        pmf = gaussian_pmf(mean_f=mean, sd_f=sd).truncated_below(bound)

        changed = BetaTransform(alpha, beta, 50).apply(pmf)

        assert ((changed.probabilities > 0) == (pmf.probabilities > 0)).all()
        assert abs(math.fsum(changed.probabilities) - 1) <= 1e-12

    def test_outcomes_held_for_impossible_do_not_break_the_fit(self):
        transform = fit_beta([0.0] * 40, [0.0] * 40)

        assert 1 / 3 <= transform.alpha <= 3
        assert 1 / 3 <= transform.beta <= 3

    def test_gain_is_the_difference_of_log_scores(self):
        transform = fit_beta(*rank_ends(WIDE, highs(300)))
        fresh = highs(50, seed=2)
        better = transform.apply(WIDE)

        by_hand = math.fsum(log_score_pmf(WIDE, y) - log_score_pmf(better, y) for y in fresh)
        assert log_gain(transform, *rank_ends(WIDE, fresh)) == pytest.approx(by_hand, abs=1e-5)
        assert by_hand > 5
        assert log_gain(BetaTransform(), *rank_ends(WIDE, fresh)) == 0

    def test_survives_storage(self):
        transform = BetaTransform(1.25, 0.75, 90)

        assert BetaTransform.from_json(json.loads(json.dumps(transform.as_json()))) == transform

    @pytest.mark.parametrize(
        ("below", "upto"),
        [([0.5], []), ([0.6], [0.5]), ([-0.1], [0.5]), ([0.5], [1.1]), ([math.nan], [0.5])],
    )
    def test_ranks_that_are_none_are_refused(self, below, upto):
        with pytest.raises(InvalidDataError):
            fit_beta(below, upto)

    @pytest.mark.parametrize("parameters", [(0, 1), (1, -1), (math.nan, 1), (1, math.inf)])
    def test_parameters_without_a_distribution_are_refused(self, parameters):
        with pytest.raises(InvalidDataError):
            BetaTransform(*parameters)


class TestIdr:
    @staticmethod
    def past(count=400, seed=3):
        rng = np.random.default_rng(seed)
        forecast = np.round(rng.uniform(40, 80, count), 1)
        return forecast, np.rint(forecast + 2 + rng.normal(0, 3, count))

    def test_follows_bias_and_spread_without_being_told(self):
        pmf = fit_idr(*self.past(800)).predict(60.0)

        assert pmf.mean_f == pytest.approx(62, abs=1.2)
        assert pmf.sd_f == pytest.approx(3, abs=1.2)

    def test_higher_predictor_makes_every_threshold_less_likely_to_hold(self):
        fitted = fit_idr(*self.past())
        predicted = [fitted.predict(x) for x in np.linspace(38, 82, 23)]

        means = [pmf.mean_f for pmf in predicted]
        assert means == sorted(means)
        assert (np.diff(fitted.cumulative, axis=0) <= 1e-12).all()
        assert (np.diff(fitted.cumulative, axis=1) >= 0).all()
        assert (fitted.cumulative[:, -1] == 1).all()

    def test_median_of_two_predictors_by_hand(self):
        """Two forecasts, the highs in the wrong order: both get all days."""
        fitted = fit_idr([1.0, 2.0], [61, 60], least_days=2)

        assert fitted.cumulative.tolist() == [[0.5, 1.0], [0.5, 1.0]]

    def test_between_predictors_it_is_straight_and_beyond_them_constant(self):
        fitted = fit_idr([1.0, 3.0], [60, 70], least_days=2)

        assert fitted.predict(2.0).cdf(65) == pytest.approx(
            0.5 * fitted.predict(1.0).cdf(65) + 0.5 * fitted.predict(3.0).cdf(65), abs=0.15
        )
        assert fitted.predict(-50.0).mean_f == fitted.predict(1.0).mean_f
        assert fitted.predict(99.0).mean_f == fitted.predict(3.0).mean_f

    def test_no_degree_is_impossible(self):
        pmf = fit_idr(*self.past()).predict(60.0)

        assert (pmf.probabilities > 0).all()
        assert pmf.low_f <= -80
        assert abs(math.fsum(pmf.probabilities) - 1) <= 1e-12

    def test_constant_predictor_is_the_climate_of_its_days(self):
        rng = np.random.default_rng(5)
        settled = np.rint(rng.normal(60, 4, 300))

        pmf = fit_idr(np.full(300, 7.0), settled).predict(7.0)

        assert pmf.mean_f == pytest.approx(settled.mean(), abs=0.02)

    def test_too_few_days_are_unavailable_and_nonsense_is_refused(self):
        with pytest.raises(DataUnavailable, match="too few"):
            fit_idr(*self.past(199))
        for predictors, settled in (
            ([1.0] * 200, [60.5] * 200),
            ([math.nan] * 200, [60] * 200),
            ([1.0] * 200, [60] * 199),
            ([1.0] * 200, [600] * 200),
        ):
            with pytest.raises(InvalidDataError):
                fit_idr(predictors, settled)
        with pytest.raises(InvalidDataError):
            fit_idr(*self.past()).predict(math.nan)


class TestConformal:
    def test_nothing_known_is_one(self):
        assert conformal_factor([], []) == 1

    @pytest.mark.parametrize("true_sd", [0.75, 1.0, 1.5])
    def test_factor_approaches_the_spread_that_covers(self, true_sd):
        ranks = ndtr(np.random.default_rng(6).normal(0, true_sd, 3000))

        ends = range(1000, 3001, 200)
        found = np.mean([conformal_factor(ranks[:end], ranks[:end]) for end in ends])

        assert found == pytest.approx(true_sd, rel=0.08)

    def test_coverage_approaches_its_level_when_the_spread_drifts(self):
        rng = np.random.default_rng(7)
        scores = rng.normal(0, 1, 1500) * np.linspace(0.8, 1.7, 1500)

        ranks = ndtr(scores)
        factors = [conformal_factor(ranks[:t], ranks[:t]) for t in range(1500)]
        held = np.abs(scores) <= 1.2816 * np.array(factors)

        # However the spread moves, the gap is at most the way of the logarithm by steps and days.
        assert abs(np.mean(held) - 0.8) <= math.log(2 / 0.6) / (0.02 * 1500)

    @settings(deadline=None)  # a busy machine is no failure
    @given(scores=st.lists(st.floats(-50, 50), max_size=60))
    def test_one_outcome_moves_it_by_a_bounded_step_within_bounds(self, scores):
        ranks = ndtr(np.array(scores))
        factors = [conformal_factor(ranks[:end], ranks[:end]) for end in range(len(scores) + 1)]

        assert all(0.6 - 1e-12 <= factor <= 2 + 1e-12 for factor in factors)
        assert (np.abs(np.diff(np.log(factors))) <= 0.02).all()

    def test_it_stops_at_its_bounds(self):
        assert conformal_factor([1.0] * 500, [1.0] * 500) == pytest.approx(2)
        assert conformal_factor([0.5] * 500, [0.5] * 500) == pytest.approx(0.6)

    def test_a_degree_counts_as_missed_with_its_part_outside(self):
        """A belief sure of one degree, and right: its rank is all of 0..1, a fifth is outside."""
        assert conformal_factor([0.0] * 500, [1.0] * 500) == pytest.approx(1.0)
        assert conformal_factor([0.0], [0.2]) == pytest.approx(math.exp(0.02 * (0.5 - 0.2)))

    @pytest.mark.parametrize("sd", [0.6, 1.0, 3.0])
    def test_whole_degrees_of_a_calibrated_forecast_leave_the_spread_alone(self, sd):
        """The middle of a degree's rank alone would narrow the sharpest by a third."""
        pmf = gaussian_pmf(mean_f=60.2, sd_f=sd)
        low, high = (np.array(ends) for ends in rank_ends(pmf, highs(3000, mean=60.2, sd=sd)))

        found = np.mean([conformal_factor(low[:t], high[:t]) for t in range(1000, 3001, 200)])
        assert found == pytest.approx(1, abs=0.05)

    @pytest.mark.parametrize(
        "settings", [{"level": 1.0}, {"step": 0.0}, {"least": 1.1}, {"most": 0.9}]
    )
    def test_settings_out_of_range_are_refused(self, settings):
        with pytest.raises(InvalidDataError):
            conformal_factor([1.0], [1.0], **settings)

    @pytest.mark.parametrize(("below", "upto"), [([math.nan], [1.0]), ([0.5], [0.4]), ([0.5], [])])
    def test_ranks_that_are_none_are_refused(self, below, upto):
        with pytest.raises(InvalidDataError):
            conformal_factor(below, upto)


class TestRanks:
    def test_widening_ranks_is_widening_the_forecast(self):
        below, upto = rank_ends(WIDE, range(50, 71))
        wider = rank_ends(gaussian_pmf(mean_f=60, sd_f=6), range(50, 71))

        assert widened_ranks(np.array(below), 1.5) == pytest.approx(wider[0], abs=1e-12)
        assert widened_ranks(np.array(upto), 1.5) == pytest.approx(wider[1], abs=1e-12)

    def test_ends_stay_ends(self):
        assert widened_ranks(np.array([0.0, 0.5, 1.0]), 1.3).tolist() == [0.0, 0.5, 1.0]

    def test_no_ranks_are_fine(self):
        assert [ends.size for ends in checked_ranks([], [])] == [0, 0]
