from __future__ import annotations

import datetime as dt
import json

import httpx
import pytest

from boz.core.errors import StaleDataError
from weather.clients.nws import NwsClient
from weather.models import (
    ClimateReport,
    Forecast,
    ForecastSource,
    Observation,
    Payload,
    Refusal,
    Station,
)
from weather.selectors import fresh_forecasts
from weather.services.climate_reports import ClimateReports
from weather.services.grid_forecasts import GridForecasts
from weather.services.intake import take_in
from weather.services.payloads import payload_body
from weather.services.station_reports import AviationReports
from weather.services.stations import sync_stations
from weather.sources import CALLS_AT_ONCE, Service
from weather.stations import ACTIVE_BY_DEFAULT, STATIONS
from weather.tests.factories import (
    ClimateReportFactory,
    ForecastFactory,
    StationFactory,
    real_station,
)
from weather.tests.outside import PAYLOADS, World, climate_text, grid_body, metar

pytestmark = pytest.mark.django_db

UTC = dt.UTC
JULY_8, JULY_9, JULY_10 = (dt.date(2026, 7, day) for day in (8, 9, 10))
NOW = dt.datetime(2026, 7, 9, 20, tzinfo=UTC)
ISSUED = "2026-07-09T19:03:33+00:00"


@pytest.fixture
def only_ny():
    Station.objects.exclude(code="NY").update(is_active=False)
    return real_station("NY")


@pytest.fixture
def ny_and_mia():
    Station.objects.exclude(code__in=("NY", "MIA")).update(is_active=False)
    return real_station("NY"), real_station("MIA")


def ingest_forecasts(**options):
    return take_in([GridForecasts(**options)])


def ingest_observations(**options):
    return take_in([AviationReports(**options)])


def ingest_climate_reports(**options):
    return take_in([ClimateReports(**options)])


def health(code: str) -> ForecastSource:
    return ForecastSource.objects.get(code=code)


def test_migrations_bring_in_every_station_once():
    assert set(Station.objects.values_list("code", flat=True)) == {item.code for item in STATIONS}
    active = Station.objects.filter(is_active=True).values_list("code", flat=True)
    assert set(active) == ACTIVE_BY_DEFAULT
    assert sync_stations() == 0


def test_syncing_corrects_facts_and_keeps_the_operators_choice():
    Station.objects.filter(code="DEN").update(is_active=True, latitude=0.0, grid_id="BOU")
    assert sync_stations() == 1
    denver = real_station("DEN")
    assert denver.is_active
    assert denver.grid_id == "BOU"
    assert denver.latitude == 39.8467


def test_forecasts_are_stored_once_however_often_they_are_fetched(only_ny):
    world = World()
    world.has_grid(only_ny, body=grid_body((JULY_9, 84), (JULY_10, 89), issued=ISSUED))
    first = ingest_forecasts(now=NOW, client=world.nws())
    again = ingest_forecasts(now=NOW + dt.timedelta(minutes=30), client=world.nws())
    assert (first.done["forecasts"], again.done["forecasts"]) == (2, 0)
    rows = Forecast.objects.order_by("climate_day")
    assert [(row.climate_day, row.high_f) for row in rows] == [(JULY_9, 84.0), (JULY_10, 89.0)]
    assert {row.available_at for row in rows} == {NOW}
    assert {row.issued_at for row in rows} == {dt.datetime(2026, 7, 9, 19, 3, 33, tzinfo=UTC)}
    assert health("nws-grid").status == ForecastSource.Status.OK


def test_an_ingest_broken_off_half_way_is_completed_by_the_next(only_ny):
    world = World()
    world.has_grid(only_ny, body=grid_body((JULY_9, 84), (JULY_10, 89), issued=ISSUED))
    ingest_forecasts(now=NOW, client=world.nws())
    Forecast.objects.filter(climate_day=JULY_10).delete()
    assert ingest_forecasts(now=NOW, client=world.nws()).done["forecasts"] == 1
    assert Forecast.objects.count() == 2


def test_a_new_issuance_is_kept_beside_the_earlier_one(only_ny):
    world = World()
    path = world.has_grid(only_ny, body=grid_body((JULY_10, 89), issued=ISSUED))
    ingest_forecasts(now=NOW, client=world.nws())
    world.answers[path] = grid_body((JULY_10, 91), issued="2026-07-09T21:00:00+00:00")
    ingest_forecasts(now=NOW + dt.timedelta(hours=2), client=world.nws())
    assert sorted(Forecast.objects.values_list("high_f", flat=True)) == [89.0, 91.0]


