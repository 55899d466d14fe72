from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.distribution import IntegerPmf
from prediction.domain.gaussian_scores import crps_gaussian
from prediction.domain.scores import (
    brier,
    brier_ladder,
    crps_pmf,
    log_score,
    ranked_probability_score,
)

SURE = IntegerPmf(70, np.array([1.0]))


@settings(deadline=None)  # a busy machine is no failure
@given(mean=st.floats(20, 90), sd=st.floats(2, 8), observed=st.integers(10, 100))
def test_whole_degree_crps_is_close_to_the_gaussian_one(mean, sd, observed):
    """F on whole degrees is the Gaussian at half degrees: a midpoint sum of the same integral."""
    score = crps_pmf(gaussian_pmf(mean_f=mean, sd_f=sd), observed)

    # The step at y halves two cells of the sum, hence the small tolerance.
    assert score == pytest.approx(float(crps_gaussian(mean, sd, observed)), abs=0.03)


@pytest.mark.parametrize(("observed", "miss"), [(70, 0), (73, 3), (-80, 150), (66, 4)])
def test_whole_degree_crps_of_a_sure_forecast_is_its_miss(observed, miss):
    assert crps_pmf(SURE, observed) == miss


def test_perfect_forecast_scores_zero_everywhere():
    assert log_score([0, 1, 0], 1) == 0
    assert brier_ladder([0, 1, 0], 1) == 0
    assert ranked_probability_score([0, 1, 0], 1) == 0


def test_impossible_outcome_scores_infinite_surprise():
    assert log_score([1, 0], 1) == math.inf


def test_known_ladder_scores():
    ladder = [0.2, 0.5, 0.3]

    assert brier_ladder(ladder, 1) == pytest.approx(0.04 + 0.25 + 0.09)
    assert ranked_probability_score(ladder, 1) == pytest.approx((0.04 + 0.09) / 2)
    assert ranked_probability_score(ladder, 0) == pytest.approx((0.64 + 0.09) / 2)
    assert log_score(ladder, 2) == pytest.approx(-math.log(0.3))
    assert brier(0.3, True) == pytest.approx(0.49)


@settings(deadline=None)  # a busy machine is no failure
@given(
    weights=st.lists(st.floats(0.001, 1), min_size=2, max_size=8),
    data=st.data(),
)
def test_scores_are_bounded_and_truth_is_the_best_forecast_of_itself(weights, data):
    truth = np.array(weights) / math.fsum(weights)
    other = np.roll(truth, data.draw(st.integers(0, len(weights) - 1)))
    for score, top in ((brier_ladder, 2), (ranked_probability_score, 1), (log_score, math.inf)):
        honest = sum(p * score(truth, i) for i, p in enumerate(truth))
        dishonest = sum(p * score(other, i) for i, p in enumerate(truth))

        assert all(0 <= score(truth, i) <= top for i in range(truth.size))
        assert honest <= dishonest + 1e-12


@pytest.mark.parametrize("ladder", [[0.5, 0.6], [-0.1, 1.1], [math.nan, 1.0], []])
def test_ladder_that_is_no_distribution_is_refused(ladder):
    with pytest.raises(InvalidDataError):
        brier_ladder(ladder, 0)


def test_outcome_outside_the_ladder_is_refused():
    with pytest.raises(InvalidDataError, match="no bracket"):
        log_score([0.5, 0.5], 2)
