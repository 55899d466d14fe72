from __future__ import annotations

import datetime as dt
import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.day_so_far import SIGNS, DayState, Reading, day_state
from prediction.domain.remaining_rise import RiseModel, StationEffect, rise_pmf
from prediction.domain.usual_rise import moments_of, usual_rise
from prediction.priors.remaining_rise import shipped_rise_model, shipped_station_effect
from prediction.tests.day_readings import reports

DAY = dt.date(2024, 7, 15)
#: Hour LST, P(none), mean and spread of the rise left at ATL, MIA and ORD, as published with the
#: rule; the shipped model saw two stations and half a year more.
TABLE = (
    (8, 0.036, 9.98, 5.53),
    (10, 0.046, 6.34, 4.07),
    (11, 0.062, 4.59, 3.17),
    (12, 0.117, 3.15, 2.48),
    (13, 0.322, 1.75, 1.86),
    (14, 0.375, 1.20, 1.36),
    (15, 0.453, 0.78, 0.98),
    (16, 0.517, 0.61, 0.83),
)


def known_at(hour: float, high_f: float = 80.0, **changes) -> DayState:
    known = [item for item in reports(high_f, **changes) if item.hour_lst <= hour]
    return day_state(known, climate_day=DAY, usual_high_f=80.0)


def only_hour(hour: float, low_f: int = 70, **changes) -> DayState:
    return DayState(low_f, changes.pop("estimate_f", low_f), hour, **changes)


@pytest.mark.parametrize(("hour", "p_none", "mean", "sd"), TABLE)
def test_where_only_the_hour_is_known_the_usual_rise_is_near_the_published_one(
    hour, p_none, mean, sd
):
    pmf = rise_pmf(shipped_rise_model(), only_hour(hour - 0.13))

    assert pmf.at(70) == pytest.approx(p_none, abs=0.06)
    assert pmf.mean_f - 70 == pytest.approx(mean, rel=0.2)
    assert pmf.sd_f == pytest.approx(sd, rel=0.2)


def test_the_evening_groups_settle_most_of_the_doubt_once_they_can_be_there():
    """P(none) is .962 when the 00Z group is in, .676 or less without."""
    model = shipped_rise_model()
    with_groups = rise_pmf(model, only_hour(19.0, afternoon_covered=True))
    without = rise_pmf(model, only_hour(19.0))
    too_early = rise_pmf(model, only_hour(15.0, afternoon_covered=True))

    assert with_groups.at(70) == pytest.approx(0.962, abs=0.02)
    assert without.at(70) < 0.72
    assert too_early.at(70) == pytest.approx(rise_pmf(model, only_hour(15.0)).at(70))


def test_whole_days_with_groups_end_nearly_sure():
    assert rise_pmf(shipped_rise_model(), known_at(22)).at(80) > 0.9


def test_the_later_the_narrower_on_average():
    model = shipped_rise_model()
    spreads = [
        np.mean(
            [rise_pmf(model, known_at(hour, high, peak=15.5)).sd_f for high in range(60, 96, 5)]
        )
        for hour in (4, 8, 10, 12, 14, 16, 20)
    ]

    assert all(later < earlier for earlier, later in itertools.pairwise(spreads))


@pytest.mark.parametrize("hour", [11, 13, 14])
def test_a_rising_temperature_leaves_more_rise_than_a_falling_one(hour):
    """The same maximum: reached just now on the way up, or an hour ago on the way down."""
    up = [Reading(hour - 3.13 + step, 74 + 2 * step, 74 + 2 * step) for step in range(4)]
    down = [Reading(hour - 3.13 + step, temp, temp) for step, temp in enumerate((78, 80, 79, 77))]
    model = shipped_rise_model()
    rising, falling = (
        rise_pmf(model, day_state(readings, climate_day=DAY, usual_high_f=85.0))
        for readings in (up, down)
    )

    assert rising.mean_f > falling.mean_f + 0.3


