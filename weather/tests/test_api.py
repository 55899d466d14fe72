from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from boz.core.tests.api_helpers import assert_queries_do_not_grow, client_of, make_user, rows
from weather.tests.factories import (
    DAY,
    ClimateReportFactory,
    ForecastFactory,
    ForecastSourceFactory,
    ObservationFactory,
    PayloadFactory,
    StationFactory,
    real_station,
)

pytestmark = pytest.mark.django_db

MAKE = {
    "stations": StationFactory,
    "forecast-sources": lambda: ForecastSourceFactory(
        code=f"s{ForecastSourceFactory._meta.model.objects.count()}"
    ),
    "payloads": PayloadFactory,
    "forecasts": ForecastFactory,
    "observations": ObservationFactory,
    "climate-reports": ClimateReportFactory,
}


@pytest.fixture
def reader():
    return client_of(make_user("reader"))


@pytest.mark.parametrize("path", MAKE)
def test_weather_needs_a_login_and_nothing_more(client, reader, path):
    MAKE[path]()

    assert client.get(f"/api/v1/{path}/").status_code in (401, 403)
    found = rows(reader, path)
    assert found
    assert reader.get(f"/api/v1/{path}/{found[0]['id']}/").json() == found[0]


@pytest.mark.parametrize("path", MAKE)
def test_lists_need_as_many_queries_for_many_rows_as_for_one(reader, path):
    MAKE[path]()

    assert_queries_do_not_grow(reader, path, lambda: [MAKE[path]() for _ in range(3)])


@pytest.mark.parametrize("path", MAKE)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_facts_from_outside_cannot_be_written(path, method):
    MAKE[path]()
    admin = client_of(make_user("root", is_superuser=True, is_staff=True))
    first = rows(admin, path)[0]["id"]

    assert getattr(admin, method)(f"/api/v1/{path}/{first}/", {}).status_code == 405
    assert admin.post(f"/api/v1/{path}/", {}).status_code == 405


def test_forecasts_are_filtered_by_station_day_and_moment_of_knowing(reader):
    new_york, miami = real_station("NY"), real_station("MIA")
    wanted = ForecastFactory(station=new_york, climate_day=DAY)
    ForecastFactory(station=new_york, climate_day=DAY + dt.timedelta(days=1))
    ForecastFactory(station=miami, climate_day=DAY)

    found = rows(reader, "forecasts", station="NY", climate_day_from=DAY, climate_day_to=DAY)
    assert [row["id"] for row in found] == [wanted.pk]
    assert found[0]["station"] == "NY"

    before = wanted.available_at - dt.timedelta(seconds=1)
    assert rows(reader, "forecasts", station="NY", climate_day=DAY, known_at=before) == []
    at = wanted.available_at
    assert len(rows(reader, "forecasts", station="NY", climate_day=DAY, known_at=at)) == 1


def test_a_filter_that_makes_no_sense_is_refused_with_its_name(reader):
    response = reader.get("/api/v1/forecasts/", {"climate_day": "tomorrow"})

    assert response.status_code == 400
    assert response.json()["error"] == "ValidationError"
    assert "climate_day" in response.json()["context"]


def test_the_body_of_a_payload_stays_inside(reader):
    payload = PayloadFactory(text="canary-body")

    answer = reader.get(f"/api/v1/payloads/{payload.pk}/").json()

    assert "body" not in answer
    assert answer["sha256"] == payload.sha256


def weather(reader, station, **params):
    return reader.get(f"/api/v1/stations/{station.pk}/weather/", params)


def test_the_weather_of_a_day_is_what_each_source_last_said(
    client, reader, django_assert_max_num_queries
):
    station, other = real_station("NY"), ForecastSourceFactory(code="other")
    issued = dt.datetime(2024, 11, 20, 1, tzinfo=dt.UTC)
    ForecastFactory(station=station, high_f=50.0, issued_at=issued)
    ForecastFactory(station=station, high_f=52.5, issued_at=issued + dt.timedelta(hours=3))
    ForecastFactory(station=station, source=other, high_f=0.0, issued_at=issued)
    ForecastFactory(station=real_station("MIA"), high_f=80.0, issued_at=issued)

    with django_assert_max_num_queries(3):
        response = weather(reader, station, day=DAY)

    assert response.status_code == 200
    told = response.json()
    assert [(item["source"], item["high_f"]) for item in told] == [
        ("nws-grid", 52.5),
        ("other", 0.0),
    ]
    assert (told[0]["city"], told[0]["climate_day"]) == ("NY", "2024-11-20")
    assert told[0]["issued_at"] == "2024-11-20T04:00:00Z"
    assert told[0]["variables"]["humidity_pct"] is None
    assert weather(client, station).status_code in (401, 403)


def test_without_a_day_the_weather_is_of_the_climate_day_that_runs_and_of_what_is_known(reader):
    station = real_station("NY")
    for days in (-1, 0, 1):
        ForecastFactory(
            station=station, climate_day=DAY + dt.timedelta(days=days), high_f=50.0 + days
        )
    # In New York's standard time the day still runs; by UTC it is over.
    late_evening = dt.datetime(2024, 11, 21, 4, 59, tzinfo=dt.UTC)
    ForecastFactory(
        station=station,
        high_f=99.0,
        issued_at=late_evening - dt.timedelta(hours=1),
        available_at=late_evening + dt.timedelta(seconds=1),
    )

    with time_machine.travel(late_evening, tick=False):
        told = weather(reader, station).json()

    assert [(item["climate_day"], item["high_f"]) for item in told] == [("2024-11-20", 50.0)]


def test_a_day_that_nobody_spoke_about_is_empty_and_one_that_is_no_date_is_refused(reader):
    station = real_station("NY")

    assert weather(reader, station, day=DAY).json() == []
    refused = weather(reader, station, day="tomorrow")
    assert refused.status_code == 400
    assert "day" in refused.json()["context"]
    assert reader.get("/api/v1/stations/0/weather/").status_code == 404
