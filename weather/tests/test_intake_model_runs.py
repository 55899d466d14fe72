from __future__ import annotations

import datetime as dt
import json
from unittest.mock import patch

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from weather.clients.open_meteo import OpenMeteoClient
from weather.models import Forecast, ForecastSource, Payload, Refusal, SourceContact, Station
from weather.selectors import fresh_forecasts, latest_forecasts
from weather.services.intake import take_in
from weather.services.model_runs import ModelRuns, model_runs
from weather.services.payloads import payload_body
from weather.sources import MODELS, MODELS_BY_CODE
from weather.tests.factories import ClimateReportFactory, ForecastFactory, real_station
from weather.tests.open_meteo_world import OpenMeteoWorld, truncated, usual_temps

pytestmark = pytest.mark.django_db

UTC = dt.UTC
NOW = dt.datetime(2026, 7, 10, 12, tzinfo=UTC)
JULY_10 = dt.date(2026, 7, 10)
GFS, GEFS, GEPS = (MODELS_BY_CODE[code] for code in ("gfs", "gefs", "geps"))
#: The highs of the usual temperatures: 60 °F and the day of the month.
USUAL = {JULY_10 + dt.timedelta(days=n): 70.0 + n for n in range(6)}


@pytest.fixture
def world():
    return OpenMeteoWorld(now=NOW)


@pytest.fixture
def ny():
    Station.objects.exclude(code="NY").update(is_active=False)
    return real_station("NY")


@pytest.fixture
def ny_and_mia(ny):
    Station.objects.filter(code="MIA").update(is_active=True)
    return ny, real_station("MIA")


def take(world, *, model=GFS, now=NOW):
    world.now = now
    intake = ModelRuns(now=now, model=model, client=None)
    return take_in([intake])


@pytest.fixture(autouse=True)
def ordinary_client(world, monkeypatch):
    """Let the ordinary client, which captures, be one of this world."""
    monkeypatch.setattr(
        OpenMeteoClient, "from_settings", lambda *, capture: world.client(capture=capture)
    )


def health(code="gfs") -> ForecastSource:
    return ForecastSource.objects.get(code=code)


def highs(**filters) -> dict[dt.date, float]:
    rows = Forecast.objects.filter(**filters).order_by("climate_day")
    return dict(rows.values_list("climate_day", "high_f"))


def known_highs(station, day, as_of) -> list[float]:
    return [row.high_f for row in latest_forecasts(station=station, climate_day=day, as_of=as_of)]


# --- what is stored ------------------------------------------------------------------------------


def test_a_run_becomes_a_forecast_for_each_day_that_is_not_over(world, ny):
    result = take(world)
    assert highs() == USUAL
    assert result.done == {"forecasts": 6, "model_runs": 1}
    assert result.skipped == []
    row = Forecast.objects.first()
    assert (row.issued_at, row.model_run_at) == (world.available_at, world.initialised_at)
    assert (row.available_at, row.fetched_at) == (NOW, NOW)
    assert (row.source.code, row.member_highs_f) == ("gfs", [])
    assert health().status == ForecastSource.Status.OK
    assert health().newest_issue_at == world.available_at
    assert health().null_share == 0.0


def test_the_high_is_that_of_the_standard_time_day(world, ny):
    spikes = {dt.datetime(2026, 7, 11, 4, tzinfo=UTC): 99.0}  # 23:00 standard time of July 10
    spikes[dt.datetime(2026, 7, 12, 5, tzinfo=UTC)] = 98.0  # 00:00 standard time of July 12

    def temps(latitude, member, at):
        return spikes.get(at, 60.0)

    world.temps = temps
    take(world)
    found = highs()
    assert (found[JULY_10], found[dt.date(2026, 7, 11)]) == (99.0, 60.0)
    assert found[dt.date(2026, 7, 12)] == 98.0


def test_a_day_that_the_model_does_not_reach_the_end_of_has_no_forecast(world, ny):
    end = dt.datetime(2026, 7, 11, 22, tzinfo=UTC)
    world.temps = lambda latitude, member, at: None if at > end else 70.0
    take(world)
    assert list(highs()) == [JULY_10]


def test_zero_and_negative_fahrenheit_are_temperatures(world, ny):
    world.temps = lambda latitude, member, at: -10.0 if at.day % 2 else 0.0
    take(world, model=GEPS)
    assert Forecast.objects.count() == 6
    assert set(highs().values()) == {0.0}


