from __future__ import annotations

import math

import numpy as np
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from boz.core.errors import InvalidDataError
from prediction.domain.gaussian_scores import crps_gaussian


def test_score_agrees_with_an_independent_implementation():
    rng = np.random.default_rng(1)
    mean, sd, observed = rng.normal(60, 20, 5000), rng.gamma(2, 2, 5000), rng.normal(60, 20, 5000)

    ours = crps_gaussian(mean, sd, observed)

    assert np.abs(ours - scoringrules.crps_normal(observed, mean, sd)).max() < 1e-12


@pytest.mark.parametrize(("mean", "sd", "observed"), [(55, 2.3, 57), (0, 1, 0), (70, 4, 50)])
def test_score_equals_its_integral(mean, sd, observed):
    below, _ = quad(lambda x: norm.cdf(x, mean, sd) ** 2, mean - 60, observed, limit=200)
    above, _ = quad(lambda x: norm.sf(x, mean, sd) ** 2, observed, mean + 60, limit=200)

    assert float(crps_gaussian(mean, sd, observed)) == pytest.approx(below + above, abs=1e-6)


def test_score_has_the_textbook_mean():
    draws = np.random.default_rng(5).normal(0, 2, 200_000)

    assert crps_gaussian(0.0, 2.0, draws).mean() == pytest.approx(2 * 0.5642, abs=0.01)


@pytest.mark.parametrize("sd", [0.0, 5e-324, 1e-300, 1e-12])
def test_forecast_without_spread_scores_its_absolute_error(sd):
    scores = crps_gaussian(np.array([50.0, 50.0, 50.0]), sd, np.array([50.0, 53.5, -20.0]))

    assert scores == pytest.approx([0, 3.5, 70], abs=1e-11)


@settings(deadline=None)  # a busy machine is no failure
@given(miss=st.floats(0, 1e6), sd=st.floats(0, 1e6), offset=st.floats(-100, 100))
def test_score_lies_between_zero_and_the_absolute_error_and_spread(miss, sd, offset):
    score = float(crps_gaussian(offset, sd, offset + miss))

    assert score >= 0
    assert score <= (miss + sd) * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize(
    ("mean", "sd", "observed"),
    [(math.nan, 1, 0), (0, math.nan, 0), (0, 1, math.inf), (0, -1, 0)],
)
def test_missing_numbers_and_negative_spreads_are_refused(mean, sd, observed):
    with pytest.raises(InvalidDataError):
        crps_gaussian(mean, sd, observed)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InvalidDataError, match="Shapes"):
        crps_gaussian(np.zeros(3), np.ones(2), np.zeros(3))
