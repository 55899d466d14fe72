from __future__ import annotations

import datetime as dt
import math

import pytest

from prediction.domain.horizons import Horizon
from prediction.selectors import AccuracyScope, source_accuracy
from prediction.tests.accuracy_worlds import (
    LAST_DAY,
    NOW,
    days_until,
    forecast_high,
    report_high,
)
from weather.models import Station
from weather.tests.factories import real_station

pytestmark = pytest.mark.django_db
SCOPE = AccuracyScope(as_of=NOW)


@pytest.fixture
def new_york() -> Station:
    return real_station("NY")


def test_errors_are_those_of_what_stood_at_the_reference_moment(new_york):
    one, two = days_until(LAST_DAY, 2)
    for day, evening, morning in ((one, 53.0, 54.0), (two, 58.0, 55.5)):
        report_high(day, 55, new_york)
        forecast_high(day, evening, lead_hours=30, station=new_york)
        forecast_high(day, morning, lead_hours=15, station=new_york)
        forecast_high(day, 55.0, lead_hours=2, station=new_york)

    told = {item.horizon: item for item in source_accuracy(SCOPE)}

    assert list(told) == [Horizon.EVENING, Horizon.MORNING]
    evening, morning = told[Horizon.EVENING], told[Horizon.MORNING]
    # Errors -2 and +3; then -1 and +0.5.
    assert (evening.cases, evening.days) == (2, 2)
    assert (evening.bias_f, evening.mae_f) == (pytest.approx(0.5), pytest.approx(2.5))
    assert evening.rmse_f == pytest.approx(math.sqrt(6.5))
    assert (morning.bias_f, morning.mae_f) == (pytest.approx(-0.25), pytest.approx(0.75))


def test_sources_are_ordered_by_their_error(new_york):
    report_high(LAST_DAY, 55, new_york)
    forecast_high(LAST_DAY, 58.0, lead_hours=30, station=new_york, source="gfs")
    forecast_high(LAST_DAY, 54.0, lead_hours=30, station=new_york, source="nws-grid")

    told = source_accuracy(SCOPE, horizons=(Horizon.EVENING,))

    assert [item.source for item in told] == ["nws-grid", "gfs"]


def test_all_stations_are_taken_together_and_one_alone(new_york):
    miami = real_station("MIA")
    for station, high in ((new_york, 56.0), (miami, 53.0)):
        report_high(LAST_DAY, 55, station)
        forecast_high(LAST_DAY, high, lead_hours=30, station=station)

    (both,) = source_accuracy(SCOPE, horizons=(Horizon.EVENING,))
    (alone,) = source_accuracy(AccuracyScope(as_of=NOW, station=miami), horizons=(Horizon.EVENING,))

    assert (both.cases, both.days, both.bias_f) == (2, 1, pytest.approx(-0.5))
    assert (alone.cases, alone.bias_f) == (1, pytest.approx(-2.0))


def test_an_unfinished_day_and_a_day_before_the_window_count_nothing(new_york):
    old = NOW.date() - dt.timedelta(days=31)
    report_high(old, 55, new_york)
    forecast_high(old, 56.0, lead_hours=30, station=new_york)
    forecast_high(LAST_DAY, 56.0, lead_hours=30, station=new_york)

    assert source_accuracy(AccuracyScope(as_of=NOW, window_days=30)) == []
    assert len(source_accuracy(AccuracyScope(as_of=NOW, window_days=31))) > 0


def test_the_afternoon_is_not_asked_about(new_york):
    report_high(LAST_DAY, 55, new_york)
    forecast_high(LAST_DAY, 56.0, lead_hours=30, station=new_york)

    assert source_accuracy(SCOPE, horizons=(Horizon.AFTERNOON,)) == []