@settings(deadline=None, max_examples=150)  # a busy machine is no failure
@given(
    readings=st.lists(
        st.builds(
            lambda hour, low, width, group: Reading(hour, low, low + width, group),
            st.floats(0, 24),
            st.integers(-40, 120),
            st.integers(0, 1),
            st.one_of(st.none(), st.integers(-40, 120)),
        ),
        min_size=1,
        max_size=24,
    ),
    usual=st.one_of(st.none(), st.floats(-40, 120)),
    city=st.sampled_from(["MIA", "NY"]),
)
def test_it_is_always_a_distribution_above_the_bound_without_a_gap(readings, usual, city):
    state = day_state(readings, climate_day=DAY, usual_high_f=usual)
    pmf = rise_pmf(shipped_rise_model(), state, station_effect=shipped_station_effect(city))

    assert abs(math.fsum(pmf.probabilities) - 1) <= 1e-12
    assert pmf.cdf(state.low_f - 1) == 0
    assert all(pmf.at(state.low_f + rise) > 0 for rise in range(61))


def test_both_meanings_of_an_inexact_maximum_stay_possible():
    state = only_hour(20.0, 72, estimate_f=73, afternoon_covered=True)
    pmf = rise_pmf(shipped_rise_model(), state)

    assert pmf.at(71) == 0
    assert 0.4 < pmf.at(72) < pmf.at(73) < 0.55


def test_a_margin_below_the_estimate_counts_little():
    pmf = rise_pmf(shipped_rise_model(), only_hour(20.0, 71, estimate_f=73, afternoon_covered=True))

    assert 0 < pmf.at(71) < 0.1 < pmf.at(72)


def test_without_a_reading_there_is_no_rise_to_count():
    with pytest.raises(DataUnavailable):
        rise_pmf(shipped_rise_model(), DayState(70, 70))


def test_an_unknown_station_and_few_own_days_widen_the_answer():
    model, state = shipped_rise_model(), known_at(11)
    zero = np.zeros((24, 4))
    stranger, new, known = (
        rise_pmf(model, state, station_effect=effect).sd_f
        for effect in (None, StationEffect(zero, 10), StationEffect(zero, 1000))
    )

    assert stranger > new > known


def test_the_shipped_prior_loads_once_and_knows_its_cities():
    assert shipped_rise_model() is shipped_rise_model()
    assert shipped_station_effect("MIA").n_days > 900
    assert shipped_station_effect("NY") is None


def test_a_model_survives_json_bit_for_bit():
    model = shipped_rise_model()
    again = RiseModel.from_json(json.loads(json.dumps(model.as_json())))
    before, after = (rise_pmf(item, known_at(12)) for item in (model, again))

    assert np.array_equal(before.probabilities, after.probabilities)


@pytest.mark.parametrize(
    "change",
    [
        {"signs": list(SIGNS[1:])},
        {"spread": [1.0] * 23},
        {"spread": [0.0] * 24},
        {"unit": [math.nan] * 24},
    ],
)
def test_a_model_of_another_make_is_refused(change):
    with pytest.raises(InvalidDataError):
        RiseModel.from_json({**shipped_rise_model().as_json(), **change})


def test_a_model_that_lacks_a_part_is_refused():
    stored = shipped_rise_model().as_json()
    del stored["hazard"]

    with pytest.raises(InvalidDataError, match="hazard"):
        RiseModel.from_json(stored)


@pytest.mark.parametrize("bad", [{}, {"coefficients": [[0.0]], "n_days": 3}])
def test_a_broken_station_effect_is_refused(bad):
    with pytest.raises(InvalidDataError):
        StationEffect.from_json(bad)


@settings(deadline=None)
@given(st.floats(0.01, 0.99), st.floats(0.01, 12), st.floats(0.05, 8))
def test_the_usual_rise_is_a_distribution(p_none, mean, sd):
    found = usual_rise(np.array([p_none, mean, sd]), size=61)

    assert math.fsum(found) == pytest.approx(1.0, abs=1e-9)
    assert (found >= 0).all()
    assert found[0] == pytest.approx(p_none)


def test_moments_never_hold_a_rise_or_none_for_impossible():
    assert 0 < moments_of(np.zeros(50))[0] < 1
    assert 0 < moments_of(np.full(50, 4.0))[0] < 1


def test_a_negative_rise_has_no_moments():
    with pytest.raises(InvalidDataError):
        moments_of(np.array([-1.0]))