def test_a_forecast_of_minus_200_is_refused_and_the_other_station_goes_on(ny_and_mia):
    ny, mia = ny_and_mia
    earlier = ForecastFactory(station=ny, climate_day=JULY_10, high_f=88.0)
    world = World()
    world.has_grid(ny, body=grid_body((JULY_10, -200), issued=ISSUED))
    world.has_grid(mia, body=grid_body((JULY_10, 92), issued=ISSUED), cell=(106, 51))
    result = ingest_forecasts(now=NOW, client=world.nws())
    (skipped,) = result.skipped
    assert skipped.subject == "NY"
    assert "-200" in skipped.reason
    assert "cannot be true" in skipped.reason
    assert [row.high_f for row in Forecast.objects.filter(station=mia)] == [92.0]
    assert list(Forecast.objects.filter(station=ny)) == [earlier]
    assert health("nws-grid").status == ForecastSource.Status.DEGRADED
    assert "NY" in health("nws-grid").last_error


def test_celsius_given_as_fahrenheit_is_refused_beside_recent_highs(only_ny):
    ClimateReportFactory(station=only_ny, climate_day=JULY_8, max_f=85)
    world = World()
    # 29 °C sent under the unit °F: grid_body converts, so ask for what arrives as 29.
    body = grid_body((JULY_10, 29 * 1.8 + 32), issued=ISSUED, unit="wmoUnit:degF")
    world.has_grid(only_ny, body=body)
    result = ingest_forecasts(now=NOW, client=world.nws())
    assert "degrees Celsius given as Fahrenheit" in result.skipped[0].reason
    assert not Forecast.objects.exists()


def test_a_forecast_without_a_unit_is_refused(only_ny):
    world = World()
    body = grid_body((JULY_10, 85), issued=ISSUED)
    del body["properties"]["maxTemperature"]["uom"]
    world.has_grid(only_ny, body=body)
    assert "unit" in ingest_forecasts(now=NOW, client=world.nws()).skipped[0].reason
    assert not Forecast.objects.exists()


def test_a_station_without_a_forecast_does_not_mark_the_source_down(ny_and_mia):
    ny, mia = ny_and_mia
    world = World()
    world.has_grid(ny, body=grid_body((JULY_10, 89), issued=ISSUED))
    path = world.has_grid(mia, body=None, cell=(106, 51))
    assert world.answers[path] is None
    result = ingest_forecasts(now=NOW, client=world.nws())
    assert [item.subject for item in result.skipped] == ["MIA"]
    assert "no grid forecast for Miami" in result.skipped[0].reason
    assert health("nws-grid").status == ForecastSource.Status.OK
    assert Forecast.objects.filter(station=ny).count() == 1


def test_a_moved_grid_is_found_again(only_ny):
    world = World()
    old = world.has_grid(only_ny, body=grid_body((JULY_10, 89), issued=ISSUED))
    ingest_forecasts(now=NOW, client=world.nws())
    del world.answers[old]
    world.has_grid(
        only_ny, body=grid_body((JULY_10, 90), issued="2026-07-09T22:00:00Z"), cell=(35, 46)
    )
    result = ingest_forecasts(now=NOW + dt.timedelta(hours=3), client=world.nws())
    assert result.done["forecasts"] == 1
    only_ny.refresh_from_db()
    assert (only_ny.grid_x, only_ny.grid_y) == (35, 46)


def test_an_outage_degrades_and_then_downs_the_source_and_recovery_clears_it(only_ny):
    world = World()
    path = world.has_grid(only_ny, body=grid_body((JULY_10, 89), issued=ISSUED))
    good = world.answers[path]
    world.answers[path] = httpx.ConnectError("refused")
    states = []
    for run in range(3):
        result = ingest_forecasts(now=NOW + dt.timedelta(minutes=run), client=world.nws())
        assert "cannot be reached" in result.skipped[0].reason
        states.append((health("nws-grid").status, health("nws-grid").error_streak))
    assert states == [("degraded", 1), ("degraded", 2), ("down", 3)]
    assert health("nws-grid").last_success_at is None
    world.answers[path] = good
    ingest_forecasts(now=NOW + dt.timedelta(hours=1), client=world.nws())
    assert health("nws-grid").status == ForecastSource.Status.OK
    assert health("nws-grid").last_error == ""


