from __future__ import annotations

import datetime as dt

import pytest

from boz.core.errors import DataUnavailable, StaleDataError
from weather.models import SourceContact
from weather.selectors import fresh_forecasts, fresh_observation
from weather.tests.factories import (
    DAY,
    ForecastFactory,
    ForecastSourceFactory,
    ObservationFactory,
    StationFactory,
)

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 11, 20, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def fresh(station, as_of=NOW, **options):
    return fresh_forecasts(station=station, climate_day=DAY, as_of=as_of, **options)


def heard(source, station, at):
    SourceContact.objects.create(source=source, at=at, answered=[station.code])


@pytest.mark.parametrize(("age", "is_fresh"), [(89, True), (90, True), (91, False)])
def test_a_forecast_is_stale_after_ninety_minutes(age, is_fresh):
    forecast = ForecastFactory(available_at=NOW - age * MINUTE)

    if is_fresh:
        assert fresh(forecast.station) == [forecast]
        return
    with pytest.raises(StaleDataError, match="91 minutes old; 90 are allowed") as caught:
        fresh(forecast.station)
    assert caught.value.context["station"] == forecast.station.code
    assert caught.value.context["source"] == "nws-grid"


def test_a_source_that_still_answers_keeps_its_old_forecast_fresh():
    forecast = ForecastFactory(available_at=NOW - 600 * MINUTE)
    heard(forecast.source, forecast.station, NOW - 10 * MINUTE)

    assert fresh(forecast.station) == [forecast]


def test_an_answer_for_another_station_or_of_another_source_keeps_nothing_fresh():
    forecast = ForecastFactory(available_at=NOW - 600 * MINUTE)
    heard(forecast.source, StationFactory(), NOW - 10 * MINUTE)
    heard(ForecastSourceFactory(code="gfs"), forecast.station, NOW - 10 * MINUTE)

    with pytest.raises(StaleDataError):
        fresh(forecast.station)


def test_an_answer_of_the_future_keeps_nothing_fresh():
    forecast = ForecastFactory(available_at=NOW - 600 * MINUTE)
    heard(forecast.source, forecast.station, NOW + MINUTE)

    with pytest.raises(StaleDataError):
        fresh(forecast.station)


def test_a_silent_source_is_left_out_beside_one_that_speaks():
    old = ForecastFactory(available_at=NOW - 600 * MINUTE)
    new = ForecastFactory(
        station=old.station,
        source=ForecastSourceFactory(code="gfs"),
        available_at=NOW - MINUTE,
    )

    assert fresh(old.station) == [new]


def test_no_forecast_at_all_is_not_called_stale():
    with pytest.raises(DataUnavailable, match="There is no forecast") as caught:
        fresh(StationFactory())

    assert not isinstance(caught.value, StaleDataError)


@pytest.mark.parametrize(("age", "is_fresh"), [(75, True), (76, False)])
def test_an_observation_is_stale_after_seventy_five_minutes(age, is_fresh):
    report = ObservationFactory(observed_at=NOW - age * MINUTE)

    if is_fresh:
        assert fresh_observation(station=report.station, as_of=NOW) == report
        return
    with pytest.raises(StaleDataError, match="76 minutes old; 75 are allowed"):
        fresh_observation(station=report.station, as_of=NOW)


def test_an_observation_that_was_not_known_yet_does_not_count():
    report = ObservationFactory(observed_at=NOW - 5 * MINUTE, available_at=NOW + MINUTE)

    with pytest.raises(DataUnavailable, match="has reported nothing"):
        fresh_observation(station=report.station, as_of=NOW)


def test_the_age_of_twenty_sources_takes_as_many_queries_as_that_of_one(
    django_assert_num_queries,
):
    station = StationFactory()
    for number in range(20):
        source = ForecastSourceFactory(code=f"model-{number}")
        ForecastFactory(station=station, source=source, available_at=NOW - 300 * MINUTE)
        heard(source, station, NOW - MINUTE)

    with django_assert_num_queries(2):
        assert len(fresh(station)) == 20
