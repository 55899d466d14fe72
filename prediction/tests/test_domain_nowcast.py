from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prediction.domain.day_so_far import DayState, Reading, day_state
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.nowcast import condition_on_day
from prediction.domain.remaining_rise import rise_pmf
from prediction.priors.remaining_rise import shipped_rise_model


def after(forecast, low_f, hour, **changes):
    state = DayState(low_f, changes.pop("estimate_f", low_f), hour, **changes)
    return condition_on_day(forecast, state=state, model=shipped_rise_model())


def test_a_bound_without_a_reading_only_cuts():
    forecast = gaussian_pmf(mean_f=75, sd_f=2.5)

    assert after(forecast, 60, None).mean_f == pytest.approx(75, abs=1e-6)
    assert after(forecast, 76, None).cdf(75) == 0


def test_a_cold_dawn_says_little_against_a_sharp_forecast():
    early = after(gaussian_pmf(mean_f=75, sd_f=2.5), 60, 5.0)

    assert early.mean_f == pytest.approx(75, abs=1.5)


@settings(deadline=None)  # a busy machine is no failure
@given(
    mean=st.floats(-20, 110),
    sd=st.floats(0.8, 12),
    bound=st.integers(-80, 138),
    above=st.integers(0, 2),
    hour=st.one_of(st.none(), st.floats(0, 24)),
    covered=st.booleans(),
)
def test_reached_degrees_are_certain_and_nothing_is_ever_undefined(
    mean, sd, bound, above, hour, covered
):
    found = after(
        gaussian_pmf(mean_f=mean, sd_f=sd),
        bound,
        hour,
        estimate_f=bound + above,
        afternoon_covered=covered,
    )

    assert found.cdf(bound - 1) == 0
    assert abs(math.fsum(found.probabilities) - 1) <= 1e-12
    assert all(found.at(degree) > 0 for degree in range(bound, min(bound + 20, 140)))


def test_evening_observations_outweigh_a_forecast_that_was_too_warm():
    forecast = gaussian_pmf(mean_f=80, sd_f=2.5)

    noon = after(forecast, 72, 12.0)
    evening = after(forecast, 72, 20.0, afternoon_covered=True)

    assert noon.mean_f > 75
    assert evening.at(72) > 0.85
    assert evening.at(80) > 0


def test_both_sides_together_know_more_than_either():
    forecast = gaussian_pmf(mean_f=76, sd_f=2.5)
    observed = rise_pmf(shipped_rise_model(), DayState(72, 72, 12.0))
    both = after(forecast, 72, 12.0)

    assert both.sd_f < min(forecast.sd_f, observed.sd_f)


def test_a_wide_belief_hardly_moves_what_was_observed():
    observed = rise_pmf(shipped_rise_model(), DayState(72, 72, 13.0))
    both = after(gaussian_pmf(mean_f=76, sd_f=12), 72, 13.0)

    assert both.mean_f == pytest.approx(observed.mean_f, abs=0.4)


def test_a_refuted_forecast_leaves_the_observations_alone():
    """60 ± 2.5 said, 75 reached at noon: the forecast's steep tail must not hold the rise down."""
    observed = rise_pmf(shipped_rise_model(), DayState(75, 75, 12.0))
    both = after(gaussian_pmf(mean_f=60, sd_f=2.5), 75, 12.0)

    assert both.mean_f == pytest.approx(observed.mean_f, abs=0.3)


@pytest.mark.parametrize("forecast_f", [45, 50, 54])
def test_a_maximum_of_midnight_does_not_refute_a_colder_forecast(forecast_f):
    """Behind a cold front: 60 at 01, 50 said for the afternoon. No rise to 67 is to come."""
    found = after(gaussian_pmf(mean_f=forecast_f, sd_f=2.5), 60, 1.0)

    assert found.mean_f == pytest.approx(61, abs=1)
    assert found.cdf(62) > 0.7
    assert found.at(66) > 0.001


def test_a_maximum_of_midnight_stands_while_it_grows_colder():
    falling = [60, 58, 56, 54, 51, 49, 47, 46, 45]
    readings = [Reading(hour + 0.9, temp, temp) for hour, temp in enumerate(falling)]
    state = day_state(readings, climate_day=dt.date(2024, 1, 20), usual_high_f=55.0)
    assert state is not None

    found = condition_on_day(
        gaussian_pmf(mean_f=48, sd_f=2.5), state=state, model=shipped_rise_model()
    )

    assert found.at(60) + found.at(61) > 0.85


def test_a_warmer_forecast_at_midnight_is_heard_as_ever():
    found = after(gaussian_pmf(mean_f=70, sd_f=2.5), 60, 1.0)

    assert found.mean_f == pytest.approx(70, abs=1)
    assert found.at(60) < 0.001


def test_degrees_between_the_bound_and_the_estimate_stay_possible():
    found = after(gaussian_pmf(mean_f=75, sd_f=2.5), 72, 20.0, estimate_f=73)

    assert found.at(71) == 0
    assert 0 < found.at(72) < found.at(73)