@pytest.mark.parametrize("status", [400, 403, 302])
def test_a_service_that_shuts_us_out_is_neither_well_nor_keeps_its_forecast_fresh(only_ny, status):
    world = World()
    path = world.has_grid(only_ny, body=grid_body((JULY_9, 84), issued=ISSUED))
    ingest_forecasts(now=NOW, client=world.nws())
    elsewhere = {"location": "https://login.example.org/"}
    world.answers[path] = httpx.Response(status, text="Access Denied", headers=elsewhere)
    for minutes in (30, 60, 95):
        later = NOW + dt.timedelta(minutes=minutes)
        result = ingest_forecasts(now=later, client=world.nws())
        assert "no grid forecast" not in result.skipped[0].reason
    assert health("nws-grid").status == ForecastSource.Status.DOWN
    assert health("nws-grid").last_success_at == NOW
    with pytest.raises(StaleDataError):
        fresh_forecasts(station=only_ny, climate_day=JULY_9, as_of=later)


def test_a_refused_forecast_does_not_keep_the_one_before_fresh(only_ny):
    ClimateReportFactory(station=only_ny, climate_day=JULY_8, max_f=85)
    world = World()
    path = world.has_grid(only_ny, body=grid_body((JULY_9, 84), issued=ISSUED))
    ingest_forecasts(now=NOW, client=world.nws())
    mixed_up = grid_body((JULY_9, 29 * 1.8 + 32), issued=ISSUED, unit="wmoUnit:degF")
    mixed_up["properties"]["updateTime"] = "2026-07-09T21:00:00+00:00"
    world.answers[path] = mixed_up
    later = NOW + dt.timedelta(minutes=95)
    assert (
        "given as Fahrenheit" in ingest_forecasts(now=later, client=world.nws()).skipped[0].reason
    )
    with pytest.raises(StaleDataError):
        fresh_forecasts(station=only_ny, climate_day=JULY_9, as_of=later)


def test_a_forecast_that_is_gone_does_not_keep_the_last_one_fresh(only_ny):
    world = World()
    path = world.has_grid(only_ny, body=grid_body((JULY_9, 84), issued=ISSUED))
    ingest_forecasts(now=NOW, client=world.nws())
    del world.answers[path]
    later = NOW + dt.timedelta(minutes=95)
    ingest_forecasts(now=later, client=world.nws())
    with pytest.raises(StaleDataError):
        fresh_forecasts(station=only_ny, climate_day=JULY_9, as_of=later)


def test_stations_without_an_answer_beside_others_are_no_runs_without_one():
    Station.objects.filter(code__in=("AUS", "CHI", "MIA", "NY")).update(is_active=True)
    world = World()
    path = world.has_grid(real_station("NY"), body=grid_body((JULY_10, 89), issued=ISSUED))
    for column, code in enumerate(("AUS", "CHI", "MIA")):
        world.has_grid(real_station(code), body=httpx.Response(500), cell=(column, 1))
    ingest_forecasts(now=NOW, client=world.nws())
    assert health("nws-grid").last_error.count("500") == 3
    world.answers[path] = httpx.Response(500)
    ingest_forecasts(now=NOW + dt.timedelta(minutes=10), client=world.nws())
    source = health("nws-grid")
    assert (source.status, source.paused_until) == (ForecastSource.Status.DEGRADED, None)
    assert source.status_reason == "No good answer in 1 run(s) in a row."


def test_an_outage_of_one_source_leaves_the_others_alone(only_ny):
    world = World()
    world.answers["/api/data/metar"] = httpx.Response(503)
    world.has_grid(only_ny, body=grid_body((JULY_10, 89), issued=ISSUED))
    assert ingest_observations(now=NOW, client=world.aviation()).done["observations"] == 0
    assert ingest_forecasts(now=NOW, client=world.nws()).done["forecasts"] == 1
    assert health("aviationweather").status == ForecastSource.Status.DEGRADED
    assert health("nws-grid").status == ForecastSource.Status.OK


def test_a_dead_service_is_not_waited_for_by_every_station():
    for _ in range(30):
        StationFactory()
    world = World()

    def refuse(request: httpx.Request) -> httpx.Response:
        world.asked.append(request.url.path)
        raise httpx.ConnectError("refused")

    world.handle = refuse
    result = ingest_forecasts(now=NOW, client=world.nws())
    assert len(result.skipped) == Station.objects.filter(is_active=True).count()
    assert len(world.asked) <= 2 + CALLS_AT_ONCE[Service.NWS]
    assert "did not answer properly several times in a row" in result.skipped[-1].reason


