from __future__ import annotations

import datetime as dt

import pytest

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