def test_members_keep_their_order_and_their_mean_is_the_high(world, ny):
    def temps(latitude, member, at):
        return 80.0 + (member * 7) % 31

    world.temps = temps
    take(world, model=GEFS)
    row = Forecast.objects.get(climate_day=JULY_10)
    assert row.member_highs_f == [80.0 + (member * 7) % 31 for member in range(31)]
    assert row.high_f == 95.0


def test_missing_members_are_left_out_and_counted(world, ny):
    def temps(latitude, member, at):
        return None if member in (3, 30) else 70.0 + member

    world.temps = temps
    result = take(world, model=GEFS)
    row = Forecast.objects.get(climate_day=JULY_10)
    assert row.member_highs_f == [70.0 + member for member in range(31) if member not in (3, 30)]
    assert health("gefs").null_share == pytest.approx(2 / 31)
    assert [item.subject for item in result.skipped] == ["NY"]
    assert "29 usable series instead of 31" in result.skipped[0].reason


def test_an_ensemble_without_half_of_its_members_is_refused(world, ny):
    later = dt.datetime(2026, 7, 12, 5, tzinfo=UTC)

    def temps(latitude, member, at):
        return None if at >= later and member >= 10 else 70.0

    world.temps = temps
    result = take(world, model=GEPS)
    assert list(highs()) == [JULY_10, dt.date(2026, 7, 11)]
    assert "Only 10 of 21 members" in result.skipped[0].reason
    refusal = Refusal.objects.get(subject="NY 2026-07-12")
    assert refusal.station == ny
    assert refusal.payload is not None
    assert health("geps").status == ForecastSource.Status.DEGRADED


def test_one_answer_about_all_stations_is_kept_once(world):
    take(world)
    stations = Station.objects.filter(is_active=True).count()
    assert Forecast.objects.count() == 6 * stations
    payload = Payload.objects.get()
    assert set(Forecast.objects.values_list("payload", flat=True)) == {payload.pk}
    assert len(json.loads(payload_body(payload))) == stations
    assert len(world.forecasts_asked) == 1


def test_more_stations_take_no_more_queries(world, ny):
    def queries(model) -> int:
        with CaptureQueriesContext(connection) as captured:
            take(world, model=model)
        return len(captured)

    one = queries(GFS)
    Station.objects.update(is_active=True)
    assert Station.objects.count() >= 24
    # Rows go in by the hundred.
    assert queries(MODELS_BY_CODE["icon"]) <= one + 3


# --- which run is asked for ----------------------------------------------------------------------


def test_a_run_that_is_stored_is_not_asked_for_again_and_its_source_is_heard(world, ny):
    take(world)
    later = NOW + dt.timedelta(hours=4)
    result = take(world, now=later)
    assert result.done == {"forecasts": 0, "model_runs": 0}
    assert len(world.forecasts_asked) == 1
    assert SourceContact.objects.first().answered == ["NY"]
    (fresh,) = fresh_forecasts(station=ny, climate_day=JULY_10, as_of=later)
    assert fresh.high_f == 70.0


@pytest.mark.parametrize(("minutes", "calls"), [(0, 0), (9, 0), (10, 1), (600, 1)])
def test_a_run_counts_only_when_all_servers_have_it(world, ny, minutes, calls):
    world.available_at = NOW - dt.timedelta(minutes=minutes)
    world.initialised_at = NOW - dt.timedelta(hours=12)
    result = take(world)
    assert len(world.forecasts_asked) == calls
    assert result.skipped == []
    assert health().status == ForecastSource.Status.OK


def test_a_station_activated_later_still_gets_the_run(world, ny_and_mia):
    ny, mia = ny_and_mia
    Station.objects.filter(code="MIA").update(is_active=False)
    take(world)
    Station.objects.filter(code="MIA").update(is_active=True)
    take(world, now=NOW + dt.timedelta(minutes=30))
    assert highs(station=mia) == USUAL
    assert world.forecasts_asked[-1]["latitude"] == f"{mia.latitude:.4f}"
    assert Forecast.objects.filter(station=ny).count() == 6


def test_a_new_run_is_kept_beside_the_earlier_one(world, ny):
    take(world)
    later = NOW + dt.timedelta(hours=6)
    world.publish(
        initialised_at=world.initialised_at + dt.timedelta(hours=6),
        available_at=later - dt.timedelta(minutes=20),
    )
    world.temps = lambda latitude, member, at: 88.0
    assert take(world, now=later).done["forecasts"] == 6
    assert known_highs(ny, JULY_10, NOW) == [70.0]
    assert known_highs(ny, JULY_10, later - dt.timedelta(seconds=1)) == [70.0]
    assert known_highs(ny, JULY_10, later) == [88.0]


