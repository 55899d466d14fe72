from __future__ import annotations

import datetime as dt

import pytest

from boz.core.errors import DataUnavailable
from prediction.models import EngineFit
from prediction.services.fit import fit_all, fit_station
from prediction.tests.factories import (
    DAY,
    EVENING_BEFORE,
    make_history,
    make_verified_days,
)
from weather.models import Station
from weather.sources import NWS_GRID
from weather.tests.factories import ForecastFactory, real_station

pytestmark = pytest.mark.django_db


def learned(fit: EngineFit) -> dict:
    return fit.parameters["sources"][NWS_GRID]


def test_bias_and_spread_are_learned_per_source():
    station = make_history(bias_f=2.0)

    fit = fit_station(station=station, as_of=EVENING_BEFORE)

    assert learned(fit)["bias_f"] == pytest.approx(1.35, abs=0.4), "shrunk towards none"
    assert 1.0 < learned(fit)["sd_f"] < 3.0
    assert learned(fit)["n_train"] == fit.n_train == 79
    assert fit.window_end == DAY - dt.timedelta(days=2), "yesterday's report is not out yet"
    assert fit.window_start == DAY - dt.timedelta(days=80)


def test_spread_by_lead_grows_with_lead():
    fit = fit_station(station=make_history(), as_of=EVENING_BEFORE)
    by_lead = list(learned(fit)["sd_by_lead_f"].values())

    assert by_lead == sorted(by_lead)
    assert by_lead[-1] > by_lead[0]


def test_the_same_moment_is_fitted_once():
    station = make_history()

    first = fit_station(station=station, as_of=EVENING_BEFORE)
    second = fit_station(station=station, as_of=EVENING_BEFORE)

    assert first == second
    assert EngineFit.objects.count() == 1


def test_versions_count_up():
    station = make_history()

    versions = [
        fit_station(station=station, as_of=EVENING_BEFORE + dt.timedelta(days=days)).version
        for days in (0, 1, 2)
    ]

    assert versions == [1, 2, 3]


def test_canary_errors_known_later_are_not_learned_from():
    station = make_history(until=DAY)
    before = fit_station(station=station, as_of=EVENING_BEFORE)
    later = EVENING_BEFORE + dt.timedelta(days=12)
    EngineFit.objects.all().delete()

    make_history(station, days=10, until=DAY + dt.timedelta(days=10), bias_f=12.0)
    after = fit_station(station=station, as_of=EVENING_BEFORE)
    moved_on = fit_station(station=station, as_of=later)

    assert after.parameters == before.parameters
    assert learned(moved_on)["bias_f"] > learned(before)["bias_f"] + 0.5


def test_a_forecast_fetched_after_the_peak_is_no_training_row():
    station = make_history()
    before = fit_station(station=station, as_of=EVENING_BEFORE)
    EngineFit.objects.all().delete()
    yesterday = DAY - dt.timedelta(days=1)
    start, _ = station.climate_day_bounds(yesterday)

    ForecastFactory(
        station=station,
        climate_day=yesterday,
        high_f=99.0,
        issued_at=start + dt.timedelta(hours=9),
        available_at=start + dt.timedelta(hours=15),
    )

    assert fit_station(station=station, as_of=EVENING_BEFORE).parameters == before.parameters


def test_no_errors_is_a_typed_error():
    with pytest.raises(DataUnavailable, match="MIA"):
        fit_station(station=real_station("MIA"), as_of=EVENING_BEFORE)


def test_fit_all_leaves_out_stations_without_errors_and_says_why():
    make_history()

    result = fit_all(now=EVENING_BEFORE)

    active = Station.objects.filter(is_active=True).count()
    assert result.done == {"fitted": 1}
    assert len(result.skipped) == active - 1
    assert all("nothing to learn" in item.reason for item in result.skipped)


def test_track_record_counts_only_verifications_known_then():
    station = make_history(days=40)
    make_verified_days(5)

    before, after = (
        fit_station(station=station, as_of=moment).scores["track_record"]["n"]
        for moment in (EVENING_BEFORE - dt.timedelta(days=3), EVENING_BEFORE)
    )

    assert (before, after) == (1, 4)
