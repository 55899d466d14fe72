from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from prediction.domain.day_so_far import DayState, Reading, day_state
from prediction.domain.opening_maximum import with_unseen_midnight
from prediction.domain.remaining_rise import rise_pmf
from prediction.priors.remaining_rise import shipped_rise_model

DAY = dt.date(2024, 1, 20)
FALLING = (60, 58, 57, 55, 53, 52, 50, 49, 48, 48, 47, 47, 46, 46, 45, 44, 43, 42, 41, 40, 39)


def state_of(temps, *, first_hour=0.87, **changes) -> DayState:
    readings = [
        Reading(first_hour + place, temp, temp, temps[place - 6] if place in (11, 17) else None)
        for place, temp in enumerate(temps)
    ]
    found = day_state(readings, climate_day=DAY, usual_high_f=55.0, **changes)
    assert found is not None
    return found


def no_rise() -> np.ndarray:
    return np.array([1.0, 0.0, 0.0, 0.0])


def changed(state: DayState) -> list[float]:
    assert state.hour_lst is not None
    return with_unseen_midnight(no_rise(), state, state.hour_lst).tolist()


def test_an_evening_after_a_front_leaves_open_what_midnight_was():
    """34 of 68 such days ended where the first report stood, 17 a degree above, 11 two, 6 three."""
    found = rise_pmf(shipped_rise_model(), state_of(FALLING))

    assert found.at(60) == pytest.approx(34 / 68, abs=0.15)
    assert found.at(61) == pytest.approx(17 / 68, abs=0.15)
    assert found.at(62) == pytest.approx(11 / 68, abs=0.15)
    assert 1.0 - found.cdf(62) == pytest.approx(6 / 68, abs=0.05)


def test_other_days_are_left_alone():
    noon = (50, 49, 48, 48, 49, 51, 54, 57, 60, 59)

    assert changed(state_of(noon)) == no_rise().tolist()
    assert changed(DayState(60, 60, 21.0)) == no_rise().tolist()


def test_a_maximum_known_from_elsewhere_leaves_nothing_open():
    assert changed(state_of(FALLING, estimate_f=62)) == no_rise().tolist()


def test_a_report_of_the_whole_day_so_far_leaves_nothing_open():
    """A climate report or a daily summary saw midnight too."""
    assert changed(state_of(FALLING, start_covered=True)) == no_rise().tolist()


def test_a_faster_fall_and_a_later_first_report_leave_more_open():
    slow, fast = changed(state_of((60, 59, 58))), changed(state_of((60, 56, 52)))
    at_midnight = changed(state_of((60, 59, 58), first_hour=0.0))

    assert fast[0] < slow[0] < 0.8
    assert at_midnight == no_rise().tolist()


def test_the_warmer_of_both_is_the_high():
    """A coming rise of two degrees hides anything smaller that midnight may have been."""
    state = state_of((60, 59))
    assert state.hour_lst is not None

    found = with_unseen_midnight(np.array([0.0, 0.0, 1.0, 0.0]), state, state.hour_lst)

    assert found[:2].tolist() == [0.0, 0.0]
    assert found[2] > 0.9
    assert found[3] > 0


@pytest.mark.parametrize("hours", [1, 2, 12, 21])
def test_it_stays_a_distribution(hours):
    found = rise_pmf(shipped_rise_model(), state_of(FALLING[:hours]))

    assert found.probabilities.sum() == pytest.approx(1.0, abs=1e-12)
    assert found.cdf(59) == 0
    assert (found.probabilities > 0).all()