def test_a_server_that_is_behind_changes_nothing(world, ny):
    take(world)
    world.publish(
        initialised_at=world.initialised_at - dt.timedelta(hours=6),
        available_at=world.available_at - dt.timedelta(hours=6),
    )
    world.temps = lambda latitude, member, at: 50.0
    take(world, now=NOW + dt.timedelta(hours=1))
    assert highs() == USUAL
    assert len(world.forecasts_asked) == 1


def test_an_older_run_that_comes_for_another_station_does_not_become_the_latest(world, ny_and_mia):
    ny, mia = ny_and_mia
    newer = ForecastFactory(
        station=mia,
        source__code="gfs",
        climate_day=JULY_10,
        high_f=93.0,
        issued_at=NOW - dt.timedelta(minutes=30),
        model_run_at=None,
    )
    take(world)
    assert Forecast.objects.filter(station=mia, climate_day=JULY_10).count() == 2
    assert known_highs(mia, JULY_10, NOW) == [newer.high_f]
    assert known_highs(ny, JULY_10, NOW) == [70.0]


def test_a_run_that_was_available_before_it_could_be_is_refused(world, ny):
    world.available_at = NOW + dt.timedelta(minutes=11)
    result = take(world)
    assert "in the future" in result.skipped[0].reason
    assert not Forecast.objects.exists()
    assert SourceContact.objects.get().answered == []
    assert health().status == ForecastSource.Status.DEGRADED


def test_a_model_that_is_no_longer_run_is_shown_as_late(world, ny):
    world.publish(
        initialised_at=NOW - dt.timedelta(hours=45), available_at=NOW - dt.timedelta(hours=40)
    )
    take(world)
    assert health().status == ForecastSource.Status.DEGRADED
    assert "newest thing it said" in health().status_reason


# --- one place among others ----------------------------------------------------------------------


def test_a_station_without_values_is_skipped_and_the_others_go_on(world, ny_and_mia):
    ny, mia = ny_and_mia

    def temps(latitude, member, at):
        return None if abs(latitude - ny.latitude) < 0.1 else usual_temps(latitude, member, at)

    world.temps = temps
    result = take(world)
    assert [item.subject for item in result.skipped] == ["NY"]
    assert "no temperature for NY" in result.skipped[0].reason
    assert highs(station=mia) == USUAL
    assert health().status == ForecastSource.Status.OK
    assert health().null_share == pytest.approx(1 / 7)


def test_a_place_that_makes_the_service_refuse_all_is_found_and_left_out(world, ny_and_mia):
    ny, mia = ny_and_mia
    no_data = httpx.Response(
        400, json={"error": True, "reason": "No data is available for this location"}
    )

    def refuse(body):
        bodies = body if isinstance(body, list) else [body]
        has_ny = any(abs(item["latitude"] - ny.latitude) < 0.1 for item in bodies)
        return no_data if has_ny else body

    world.spoil_forecast = refuse
    result = take(world)
    assert highs(station=mia) == USUAL
    assert not Forecast.objects.filter(station=ny).exists()
    assert [item.subject for item in result.skipped] == ["NY"]
    assert "No data is available" in result.skipped[0].reason
    assert len(world.forecasts_asked) == 3


def test_one_station_without_a_run_does_not_end_the_source(world, ny_and_mia):
    ny, _ = ny_and_mia
    test_a_station_without_values_is_skipped_and_the_others_go_on(world, ny_and_mia)
    for minutes in (30, 60, 90):
        take(world, now=NOW + dt.timedelta(minutes=minutes))
    assert health().status == ForecastSource.Status.OK
    assert health().paused_until is None
    assert len(world.forecasts_asked) == 4
    assert all(item["latitude"] == f"{ny.latitude:.4f}" for item in world.forecasts_asked[1:])


def test_answers_about_other_places_are_refused(world, ny_and_mia):
    world.spoil_forecast = lambda body: list(reversed(body))
    result = take(world)
    assert not Forecast.objects.exists()
    assert all("another place" in item.reason for item in result.skipped[:2])
    assert Refusal.objects.count() == 2
    assert SourceContact.objects.get().answered == []


def test_absurd_values_condemn_the_place_and_not_its_neighbour(world, ny_and_mia):
    ny, mia = ny_and_mia

    def temps(latitude, member, at):
        return 9999.0 if abs(latitude - ny.latitude) < 0.1 else usual_temps(latitude, member, at)

    world.temps = temps
    result = take(world)
    assert highs(station=mia) == USUAL
    assert not Forecast.objects.filter(station=ny).exists()
    assert "cannot be true" in result.skipped[0].reason
    assert Refusal.objects.get().station == ny
    assert SourceContact.objects.get().answered == ["MIA"]


