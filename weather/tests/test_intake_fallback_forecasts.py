from __future__ import annotations

import datetime as dt
import json
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from boz.core.clock import format_utc
from weather import selectors
from weather.clients.nws import NwsClient
from weather.models import Forecast, ForecastSource, Refusal, Station
from weather.services.fallback_forecasts import HourlyForecasts, PeriodForecasts, take_in_fallbacks
from weather.services.grid_forecasts import GridForecasts
from weather.services.ingest import ingest_forecasts
from weather.services.intake import merge_results, take_in
from weather.tests.factories import ClimateReportFactory, real_station
from weather.tests.outside import PAYLOADS, World, grid_body

pytestmark = pytest.mark.django_db

UTC = dt.UTC
SECOND = dt.timedelta(seconds=1)
HOUR = dt.timedelta(hours=1)
JULY_9, JULY_10 = dt.date(2026, 7, 9), dt.date(2026, 7, 10)
NOW = dt.datetime(2026, 7, 9, 20, tzinfo=UTC)
ISSUED = "2026-07-09T19:03:33+00:00"
EXPIRED = httpx.Response(
    503, json=json.loads((PAYLOADS / "nws_problem_503_forecast_grid_expired.json").read_text())
)


@pytest.fixture
def new_york():
    Station.objects.exclude(code="NY").update(is_active=False)
    return real_station("NY")


def hours(
    first: dt.datetime, *temps_f: float | None, issued: str = ISSUED, unit: str = "F"
) -> dict[str, Any]:
    """Return a forecast by hours."""
    return {
        "properties": {
            "updateTime": issued,
            "periods": [
                {
                    "startTime": format_utc(first + number * HOUR),
                    "endTime": format_utc(first + (number + 1) * HOUR),
                    "isDaytime": True,
                    "temperature": temp_f,
                    "temperatureUnit": unit,
                }
                for number, temp_f in enumerate(temps_f)
            ],
        }
    }


def half_days(*highs: tuple[dt.date, float], issued: str = ISSUED) -> dict[str, Any]:
    """Return a forecast by days and nights, in New York's summer time."""
    return {
        "properties": {
            "updateTime": issued,
            "periods": [
                {
                    "startTime": f"{day}T{start}:00:00-04:00",
                    "endTime": f"{day + dt.timedelta(days=not is_day)}T{end}:00:00-04:00",
                    "isDaytime": is_day,
                    "temperature": high_f if is_day else 61,
                    "temperatureUnit": "F",
                }
                for day, high_f in highs
                for is_day, start, end in ((True, "06", "18"), (False, "18", "06"))
            ],
        }
    }


#: The standard-time day of 10 July in New York, hour by hour, warmest at its very end.
MIDNIGHT = dt.datetime(2026, 7, 10, 5, tzinfo=UTC)
WHOLE_DAY = hours(MIDNIGHT, *[70.0] * 23, 88.0)


def outside(station, *, grid: Any, hourly: Any = None, periods: Any = None) -> World:
    world = World()
    path = world.has_grid(station, body=grid)
    world.answers[f"{path}/forecast/hourly"] = hourly
    world.answers[f"{path}/forecast"] = periods
    return world


def take(world: World, *, now: dt.datetime = NOW):
    with patch.object(NwsClient, "from_settings", world.nws):
        grids = GridForecasts(now=now)
        taken = take_in([grids])
        return merge_results([taken, *take_in_fallbacks(grids, now=now)])


def health(code: str) -> ForecastSource:
    return ForecastSource.objects.get(code=code)


def stored() -> list[tuple[str, dt.date, float]]:
    rows = Forecast.objects.order_by("source__code", "climate_day")
    return list(rows.values_list("source__code", "climate_day", "high_f"))


def test_nothing_else_is_asked_when_the_grid_came(new_york):
    world = outside(new_york, grid=grid_body((JULY_10, 89), issued=ISSUED), hourly=WHOLE_DAY)
    assert take(world).done == {"forecasts": 1, "stations": 1}
    assert not any("/forecast" in path for path in world.asked)
    assert health("nws-hourly").last_attempt_at is None


def test_the_forecast_by_hours_stands_in_for_an_expired_grid(new_york):
    world = outside(new_york, grid=EXPIRED, hourly=WHOLE_DAY, periods=half_days((JULY_10, 85)))
    result = take(world)
    assert result.done == {"forecasts": 1, "stations": 0, "fallback_stations": 1}
    assert stored() == [("nws-hourly", JULY_10, 88.0)]
    row = Forecast.objects.get()
    assert row.issued_at == dt.datetime(2026, 7, 9, 19, 3, 33, tzinfo=UTC)
    assert (row.available_at, row.fetched_at) == (NOW, NOW)
    assert row.payload.url.endswith("/gridpoints/OKX/34,45/forecast/hourly")
    assert world.asked[-1].endswith("/forecast/hourly")
    assert health("nws-grid").status == ForecastSource.Status.DEGRADED
    assert health("nws-hourly").status == ForecastSource.Status.OK
    assert health("nws-periods").last_attempt_at is None


