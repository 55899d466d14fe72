from __future__ import annotations

import math

import numpy as np
import pytest

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.climatology import HALF_LIFE_DAYS, climatology_pmf


def test_climatology_centres_on_recent_highs_and_is_wider_than_they_are():
    highs = 80 + np.random.default_rng(1).normal(0, 3, 40)

    ages = np.arange(1, 41)

    pmf = climatology_pmf(highs_f=highs, ages_days=ages)

    weights = 0.5 ** (ages / HALF_LIFE_DAYS)
    centre = np.average(highs, weights=weights)
    sample_sd = np.sqrt(np.average((highs - centre) ** 2, weights=weights))
    assert pmf.mean_f == pytest.approx(centre, abs=1e-6)
    assert pmf.sd_f > 1.15 * sample_sd


def test_identical_highs_still_leave_doubt():
    pmf = climatology_pmf(highs_f=[80] * 12, ages_days=range(1, 13))

    assert pmf.sd_f >= 1.5
    assert pmf.at(80) < 0.3


def test_yesterday_counts_more_than_last_month():
    highs = [70] * 10 + [50] * 10
    ages = [*range(1, 11), *range(31, 41)]

    assert climatology_pmf(highs_f=highs, ages_days=ages).mean_f > 64


def test_a_moving_season_widens_the_belief_by_how_far_its_mean_lags():
    ages = np.arange(2, 62)
    weights = 0.5 ** (ages / HALF_LIFE_DAYS)

    for trend in (-0.5, 0.5):
        highs = 60 + trend * ages
        centre = np.average(highs, weights=weights)
        sample_sd = np.sqrt(np.average((highs - centre) ** 2, weights=weights))
        lag = abs(centre - 60)
        pmf = climatology_pmf(highs_f=highs, ages_days=ages)
        assert pmf.sd_f > math.hypot(sample_sd, lag)


def test_highs_of_one_age_have_no_trend():
    pmf = climatology_pmf(highs_f=[70, 80] * 6, ages_days=[2] * 12)

    assert pmf.mean_f == pytest.approx(75)


def test_too_few_days_are_not_enough():
    with pytest.raises(DataUnavailable, match="9 official highs"):
        climatology_pmf(highs_f=[80] * 9, ages_days=range(1, 10))


@pytest.mark.parametrize("age", [0, -1])
def test_the_day_itself_and_the_future_are_refused(age):
    with pytest.raises(InvalidDataError, match="cannot be known"):
        climatology_pmf(highs_f=[80] * 12, ages_days=[age, *range(2, 13)])


@pytest.mark.parametrize("bad", [math.nan, -200.0])
def test_absurd_high_is_refused(bad):
    with pytest.raises(InvalidDataError):
        climatology_pmf(highs_f=[bad] + [80.0] * 11, ages_days=range(1, 13))


def test_very_old_highs_still_make_a_distribution():
    pmf = climatology_pmf(highs_f=[80] * 12, ages_days=range(100_000, 100_012))

    assert math.fsum(pmf.probabilities) == pytest.approx(1, abs=1e-12)