def test_celsius_in_place_of_fahrenheit_is_refused_beside_recent_highs(world, ny_and_mia):
    ny, mia = ny_and_mia
    ClimateReportFactory(station=ny, climate_day=dt.date(2026, 7, 8), max_f=85)
    world.temps = lambda latitude, member, at: 29.0
    result = take(world)
    assert not Forecast.objects.filter(station=ny).exists()
    assert "degrees Celsius given as Fahrenheit" in result.skipped[0].reason
    assert {item.subject for item in result.skipped} == {f"NY {day}" for day in USUAL}
    # Nothing is known of Miami yet, so nothing speaks against it there.
    assert Forecast.objects.filter(station=mia).count() == 6


# --- bad answers ---------------------------------------------------------------------------------


def error(status: int, reason: str = "The service is overloaded"):
    return httpx.Response(status, json={"error": True, "reason": reason})


def without(key):
    def spoil(body):
        return [{name: value for name, value in item.items() if name != key} for item in body]

    return spoil


def with_unit(unit):
    def spoil(body):
        for item in body:
            item["hourly_units"]["temperature_2m"] = unit
        return body

    return spoil


BAD_FORECASTS = {
    "an empty list": lambda body: [],
    "null": lambda body: None,
    "a number": lambda body: 7,
    "a web page": lambda body: httpx.Response(200, html="<html>busy</html>"),
    "a cut body": truncated,
    "an empty body": lambda body: httpx.Response(200, text=""),
    "NaN": lambda body: httpx.Response(200, text='[{"latitude": NaN}]'),
    "429": lambda body: error(429, "Too many concurrent requests"),
    "500": lambda body: error(500),
    "503": lambda body: error(503),
    "an unknown model": lambda body: error(400, "Data corrupted at path ''. Cannot initialize"),
    "an error with status 200": lambda body: [{"error": True, "reason": "no"} for _ in body],
    "one place too few": lambda body: body[:1],
    "no hours": without("hourly"),
    "no units": without("hourly_units"),
    "celsius": with_unit("°C"),
    "no connection": lambda body: httpx.ConnectError("refused"),
}


@pytest.mark.parametrize("spoil", BAD_FORECASTS.values(), ids=BAD_FORECASTS)
@pytest.mark.parametrize("model", [GFS, GEPS], ids=["single", "ensemble"])
def test_a_bad_answer_is_left_out_with_a_reason_and_earlier_rows_stay(
    world, ny_and_mia, spoil, model
):
    take(world, model=model)
    before = list(Forecast.objects.values())
    later = NOW + dt.timedelta(hours=6)
    world.publish(initialised_at=NOW, available_at=later - dt.timedelta(minutes=15))
    world.spoil_forecast = spoil
    result = take(world, model=model, now=later)
    assert result.skipped
    assert all(
        item.reason.endswith((".", "overloaded", "requests", "initialize", "no"))
        for item in result.skipped
    )
    assert list(Forecast.objects.values()) == before
    assert SourceContact.objects.first().answered == []
    assert health(model.code).status == ForecastSource.Status.DEGRADED
    assert health(model.code).last_error
    world.spoil_forecast = lambda body: body
    assert take(world, model=model, now=later).done["forecasts"] == 12


BAD_UPDATES = {
    "a list": lambda body: [],
    "null": lambda body: None,
    "not found": lambda body: httpx.Response(404, text="not found"),
    "a web page": lambda body: httpx.Response(200, html="<html></html>"),
    "a cut body": truncated,
    "no time": lambda body: {},
    "available before it began": lambda body: body | {"last_run_availability_time": 1},
    "milliseconds": lambda body: {name: value * 1000 for name, value in body.items()},
    "503": lambda body: error(503),
}


@pytest.mark.parametrize("spoil", BAD_UPDATES.values(), ids=BAD_UPDATES)
def test_a_service_that_does_not_say_which_run_it_has_is_not_asked_for_it(world, ny, spoil):
    world.spoil_update = spoil
    result = take(world)
    assert result.skipped[0].reason
    assert world.forecasts_asked == []
    assert not Forecast.objects.exists()
    assert health().status == ForecastSource.Status.DEGRADED


def test_values_that_contradict_each_other_are_left_out_and_counted(world, ny):
    def twice(body):
        times = body["hourly"]["time"]
        body["hourly"]["time"] = [*times[:-1], times[44]]
        return body

    world.spoil_forecast = twice
    result = take(world)
    assert "come twice" in result.skipped[0].reason
    assert JULY_10 in highs()


