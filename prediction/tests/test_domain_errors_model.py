from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from prediction.domain.errors_model import MIN_SD_F, prior_sd_f


@pytest.mark.parametrize(("lead", "fitted"), [(18.5, 2.34), (28, 2.65), (52, 3.13)])
def test_prior_spread_meets_the_fitted_spreads_over_the_year(lead, fitted):
    mean = math.fsum(prior_sd_f(lead_hours=lead, month=month) for month in range(1, 13)) / 12

    assert mean == pytest.approx(fitted, abs=0.03)


def test_winters_are_harder_than_summers():
    """137 cities, evening before, CRPS-minimal spread: February 3.2, July 2.2 °F."""
    assert prior_sd_f(lead_hours=28, month=2) == pytest.approx(3.1, abs=0.1)
    assert prior_sd_f(lead_hours=28, month=7) == pytest.approx(2.2, abs=0.1)


@settings(deadline=None)  # a busy machine is no failure
@given(lead=st.floats(1, 200), more=st.floats(0.5, 100), month=st.integers(1, 12))
def test_prior_spread_rises_with_lead(lead, more, month):
    near, far = (
        prior_sd_f(lead_hours=lead, month=month),
        prior_sd_f(lead_hours=lead + more, month=month),
    )

    assert near < far
    assert near >= MIN_SD_F


@pytest.mark.parametrize("lead", [-5.0, 0.0, 1.0])
def test_a_day_that_is_over_has_the_spread_of_its_last_hour(lead):
    assert prior_sd_f(lead_hours=lead, month=6) == prior_sd_f(lead_hours=1.0, month=6)


@pytest.mark.parametrize(("lead", "month"), [(math.nan, 1), (28, 0), (28, 13)])
def test_senseless_lead_or_month_is_refused(lead, month):
    with pytest.raises(InvalidDataError):
        prior_sd_f(lead_hours=lead, month=month)
