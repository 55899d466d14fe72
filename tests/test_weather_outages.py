"""Everything about the weather in one job against a local world in which one service is out."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import override_settings

from boz.core.clock import format_utc
from boz.sandbox.faults import FaultKind, Source
from boz.sandbox.scenarios import INVENTED_NOW
from boz.sandbox.server import SandboxServer
from boz.sandbox.world import open_world
from weather import selectors
from weather.models import ForecastSource, Station
from weather.sources import SOURCES, Service

pytestmark = pytest.mark.django_db

#: Where each service is spoilt, and which sources that takes away.
SERVICES = {
    Source.NWS: Service.NWS,
    Source.AVIATIONWEATHER: Service.AVIATIONWEATHER,
    Source.OPEN_METEO: Service.OPEN_METEO,
    Source.NBM: Service.NBM,
    Source.IEM: Service.IEM,
    Source.WEATHER_COMPANY: Service.WEATHER_COMPANY,
}
POLLED = {source.code: source.service for source in SOURCES if source.is_polled}
FALLBACKS = {"nws-hourly", "nws-periods"}


@pytest.fixture(scope="module")
def world() -> Iterator[SandboxServer]:
    with SandboxServer(open_world(scenario="every_source")) as running:
        yield running


@pytest.fixture
def services(world, monkeypatch) -> Iterator[SandboxServer]:
    monkeypatch.setattr("boz.core.http.BACKOFF_CAP_SECONDS", 0.0)
    world.world.faults.clear()
    addresses = {
        "NWS_API_URL": world.nws_url,
        "AVIATIONWEATHER_API_URL": world.aviationweather_url,
        "OPEN_METEO_API_URL": world.open_meteo_url,
        "NBM_API_URL": world.nbm_url,
        "IEM_API_URL": world.iem_url,
        "WEATHER_COMPANY_API_URL": world.weather_company_url,
        "NWS_USER_AGENT": "tests (nobody@example.org)",
        "OPEN_METEO_CALLS_PER_MINUTE": 1_000_000,
        **{
            f"{name}_RATE_LIMIT_PER_SECOND": 9999.0
            for name in ("NWS", "AVIATIONWEATHER", "NBM", "IEM", "WEATHER_COMPANY")
        },
    }
    with override_settings(**addresses):
        yield world


def run_weather() -> dict:
    out = io.StringIO()
    arguments = ["--once", "--as-of", format_utc(INVENTED_NOW), "--json"]
    call_command("run_agent", "weather", *arguments, stdout=out)
    return json.loads(out.getvalue())


def status_by_source() -> dict[str, str]:
    asked = ForecastSource.objects.exclude(last_attempt_at=None)
    return dict(asked.values_list("code", "status"))


def test_every_source_is_heard_and_a_second_run_finds_nothing_new(services):
    first, again = run_weather(), run_weather()
    assert first["skipped"] == []
    assert status_by_source() == dict.fromkeys(POLLED.keys() - FALLBACKS, ForecastSource.Status.OK)
    # Climate reports are caught up with over several runs; the others are had at once.
    new = ("daily_summaries", "settlement_values", "observations", "forecasts")
    assert all(first[name] > 0 for name in ("climate_reports", *new))
    assert [again[name] for name in new] == [0] * len(new)
    for station in Station.objects.filter(is_active=True):
        yesterday = station.climate_day(INVENTED_NOW) - dt.timedelta(days=1)
        day = {"station": station, "climate_day": yesterday}
        official = selectors.official_report(**day, as_of=INVENTED_NOW)
        second = selectors.second_reading(**day, as_of=INVENTED_NOW)
        running = selectors.running_maximum(**day, as_of=INVENTED_NOW)
        assert official.max_f == second.max_f == running.low_f


@pytest.mark.parametrize("out", SERVICES)
def test_an_outage_of_one_service_ends_well_and_shows_in_its_health_alone(services, out):
    services.world.faults.add(out, FaultKind.HTTP_503, count=0)
    result = run_weather()
    assert result["skipped"]
    lost = {code for code, service in POLLED.items() if service is SERVICES[out]}
    health = status_by_source()
    assert {code for code, status in health.items() if status != "ok"} == lost
    reasons = ForecastSource.objects.filter(code__in=lost).values_list("status_reason", flat=True)
    assert all(reasons)
    assert {code for code, status in health.items() if status == "ok"} == (
        POLLED.keys() - lost - FALLBACKS
    )