def test_the_forecast_by_half_days_comes_last(new_york):
    world = outside(
        new_york,
        grid=EXPIRED,
        hourly=httpx.Response(500, json={"status": 500}),
        periods=half_days((JULY_10, 85), (JULY_10 + dt.timedelta(days=1), 0)),
    )
    result = take(world)
    assert result.done["forecasts"] == 2
    assert stored() == [
        ("nws-periods", JULY_10, 85.0),
        ("nws-periods", JULY_10 + dt.timedelta(days=1), 0.0),
    ]
    assert [item.subject for item in result.skipped] == ["NY", "NY"]
    assert health("nws-hourly").status == ForecastSource.Status.DEGRADED
    assert health("nws-periods").status == ForecastSource.Status.OK


def test_a_grid_that_makes_no_sense_is_replaced_as_well(new_york):
    grid = grid_body((JULY_10, -200), issued=ISSUED)
    take(outside(new_york, grid=grid, hourly=WHOLE_DAY))
    assert stored() == [("nws-hourly", JULY_10, 88.0)]


def test_a_grid_without_the_station_is_replaced_as_well(new_york):
    take(outside(new_york, grid=None, hourly=WHOLE_DAY))
    assert stored() == [("nws-hourly", JULY_10, 88.0)]


def test_only_the_stations_without_a_grid_are_asked_for():
    Station.objects.exclude(code__in=("NY", "MIA")).update(is_active=False)
    world = outside(real_station("NY"), grid=EXPIRED, hourly=WHOLE_DAY)
    miami = world.has_grid(
        real_station("MIA"), body=grid_body((JULY_10, 92), issued=ISSUED), cell=(106, 51)
    )
    take(world)
    assert stored() == [("nws-grid", JULY_10, 92.0), ("nws-hourly", JULY_10, 88.0)]
    assert f"{miami}/forecast/hourly" not in world.asked


def test_a_silent_service_is_not_asked_for_more(new_york):
    world = World()

    def refuse(request: httpx.Request) -> httpx.Response:
        world.asked.append(request.url.path)
        raise httpx.ConnectError("refused")

    world.handle = refuse
    result = take(world)
    assert len(world.asked) == 1
    assert [item.subject for item in result.skipped] == ["NY"]
    assert health("nws-hourly").last_attempt_at is None


def test_a_storm_of_refused_grids_does_not_stop_the_forecasts_by_hours():
    world = World()
    for number, station in enumerate(Station.objects.filter(is_active=True)):
        path = world.has_grid(station, body=EXPIRED, cell=(number, number))
        world.answers[f"{path}/forecast/hourly"] = hours(MIDNIGHT, *[70.0] * 48)
    result = take(world)
    assert result.done["fallback_stations"] == 4
    assert health("nws-hourly").status == ForecastSource.Status.OK


def test_a_paused_grid_is_replaced_and_one_that_is_switched_off_is_not(new_york):
    ForecastSource.objects.filter(code="nws-grid").update(paused_until=NOW + HOUR)
    world = outside(new_york, grid=EXPIRED, hourly=WHOLE_DAY)
    assert take(world).done["fallback_stations"] == 1
    ForecastSource.objects.filter(code="nws-grid").update(is_active=False)
    assert "fallback_stations" not in take(world).done


def test_a_day_whose_hours_are_not_whole_is_not_stored(new_york):
    cut = hours(MIDNIGHT + 4 * HOUR, *[70.0] * 20)
    result = take(outside(new_york, grid=EXPIRED, hourly=cut))
    assert "covers no whole day" in result.skipped[1].reason
    assert stored() == []


def test_recorded_forecasts_give_their_whole_days(new_york):
    now = dt.datetime(2026, 3, 4, 21, tzinfo=UTC)
    recorded = json.loads((PAYLOADS / "nws_forecast_okx_20260304.json").read_text())
    world = outside(new_york, grid=EXPIRED, periods=recorded)
    take(world, now=now)
    daytime = {
        item["startTime"][:10]: float(item["temperature"])
        for item in recorded["properties"]["periods"]
        if item["isDaytime"]
    }
    # What is left of the running day says nothing about its high.
    del daytime["2026-03-04"]
    assert {str(day): high_f for _, day, high_f in stored()} == daytime


def test_the_same_issuance_is_stored_once_and_a_new_one_beside_it(new_york):
    world = outside(new_york, grid=EXPIRED, hourly=WHOLE_DAY)
    take(world)
    assert take(world, now=NOW + HOUR).done["forecasts"] == 0
    newer = hours(MIDNIGHT, *[70.0] * 23, 90.0, issued="2026-07-09T21:00:00+00:00")
    world = outside(new_york, grid=EXPIRED, hourly=newer)
    take(world, now=NOW + 2 * HOUR)
    assert [high_f for _, _, high_f in stored()] == [88.0, 90.0]


