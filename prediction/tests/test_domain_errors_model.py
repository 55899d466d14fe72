from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from prediction.domain.errors_model import MIN_SD_F, fit_error_model, prior_sd_f


def test_without_errors_the_prior_speaks_alone():
    model = fit_error_model(errors=[], ages_days=[], prior_bias=0.4, prior_sd=2.88)

    assert (model.bias_f, model.sd_f, model.n_train, model.effective_n) == (0.4, 2.88, 0, 0.0)


def test_bias_and_spread_are_learnt_from_many_errors():
    rng = np.random.default_rng(7)
    errors = rng.normal(1.5, 2.0, 2000)

    model = fit_error_model(
        errors=errors, ages_days=np.ones(2000), prior_sd=2.88, half_life_days=1e6
    )

    assert model.bias_f == pytest.approx(1.5, abs=0.12)
    assert model.sd_f == pytest.approx(2.0, abs=0.1)
    assert model.effective_n == pytest.approx(2000)


def test_few_errors_are_shrunk_by_twenty_prior_days():
    model = fit_error_model(
        errors=[2.0] * 20, ages_days=[1] * 20, prior_sd=3.0, half_life_days=1e12
    )

    assert model.bias_f == pytest.approx(1.0)
    assert model.sd_f == pytest.approx(math.sqrt((20 * 9 + 20 * 1) / 40))


def test_recent_errors_count_more():
    ages = [1] * 30 + [200] * 30

    model = fit_error_model(errors=[2.0] * 30 + [-2.0] * 30, ages_days=ages, prior_sd=2.88)

    assert model.bias_f > 0.8


def test_errors_of_another_season_count_less():
    errors, ages = [2.0] * 30 + [-2.0] * 30, [100] * 60

    model = fit_error_model(
        errors=errors, ages_days=ages, prior_sd=2.88, season_distance_days=[5] * 30 + [180] * 30
    )

    assert model.bias_f > 0.3
    assert model.effective_n < 35


def test_one_error_of_fifty_degrees_moves_little():
    rng = np.random.default_rng(3)
    clean = rng.normal(0, 2.5, 60)
    ages = np.arange(1, 61)
    spoilt = clean.copy()
    spoilt[0] = 50.0

    before = fit_error_model(errors=clean, ages_days=ages, prior_sd=2.88)
    after = fit_error_model(errors=spoilt, ages_days=ages, prior_sd=2.88)

    assert abs(after.bias_f - before.bias_f) < 0.25
    assert abs(after.sd_f - before.sd_f) < 0.4


def test_a_lone_absurd_error_is_pulled_towards_the_prior():
    model = fit_error_model(errors=[50.0], ages_days=[1], prior_sd=2.88)

    assert abs(model.bias_f) < 0.5


@pytest.mark.parametrize(
    ("errors", "ages", "sentence"),
    [
        ([1.0, math.nan], [1, 2], "missing or infinite"),
        ([1.0, math.inf], [1, 2], "missing or infinite"),
        ([1.0], [1, 2], "2 ages"),
        ([1.0], [-1], "future"),
        ([1.0], [math.nan], "missing or infinite"),
    ],
)
def test_errors_that_cannot_be_learnt_from_are_refused(errors, ages, sentence):
    with pytest.raises(InvalidDataError, match=sentence):
        fit_error_model(errors=errors, ages_days=ages, prior_sd=2.88)


@settings(deadline=None)  # a busy machine is no failure
@given(
    errors=st.lists(st.floats(-100, 100), max_size=40),
    prior_sd=st.floats(0.1, 6),
)
def test_spread_never_falls_below_its_floor_and_bias_stays_inside_the_errors(errors, prior_sd):
    model = fit_error_model(errors=errors, ages_days=range(1, len(errors) + 1), prior_sd=prior_sd)

    assert model.sd_f >= MIN_SD_F
    assert min([0.0, *errors]) - 1e-9 <= model.bias_f <= max([0.0, *errors]) + 1e-9
    assert 0 <= model.effective_n <= len(errors) + 1e-9


@pytest.mark.parametrize(("lead", "national"), [(18.5, 2.55), (28, 2.88), (52, 3.37)])
def test_prior_spread_meets_the_national_figures_over_the_year(lead, national):
    squares = [prior_sd_f(lead_hours=lead, month=month) ** 2 for month in range(1, 13)]

    assert math.sqrt(sum(squares) / 12) == pytest.approx(national, abs=0.06)


def test_prior_spread_keeps_new_yorks_ratio_of_winter_to_summer():
    winter = sum(prior_sd_f(lead_hours=28, month=m) for m in (12, 1, 2))
    summer = sum(prior_sd_f(lead_hours=28, month=m) for m in (6, 7, 8))

    assert winter / summer == pytest.approx(2.80 / 2.15, abs=0.01)


@settings(deadline=None)  # a busy machine is no failure
@given(lead=st.floats(1, 200), more=st.floats(0.5, 100), month=st.integers(1, 12))
def test_prior_spread_rises_with_lead(lead, more, month):
    near, far = (
        prior_sd_f(lead_hours=lead, month=month),
        prior_sd_f(lead_hours=lead + more, month=month),
    )

    assert near < far
    assert near >= MIN_SD_F


@pytest.mark.parametrize(("lead", "month"), [(math.nan, 1), (28, 0), (28, 13)])
def test_senseless_lead_or_month_is_refused(lead, month):
    with pytest.raises(InvalidDataError):
        prior_sd_f(lead_hours=lead, month=month)
