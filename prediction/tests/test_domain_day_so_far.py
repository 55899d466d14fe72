from __future__ import annotations

import datetime as dt
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from prediction.domain.day_so_far import SIGNS, DayState, Reading, day_state, usual_high
from prediction.tests.day_readings import reports

DAY = dt.date(2024, 7, 15)


def sign(state: DayState, name: str) -> float:
    return state.signs[SIGNS.index(name)]


def test_a_day_without_any_reading_has_no_state():
    assert day_state([], climate_day=DAY) is None


def test_a_proven_bound_without_a_reading_has_no_hour():
    state = day_state([], climate_day=DAY, low_f=70)

    assert (state.low_f, state.estimate_f, state.hour_lst, state.signs) == (70, 70, None, ())


def test_bound_and_estimate_are_the_ends_of_the_interval():
    """26 °C is 78 or 79 °F."""
    state = day_state([Reading(10, 75, 75), Reading(11, 78, 79)], climate_day=DAY)

    assert (state.low_f, state.estimate_f) == (78, 79)


def test_a_group_says_which_value_was_meant():
    state = day_state([Reading(11, 78, 79), Reading(12.5, 77, 77, 78)], climate_day=DAY)

    assert (state.low_f, state.estimate_f) == (78, 78)


def test_a_group_that_began_before_the_day_proves_nothing():
    state = day_state([Reading(5.85, 60, 60, 75), Reading(7, 61, 61)], climate_day=DAY)

    assert (state.low_f, state.estimate_f) == (61, 61)


def test_what_else_is_proven_stands_alone():
    """A five-minute value of 78 proves 77 only; the caller has taken that off."""
    state = day_state([Reading(11, 78, 78)], climate_day=DAY, low_f=77, estimate_f=78)

    assert (state.low_f, state.estimate_f) == (77, 78)


def test_signs_of_a_falling_evening():
    state = day_state(reports(80.0), climate_day=DAY)

    assert sign(state, "below_max") < -5
    assert sign(state, "change_1h") <= 0
    assert sign(state, "change_3h") < 0
    assert sign(state, "hours_since_max") == pytest.approx(9, abs=1.1)
    assert state.afternoon_covered


def test_signs_of_a_rising_morning():
    morning = [item for item in reports(80.0) if item.hour_lst <= 11]
    state = day_state(morning, climate_day=DAY)

    assert sign(state, "below_max") == 0
    assert sign(state, "change_3h") > 3
    assert not state.afternoon_covered
    assert math.isnan(sign(state, "after_max"))
    assert math.isnan(sign(state, "anomaly"))


def test_no_temperature_is_made_up_across_an_outage():
    state = day_state([Reading(8, 60, 60), Reading(14, 75, 75)], climate_day=DAY)

    assert math.isnan(sign(state, "change_1h"))
    assert math.isnan(sign(state, "change_3h"))


def test_the_order_of_the_reports_does_not_matter():
    mixed = list(reports(80.0))
    random.Random(1).shuffle(mixed)

    assert day_state(mixed, climate_day=DAY, usual_high_f=78.0) == day_state(
        reports(80.0), climate_day=DAY, usual_high_f=78.0
    )


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(
        st.builds(
            lambda hour, low, width, group: Reading(hour, low, low + width, group),
            st.floats(0, 24),
            st.integers(-40, 120),
            st.integers(0, 2),
            st.one_of(st.none(), st.integers(-40, 120)),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_the_bound_is_never_above_what_some_report_proves(readings):
    state = day_state(readings, climate_day=DAY)
    proofs = [item.low_f for item in readings]
    proofs += [item.max_6h_f for item in readings if item.max_6h_f is not None]

    assert max(item.low_f for item in readings) <= state.low_f <= max(proofs)
    assert state.low_f <= state.estimate_f
    assert len(state.signs) == len(SIGNS)
    assert not any(math.isinf(value) for value in state.signs)


@pytest.mark.parametrize(
    "bad",
    [
        {"hour_lst": math.nan},
        {"hour_lst": -0.1},
        {"hour_lst": 24.1},
        {"low_f": 400, "high_f": 400},
        {"low_f": 71, "high_f": 70},
        {"max_6h_f": -200},
    ],
)
def test_an_absurd_reading_is_refused(bad):
    with pytest.raises(InvalidDataError):
        Reading(**{"hour_lst": 12.0, "low_f": 70, "high_f": 70, **bad})


@pytest.mark.parametrize(
    "bad",
    [
        {"low_f": 400, "estimate_f": 400},
        {"estimate_f": 69},
        {"hour_lst": math.nan},
        {"hour_lst": 25.0},
        {"signs": (1.0,)},
    ],
)
def test_an_absurd_state_is_refused(bad):
    with pytest.raises(InvalidDataError):
        DayState(**{"low_f": 70, "estimate_f": 70, "hour_lst": 12.0, **bad})


def test_the_usual_high_never_looks_at_yesterday_or_today():
    highs = {DAY - dt.timedelta(days=age): 80 for age in range(2, 23)}
    near = {DAY: 120, DAY - dt.timedelta(days=1): 120}

    assert usual_high({**highs, **near}, climate_day=DAY) == 80.0


def test_few_highs_make_no_usual_one():
    highs = {DAY - dt.timedelta(days=age): 80 for age in range(2, 8)}

    assert usual_high(highs, climate_day=DAY) is None
