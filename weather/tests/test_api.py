from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from boz.core.tests.api_helpers import assert_queries_do_not_grow, client_of, make_user, rows
from weather.tests.factories import (
    DAY,
    ClimateReportFactory,
    DailySummaryFactory,
    ForecastFactory,
    ForecastSourceFactory,
    HistoryChunkFactory,
    ObservationFactory,
    PayloadFactory,
    RefusalFactory,
    SourceContactFactory,
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
    "daily-summaries": DailySummaryFactory,
    "source-contacts": SourceContactFactory,
    "refusals": RefusalFactory,
    "history-chunks": HistoryChunkFactory,
}
SAID = ("forecasts", "observations", "climate-reports", "daily-summaries")


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


@pytest.mark.parametrize("path", SAID)
def test_a_withdrawn_row_is_shown_with_its_reason_and_is_known_only_before(reader, path):
    row, other = MAKE[path](), MAKE[path]()
    moment = row.available_at + dt.timedelta(hours=1)
    type(row).objects.filter(pk=row.pk).update(withdrawn_at=moment, withdrawn_because="Broken.")

    shown = {item["id"]: item for item in rows(reader, path)}
    assert shown[row.pk]["withdrawn_because"] == "Broken."
    assert shown[row.pk]["withdrawn_at"] is not None
    assert shown[other.pk]["withdrawn_at"] is None
    assert [item["id"] for item in rows(reader, path, is_withdrawn="true")] == [row.pk]
    assert [item["id"] for item in rows(reader, path, is_withdrawn="false")] == [other.pk]
    before = moment - dt.timedelta(seconds=1)
    assert len(rows(reader, path, known_at=before)) == 2
    assert [item["id"] for item in rows(reader, path, known_at=moment)] == [other.pk]


def test_a_forecast_brings_its_spread_and_its_model_run(reader):
    run = dt.datetime(2024, 11, 19, 18, tzinfo=dt.UTC)
    row = ForecastFactory(
        member_highs_f=[0.0, 1.5], sd_f=0.0, quantiles_f=[[0.1, -2.0], [0.9, 0.0]], model_run_at=run
    )
    ForecastFactory()

    (told,) = rows(reader, "forecasts", model_run_from=run, model_run_to=run)

    assert told["id"] == row.pk
    assert (told["member_highs_f"], told["sd_f"]) == ([0.0, 1.5], 0.0)
    assert told["quantiles_f"] == [[0.1, -2.0], [0.9, 0.0]]


def test_a_source_says_why_it_is_paused(reader):
    pause = dt.datetime(2024, 11, 20, 13, tzinfo=dt.UTC)
    source = ForecastSourceFactory()
    source.status, source.status_reason = "down", "No good answer."
    source.paused_until, source.lag_minutes, source.null_share = pause, 0, 0.0
    source.newest_issue_at = pause
    source.save()

    (told,) = rows(reader, "forecast-sources", code=source.code)

    assert (told["status"], told["status_reason"]) == ("down", "No good answer.")
    assert (told["paused_until"], told["newest_issue_at"]) == ("2024-11-20T13:00:00Z",) * 2
    assert (told["lag_minutes"], told["null_share"]) == (0, 0.0)


def test_contacts_and_refusals_are_filtered_by_source_and_time(reader):
    early = SourceContactFactory()
    SourceContactFactory(source=ForecastSourceFactory(code="other"))
    SourceContactFactory(at=early.at + dt.timedelta(hours=1))
    refusal = RefusalFactory()
    RefusalFactory(last_seen_at=refusal.last_seen_at + dt.timedelta(hours=1))
    RefusalFactory(station=None, source=early.source)

    contacts = rows(reader, "source-contacts", source=early.source.code, at_to=early.at)
    refusals = rows(
        reader,
        "refusals",
        source="nws-cli",
        station=refusal.station.code,
        seen_to=refusal.last_seen_at,
    )

    assert [item["id"] for item in contacts] == [early.pk]
    assert [(item["id"], item["reason"]) for item in refusals] == [(refusal.pk, refusal.reason)]


def test_a_chunk_of_the_past_is_found_by_any_of_its_days(reader):
    chunk = HistoryChunkFactory()
    day = dt.timedelta(days=1)

    def found(first, last):
        return [
            item["id"] for item in rows(reader, "history-chunks", days_from=first, days_to=last)
        ]

    assert found(chunk.last_day, chunk.last_day + day) == [chunk.pk]
    assert found(chunk.first_day - day, chunk.first_day) == [chunk.pk]
    assert found(chunk.last_day + day, chunk.last_day + day) == []


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
