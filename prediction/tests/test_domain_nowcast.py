from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.distribution import gaussian_pmf
from prediction.domain.nowcast import RISE_TABLE, condition_on_running_max, remaining_rise_pmf


@pytest.mark.parametrize(("hour", "p_none", "mean", "sd"), RISE_TABLE)
def test_rise_left_meets_the_table(hour, p_none, mean, sd):
    pmf = remaining_rise_pmf(running_max_f=70, hour_lst=hour)

    assert pmf.at(70) == pytest.approx(p_none, abs=1e-9)
    assert pmf.mean_f - 70 == pytest.approx(mean, abs=0.02)
    assert pmf.sd_f == pytest.approx(sd, abs=0.02)


def test_hourly_readings_alone_are_no_surer_at_night_than_at_eighteen():
    night = remaining_rise_pmf(running_max_f=70, hour_lst=23)

    assert night.at(70) == pytest.approx(0.676)


def test_evening_group_settles_most_of_the_doubt_once_it_can_be_there():
    evening = remaining_rise_pmf(running_max_f=70, hour_lst=19, evening_group_included=True)
    too_early = remaining_rise_pmf(running_max_f=70, hour_lst=15, evening_group_included=True)

    assert evening.at(70) == pytest.approx(0.962)
    assert evening.mean_f - 70 == pytest.approx(0.07, abs=0.01)
    assert too_early.at(70) == pytest.approx(0.453)


@settings(deadline=None)  # a busy machine is no failure
@given(hour=st.floats(8, 24), running_max=st.integers(-80, 140))
def test_rise_is_never_negative_at_any_hour(hour, running_max):
    pmf = remaining_rise_pmf(running_max_f=running_max, hour_lst=hour)

    assert pmf.cdf(running_max - 1) == 0
    assert abs(math.fsum(pmf.probabilities) - 1) <= 1e-12


def test_the_later_the_surer():
    surety = [remaining_rise_pmf(running_max_f=70, hour_lst=h / 2).at(70) for h in range(16, 48)]

    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(surety))


def test_before_eight_the_table_is_silent_and_only_the_bound_counts():
    pmf = gaussian_pmf(mean_f=75, sd_f=2.5)

    with pytest.raises(DataUnavailable):
        remaining_rise_pmf(running_max_f=60, hour_lst=7.9)
    early = condition_on_running_max(pmf, lower_bound_f=60, hour_lst=5)

    assert early.mean_f == pytest.approx(75, abs=1e-6)


@settings(deadline=None)  # a busy machine is no failure
@given(
    mean=st.floats(-20, 110),
    sd=st.floats(0.8, 8),
    bound=st.integers(-80, 140),
    hour=st.floats(0, 24),
)
def test_reached_degrees_are_certain_and_nothing_is_ever_undefined(mean, sd, bound, hour):
    after = condition_on_running_max(
        gaussian_pmf(mean_f=mean, sd_f=sd), lower_bound_f=bound, hour_lst=hour
    )

    assert after.cdf(bound - 1) == 0
    assert abs(math.fsum(after.probabilities) - 1) <= 1e-12
    assert all(p >= 0 for p in after.probabilities)


def test_evening_observations_outweigh_a_forecast_that_was_too_warm():
    forecast = gaussian_pmf(mean_f=80, sd_f=2.5)

    noon = condition_on_running_max(forecast, lower_bound_f=72, hour_lst=12)
    evening = condition_on_running_max(
        forecast, lower_bound_f=72, hour_lst=20, evening_group_included=True
    )

    assert noon.mean_f > 75
    assert evening.at(72) > 0.85
    assert evening.at(80) > 0


def test_station_outside_the_table_is_only_truncated():
    forecast = gaussian_pmf(mean_f=80, sd_f=2.5)

    after = condition_on_running_max(forecast, lower_bound_f=72, hour_lst=20, use_rise_table=False)

    assert after.mean_f == pytest.approx(80, abs=0.01)


def test_degrees_between_the_bound_and_the_estimate_stay_possible():
    after = condition_on_running_max(
        gaussian_pmf(mean_f=75, sd_f=2.5), lower_bound_f=72, running_max_f=73, hour_lst=20
    )

    assert after.at(71) == 0
    assert 0 < after.at(72) < after.at(73)


def test_an_uncertain_maximum_starts_the_rise_from_either_value():
    either = remaining_rise_pmf(
        running_max_f=73, lower_bound_f=72, hour_lst=20, evening_group_included=True
    )

    assert either.at(71) == 0
    assert either.at(72) == pytest.approx(0.962 / 2)
    assert either.at(72) < either.at(73) < 0.52


@pytest.mark.parametrize(("bound", "hour"), [(-200, 12), (70, -1), (70, 25), (70, math.nan)])
def test_absurd_bound_or_hour_is_refused(bound, hour):
    with pytest.raises(InvalidDataError):
        condition_on_running_max(
            gaussian_pmf(mean_f=70, sd_f=2), lower_bound_f=bound, hour_lst=hour
        )