def test_a_forecast_is_invisible_before_it_came_and_a_canary_from_the_future_is_not_read(new_york):
    take(outside(new_york, grid=EXPIRED, hourly=WHOLE_DAY))

    def seen(as_of):
        found = selectors.latest_forecasts(station=new_york, climate_day=JULY_10, as_of=as_of)
        return [item.high_f for item in found]

    assert (seen(NOW - SECOND), seen(NOW)) == ([], [88.0])
    row = Forecast.objects.get()
    row.pk, row.high_f = None, 120.0
    row.issued_at = row.available_at = NOW + HOUR
    row.save()
    assert (seen(NOW + HOUR - SECOND), seen(NOW + HOUR)) == ([88.0], [120.0])


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (hours(MIDNIGHT, *[70.0] * 23, 400.0), "cannot be true"),
        (hours(MIDNIGHT, *[-99.0] * 24), "cannot be true"),
        (hours(MIDNIGHT, *[70.0] * 24, unit="K"), "unit"),
        (hours(MIDNIGHT, *[None] * 24), "covers no whole day"),
        (hours(MIDNIGHT), "covers no whole day"),
        (hours(MIDNIGHT, *[70.0] * 24, issued="2026-07-10T19:00:00Z"), "future"),
        (hours(MIDNIGHT - dt.timedelta(days=2), *[70.0] * 24), "days that are over"),
        ({"properties": {"updateTime": ISSUED, "periods": None}}, "periods"),
        ({"properties": {"periods": []}}, "updateTime"),
        (httpx.Response(429), ""),
        (httpx.Response(503), ""),
        (httpx.Response(200, html="<html>busy</html>"), ""),
        (httpx.Response(200, content=b'{"prop', headers={"content-type": "text/json"}), ""),
    ],
)
def test_a_bad_forecast_by_hours_gives_way_to_half_days_with_its_reason(new_york, bad, why):
    world = outside(new_york, grid=EXPIRED, hourly=bad, periods=half_days((JULY_10, 85)))
    result = take(world)
    assert why in result.skipped[1].reason
    assert stored() == [("nws-periods", JULY_10, 85.0)]


def test_celsius_named_as_fahrenheit_is_refused_with_its_evidence(new_york):
    ClimateReportFactory(station=new_york, climate_day=dt.date(2026, 7, 8), max_f=85)
    take(outside(new_york, grid=EXPIRED, hourly=hours(MIDNIGHT, *[29.0] * 24)))
    assert stored() == []
    refusal = Refusal.objects.get()
    assert "degrees Celsius given as Fahrenheit" in refusal.reason
    assert refusal.source.code == "nws-hourly"


def test_values_in_celsius_that_say_so_are_converted(new_york):
    take(outside(new_york, grid=EXPIRED, hourly=hours(MIDNIGHT, *[30.0] * 24, unit="C")))
    assert stored() == [("nws-hourly", JULY_10, 86.0)]


@pytest.mark.parametrize("day", [dt.date(2026, 3, 8), dt.date(2026, 11, 1), dt.date(2028, 2, 29)])
def test_the_hours_of_odd_days_are_those_of_standard_time(new_york, day):
    midnight = dt.datetime.combine(day, dt.time(5), tzinfo=UTC)
    # The hours just outside of the day are warmer than all of its own.
    body = hours(midnight - HOUR, 99.0, *[50.0] * 24, 99.0, issued=format_utc(midnight - 2 * HOUR))
    take(outside(new_york, grid=EXPIRED, hourly=body), now=midnight - HOUR)
    assert stored() == [("nws-hourly", day, 50.0)]


def test_the_job_uses_the_fallbacks(new_york, monkeypatch):
    for others in ("model_runs", "nbm_bulletins"):
        monkeypatch.setattr(f"weather.services.ingest.{others}", lambda *, now: [])
    world = outside(new_york, grid=EXPIRED, hourly=WHOLE_DAY)
    with patch.object(NwsClient, "from_settings", world.nws):
        result = ingest_forecasts(now=NOW)
    assert result.done["fallback_stations"] == 1
    assert ("nws-hourly", JULY_10, 88.0) in stored()


def test_the_intakes_take_a_client_of_their_own(new_york):
    world = outside(new_york, grid=EXPIRED, hourly=WHOLE_DAY, periods=half_days((JULY_10, 85)))
    for intake in (HourlyForecasts, PeriodForecasts):
        take_in([intake(now=NOW, stations=["NY"], client=world.nws())])
    assert stored() == [("nws-hourly", JULY_10, 88.0), ("nws-periods", JULY_10, 85.0)]