def test_failing_grids_of_some_stations_do_not_stop_the_others():
    world = World()
    for number, station in enumerate(Station.objects.filter(is_active=True)):
        path = world.has_grid(
            station, body=grid_body((JULY_10, 89), issued=ISSUED), cell=(number, number)
        )
        if number < 3:
            world.answers[path] = httpx.Response(500, json={"status": 500})
    result = ingest_forecasts(now=NOW, client=world.nws())
    assert result.done["forecasts"] == 1
    assert len(result.skipped) == 3


def test_a_source_that_is_switched_off_is_not_asked(only_ny):
    ForecastSource.objects.filter(code="nws-grid").update(is_active=False)
    world = World()
    result = ingest_forecasts(now=NOW, client=world.nws())
    assert world.asked == []
    assert "switched off" in result.skipped[0].reason


def test_station_reports_are_stored_once_with_their_intervals(ny_and_mia):
    world = World()
    at = NOW.replace(hour=17, minute=53)
    world.answers["/api/data/metar"] = [
        metar("KMIA", "METAR KMIA 091753Z 10SM 30/22 RMK AO2 T03000222 10322=", at),
        metar("KNYC", "METAR KNYC 091751Z AUTO 10SM 26/18 RMK AO2", at.replace(minute=51)),
    ]
    first = ingest_observations(now=NOW, client=world.aviation())
    again = ingest_observations(now=NOW, client=world.aviation())
    assert (first.done["observations"], again.done["observations"]) == (2, 0)
    miami = Observation.objects.get(station__code="MIA")
    assert (miami.temp_low_f, miami.temp_high_f, miami.max_6h_f) == (86, 86, 90)
    new_york = Observation.objects.get(station__code="NY")
    assert (new_york.temp_low_f, new_york.temp_high_f) == (78, 79)
    assert len(set(world.asked)) == 1


def test_no_report_at_all_is_an_answer_but_nobody_calls_the_source_well_for_it(only_ny):
    world = World()
    world.answers["/api/data/metar"] = httpx.Response(204)
    assert ingest_observations(now=NOW, client=world.aviation()).skipped == []
    source = health("aviationweather")
    assert (source.last_success_at, source.error_streak) == (NOW, 0)
    assert source.status == ForecastSource.Status.DEGRADED
    assert source.status_reason == "It answers, but had nothing of what was asked."


def test_a_service_that_knows_none_of_our_stations_any_more_is_degraded(ny_and_mia):
    world = World()
    paths = [
        world.has_grid(station, body=grid_body((JULY_10, 89), issued=ISSUED), cell=(column, 1))
        for column, station in enumerate(ny_and_mia)
    ]
    ingest_forecasts(now=NOW, client=world.nws())
    assert health("nws-grid").status == ForecastSource.Status.OK
    for path in paths:
        del world.answers[path]
    ingest_forecasts(now=NOW + dt.timedelta(hours=2), client=world.nws())
    assert health("nws-grid").status_reason == "It answers, but had nothing of what was asked."


def test_a_bad_report_is_left_out_and_the_others_are_kept(ny_and_mia):
    at = NOW.replace(hour=17, minute=53)
    world = World()
    world.answers["/api/data/metar"] = [
        metar("KMIA", "METAR KMIA 091753Z 10SM 30/22 RMK AO2 T19991999", at),
        metar("KMIA", "METAR KFLL 091653Z 10SM 30/22", at - dt.timedelta(hours=1)),
        {"icaoId": "KNYC", "metarType": "METAR"},
        metar("KNYC", "METAR KNYC 091751Z AUTO 10SM 26/18 RMK AO2", at),
    ]
    result = ingest_observations(now=NOW, client=world.aviation())
    assert result.done["observations"] == 1
    assert len(result.skipped) == 3
    assert health("aviationweather").status == ForecastSource.Status.DEGRADED


def test_every_issuance_of_a_climate_report_is_kept(only_ny):
    world = World()
    final = climate_text("CLINYC_20260708_final")
    world.has_report(only_ny, "p1", text=final, issued="2026-07-09T06:26:00Z")
    world.has_report(
        only_ny, "p2", text=final.replace("    85 ", "    86 ", 1), issued="2026-07-09T08:00:00Z"
    )
    ingest_climate_reports(now=NOW, client=world.nws())
    again = ingest_climate_reports(now=NOW, client=world.nws())
    assert again.done["climate_reports"] == 0
    rows = ClimateReport.objects.order_by("issued_at").values_list("climate_day", "max_f")
    assert list(rows) == [(JULY_8, 85), (JULY_8, 86)]
    assert world.asked.count("/products/p1") == 1