# --- as of ---------------------------------------------------------------------------------------


def test_a_forecast_cannot_be_seen_before_it_was_available(world, ny):
    take(world)
    early = NOW - dt.timedelta(microseconds=1)
    for day in USUAL:
        assert known_highs(ny, day, early) == []
        assert known_highs(ny, day, NOW) == [USUAL[day]]


def test_a_run_issued_a_moment_ahead_of_our_clock_is_available_only_then(world, ny):
    with patch("weather.clients.open_meteo.updates.SETTLING", -dt.timedelta(minutes=10)):
        world.available_at = NOW + dt.timedelta(minutes=5)
        take(world)
    row = Forecast.objects.first()
    assert row.available_at == row.issued_at == NOW + dt.timedelta(minutes=5)
    assert known_highs(ny, JULY_10, NOW) == []


def test_a_planted_row_from_the_future_is_never_seen(world, ny):
    take(world)
    later = NOW + dt.timedelta(minutes=1)
    ForecastFactory(
        station=ny,
        source__code="gfs",
        climate_day=JULY_10,
        high_f=120.0,
        issued_at=NOW,
        available_at=later,
    )
    assert known_highs(ny, JULY_10, NOW) == [70.0]
    assert known_highs(ny, JULY_10, later) == [120.0]


# --- all models ----------------------------------------------------------------------------------


def test_all_models_share_one_client_and_are_sources_of_their_own(world, ny):
    made = []

    def from_settings(*, capture):
        made.append(world.client(capture=capture))
        return made[-1]

    with patch.object(OpenMeteoClient, "from_settings", from_settings):
        result = take_in(model_runs(now=NOW))
    assert len(made) == 1
    assert result.skipped == []
    assert result.done == {"forecasts": 3 + 12 * 6, "model_runs": 13}
    by_source = {model.code: Forecast.objects.filter(source__code=model.code) for model in MODELS}
    assert {code: rows.count() for code, rows in by_source.items()} == {
        model.code: model.days for model in MODELS
    }
    for model in MODELS:
        row = by_source[model.code].first()
        assert len(row.member_highs_f) == (model.members if model.is_ensemble else 0)
        assert f"models={model.model_id}" in row.payload.url
    assert set(SourceContact.objects.values_list("source__code", flat=True)) == {
        model.code for model in MODELS
    }


def test_a_broken_model_leaves_the_others_alone(world, ny):
    def temps(latitude, member, at):
        return 70.0

    def spoil(body):
        return error(500) if "temperature_2m_member50" in body["hourly"] else body

    world.temps, world.spoil_forecast = temps, spoil
    result = take_in(model_runs(now=NOW))
    assert {item.subject for item in result.skipped} == {
        MODELS_BY_CODE["ecmwf-ens"].name,
        MODELS_BY_CODE["aifs-ens"].name,
    }
    assert result.done["model_runs"] == 11


def test_models_that_the_service_does_not_have_do_not_silence_the_others(world, ny):
    known = {"cmc_gem_gdps", "cmc_gem_geps"}

    def handle(request):
        if request.url.path.startswith("/data/") and request.url.path.split("/")[2] not in known:
            return httpx.Response(404, json={"error": True, "reason": "Not Found"})
        return OpenMeteoWorld.handle(world, request)

    world.handle = handle
    result = take_in(model_runs(now=NOW))
    assert result.done["model_runs"] == 2
    assert len(result.skipped) == len(MODELS) - 2
    assert all("check OPEN_METEO_API_URL" in item.reason for item in result.skipped)
    assert health("gem").status == health("geps").status == ForecastSource.Status.OK
    assert health("hrrr").status == ForecastSource.Status.DEGRADED


def test_a_dead_host_is_not_waited_for_by_every_model(world, ny):
    def refuse(request):
        world.asked.append((request.url.path, {}))
        raise httpx.ConnectTimeout("no answer")

    world.handle = refuse
    result = take_in(model_runs(now=NOW))
    # Two for the host of the single models, two for that of the ensembles.
    assert len(world.asked) == 4
    assert len(result.skipped) == len(MODELS)
    sources = ForecastSource.objects.filter(code__in=MODELS_BY_CODE)
    assert set(sources.values_list("status", flat=True)) == {ForecastSource.Status.DEGRADED}
    assert set(sources.values_list("error_streak", flat=True)) == {1}
    assert not SourceContact.objects.exclude(answered=[]).exists()


def test_without_active_stations_nothing_is_asked(world):
    Station.objects.update(is_active=False)
    assert take_in(model_runs(now=NOW)).done == {"forecasts": 0, "model_runs": 0}
    assert world.asked == []