def test_a_listed_report_that_cannot_be_read_does_not_hold_up_the_others(only_ny):
    world = World()
    final = climate_text("CLINYC_20260708_final")
    world.has_report(only_ny, "p1", text=final, issued="2026-07-09T06:26:00Z")
    world.answers["/products/types/CLI/locations/NYC"]["@graph"].insert(0, {"id": "broken"})
    result = ingest_climate_reports(now=NOW, client=world.nws())
    assert ClimateReport.objects.get().max_f == 85
    assert "issuanceTime" in result.skipped[0].reason
    assert health("nws-cli").status == ForecastSource.Status.DEGRADED
    # It stays listed for weeks and is no news at the next run.
    ingest_climate_reports(now=NOW + dt.timedelta(hours=1), client=world.nws())
    assert health("nws-cli").status == ForecastSource.Status.OK
    assert Refusal.objects.get().times == 1


def test_a_bad_station_report_counts_against_the_source_once_however_often_it_comes(only_ny):
    at = NOW.replace(hour=17, minute=51)
    good = metar("KNYC", "METAR KNYC 091751Z AUTO 10SM 26/18 RMK AO2", at)
    bad = metar("KNYC", "METAR KNYC 091651Z 10SM 30/22 RMK T19991999", at - dt.timedelta(hours=1))
    world = World()
    world.answers["/api/data/metar"] = [bad, good]
    ingest_observations(now=at + dt.timedelta(minutes=30), client=world.aviation())
    assert health("aviationweather").status == ForecastSource.Status.DEGRADED
    again = ingest_observations(now=at + dt.timedelta(minutes=35), client=world.aviation())
    assert [item.subject for item in again.skipped] == ["NY 2026-07-09 16:51Z"]
    assert health("aviationweather").status == ForecastSource.Status.OK
    assert Refusal.objects.get().times == 1


def test_a_report_of_another_station_is_refused(only_ny):
    world = World()
    other = climate_text("CLIMIA_20260708_final")
    neighbour = climate_text("CLINYC_20260708_final").replace("CENTRAL PARK NY", "LA GUARDIA NY")
    world.has_report(only_ny, "wrong-product", text=other, issued="2026-07-09T08:25:00Z")
    world.has_report(only_ny, "wrong-headline", text=neighbour, issued="2026-07-09T06:26:00Z")
    result = ingest_climate_reports(now=NOW, client=world.nws())
    reasons = [item.reason for item in result.skipped]
    assert len(reasons) == 2
    assert "CLIMIA, not CLINYC" in reasons[0]
    assert "LA GUARDIA" in reasons[1]
    assert not ClimateReport.objects.exists()


def test_a_refused_report_is_tried_again_since_its_fault_may_pass(only_ny):
    world = World()
    text = climate_text("CLINYC_20260708_final")
    world.has_report(only_ny, "p1", text=text, issued="2026-07-09T06:26:00Z")
    # Our own clock was half an hour behind: the report seemed to come from the future.
    behind = dt.datetime(2026, 7, 9, 6, tzinfo=UTC)
    assert ingest_climate_reports(now=behind, client=world.nws()).skipped
    right_after = behind + dt.timedelta(minutes=10)
    ingest_climate_reports(now=right_after, client=world.nws())
    assert world.asked.count("/products/p1") == 1
    ingest_climate_reports(now=behind + dt.timedelta(hours=1), client=world.nws())
    assert ClimateReport.objects.get().max_f == 85


def test_a_report_that_stays_bad_is_not_tried_for_ever_and_kept_as_evidence_once(only_ny):
    world = World()
    other = climate_text("CLIMIA_20260708_final")
    world.has_report(only_ny, "p1", text=other, issued="2026-07-09T08:25:00Z")
    for hours in range(80):
        ingest_climate_reports(now=NOW + dt.timedelta(hours=hours), client=world.nws())
    assert world.asked.count("/products/p1") == Refusal.objects.get().times == 24


def test_a_report_before_the_end_of_its_day_is_never_final(only_ny):
    text = climate_text("CLINYC_20260709_intermediate_4pm")
    unsaid = "\n".join(line for line in text.split("\n") if not line.startswith("VALID"))
    world = World()
    world.has_report(only_ny, "early", text=unsaid, issued="2026-07-09T19:35:00Z")
    ingest_climate_reports(now=NOW, client=world.nws())
    assert ClimateReport.objects.get().is_preliminary


def test_a_report_from_before_its_day_is_refused(only_ny):
    world = World()
    text = climate_text("CLINYC_20260708_final")
    world.has_report(only_ny, "odd", text=text, issued="2026-07-07T06:26:00Z")
    result = ingest_climate_reports(now=NOW, client=world.nws())
    assert "calendar" in result.skipped[0].reason
    assert not ClimateReport.objects.exists()


def test_the_raw_answer_is_kept_once(only_ny, monkeypatch):
    world = World()
    world.has_grid(only_ny, body=grid_body((JULY_9, 84), (JULY_10, 89), issued=ISSUED))
    monkeypatch.setattr(NwsClient, "from_settings", lambda *, capture: world.nws(capture=capture))
    ingest_forecasts(now=NOW)
    ingest_forecasts(now=NOW)
    payload = Payload.objects.get()
    assert set(Forecast.objects.values_list("payload", flat=True)) == {payload.pk}
    assert payload.url.endswith("/gridpoints/OKX/34,45")
    assert b"maxTemperature" in payload_body(payload)


def test_a_refused_answer_is_kept_as_evidence(only_ny, monkeypatch):
    world = World()
    world.has_grid(only_ny, body=grid_body((JULY_10, -200), issued=ISSUED))
    monkeypatch.setattr(NwsClient, "from_settings", lambda *, capture: world.nws(capture=capture))
    (skipped,) = ingest_forecasts(now=NOW).skipped
    assert skipped.context["payload_sha256"] == Payload.objects.get().sha256


def test_hourly_values_raise_the_high_and_fill_the_variables(only_ny):
    body = grid_body((JULY_10, 85), issued=ISSUED)
    layers = body["properties"]
    day = "2026-07-10T05:00:00+00:00"
    layers["temperature"] = {
        "uom": "wmoUnit:degC",
        "values": [
            {"validTime": f"{day}/PT1H", "value": (91 - 32) / 1.8},
            {"validTime": "2026-07-10T06:00:00+00:00/PT23H", "value": 20.0},
        ],
    }
    layers["dewpoint"] = {
        "uom": "wmoUnit:degC",
        "values": [{"validTime": f"{day}/P1D", "value": 20}],
    }
    layers["windSpeed"] = {
        "uom": "wmoUnit:km_h-1",
        "values": [
            {"validTime": f"{day}/PT2H", "value": 10},
            {"validTime": f"{day}/PT1H", "value": 0},
        ],
    }
    layers["skyCover"] = {"uom": None, "values": [{"validTime": f"{day}/P1D", "value": 50}]}
    world = World()
    world.has_grid(only_ny, body=body)
    ingest_forecasts(now=NOW, client=world.nws())
    row = Forecast.objects.get(climate_day=JULY_10)
    assert row.high_f == 91.0
    assert row.variables == {
        "temp_high_f": 91.0,
        "temp_low_f": 68.0,
        "dew_point_f": 68.0,
        "wind_speed_mph": 6.2,
    }


def test_a_recorded_grid_becomes_a_forecast_for_each_of_its_days(only_ny):
    world = World()
    world.has_grid(only_ny, body=json.loads((PAYLOADS / "gridpoint_nyc_20260709.json").read_text()))
    ingest_forecasts(now=NOW, client=world.nws())
    highs = dict(Forecast.objects.values_list("climate_day__day", "high_f"))
    assert highs == {9: 84.0, 10: 89.0, 11: 83.0, 12: 84.0}


def test_a_forecast_for_days_that_are_over_is_left_out_without_blame(only_ny):
    world = World()
    world.has_grid(only_ny, body=grid_body((JULY_8, 85), issued="2026-07-08T20:00:00Z"))
    result = ingest_forecasts(now=NOW, client=world.nws())
    assert "days that are over" in result.skipped[0].reason
    assert health("nws-grid").status == ForecastSource.Status.OK


def test_an_unreadable_list_of_reports_is_left_out(only_ny):
    world = World()
    world.answers["/products/types/CLI/locations/NYC"] = {"@graph": [{"id": "p1"}]}
    result = ingest_climate_reports(now=NOW, client=world.nws())
    assert "issuanceTime" in result.skipped[0].reason
    assert health("nws-cli").status == ForecastSource.Status.DEGRADED
