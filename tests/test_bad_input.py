"""The whole loop against a local world in which one thing is wrong: the rest goes on."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import override_settings

from boz.core.agents import run_agent
from boz.core.models import JobRun
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.faults import FaultKind, Source
from boz.sandbox.recordings.loader import RECORDINGS, load_recordings
from boz.sandbox.scenarios import SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.world import Services, World
from markets.models import BookSnapshot, Event
from prediction.models import Prediction
from trading.choices import Mode
from trading.models import Decision, Trade
from trading.services.portfolios import open_portfolio
from trading.tests.factories import UserFactory
from weather.models import Forecast, ForecastSource, Station
from weather.services.stations import sync_stations
from weather.sources import MODELS

pytestmark = pytest.mark.django_db(transaction=True)

EVENING = dt.datetime(2024, 11, 14, 1, 0, tzinfo=dt.UTC)
OK = JobRun.Status.OK
NEXT_EVENING = EVENING + dt.timedelta(days=1)
#: What the recorded days hold nothing of.
NEVER_RECORDED = {"MIA", "nws-grid: MIA", *(model.name for model in MODELS)} | {
    f"{product} MIA, NY" for product in ("NBP", "NBS", "NBE")
}
ROUND = ("forecasts", "observations", "reports", "markets", "predict", "trade", "settle")


@pytest.fixture(autouse=True)
def stations() -> None:
    sync_stations()
    Station.objects.exclude(code__in=("NY", "MIA")).update(is_active=False)


@pytest.fixture
def world(request) -> Iterator[SandboxServer]:
    scenario = getattr(request, "param", "recorded")
    with SandboxServer(world_of(scenario)) as server:
        addresses = {
            "KALSHI_API_URL": server.rest_url,
            "NWS_API_URL": server.nws_url,
            "AVIATIONWEATHER_API_URL": server.aviationweather_url,
            "OPEN_METEO_API_URL": server.open_meteo_url,
            "OPEN_METEO_CALLS_PER_MINUTE": 100_000,
            "NBM_API_URL": server.nbm_url,
            "NBM_RATE_LIMIT_PER_SECOND": 1000.0,
            "IEM_API_URL": server.iem_url,
            "IEM_RATE_LIMIT_PER_SECOND": 1000.0,
            "WEATHER_COMPANY_API_URL": server.weather_company_url,
            "WEATHER_COMPANY_RATE_LIMIT_PER_SECOND": 1000.0,
            "KALSHI_RATE_LIMIT_PER_SECOND": 1000.0,
            "NWS_RATE_LIMIT_PER_SECOND": 1000.0,
            "AVIATIONWEATHER_RATE_LIMIT_PER_SECOND": 1000.0,
        }
        with override_settings(**addresses):
            yield server


@functools.cache
def services_of(scenario: str) -> Services:
    return Services.of(SCENARIOS[scenario].apply(load_recordings(RECORDINGS)))


def world_of(scenario: str) -> World:
    return World(services_of(scenario), SimulatedClock(EVENING), SCENARIOS[scenario])


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Retries almost without their pauses."""
    monkeypatch.setattr("boz.core.http.BACKOFF_CAP_SECONDS", 0.001)


def play(server: SandboxServer, now: dt.datetime = EVENING) -> dict[str, JobRun]:
    server.world.clock.set(now)
    return {agent: run_agent(agent, now=now) for agent in ROUND}


def portfolio() -> None:
    open_portfolio(
        name="Test",
        owner=UserFactory(username="owner"),
        deposit_dollars=Decimal("100"),
        now=EVENING,
        mode=Mode.AUTO,
    )


def reasons(run: JobRun) -> str:
    return " | ".join(item["reason"] for item in run.skipped)


def test_a_clean_world_gives_predictions_and_decisions(world):
    portfolio()

    runs = play(world)

    assert {run.status for run in runs.values()} == {OK}, {r.agent: r.error for r in runs.values()}
    assert Forecast.objects.filter(station__code="NY").exists()
    assert Event.objects.count() == 2
    assert Prediction.objects.filter(station__code="NY").exists()
    assert Decision.objects.count() == 2


def test_miami_says_that_it_has_no_forecast_and_is_wider(world):
    runs = play(world)

    assert "no grid forecast for Miami" in reasons(runs["forecasts"])
    miami = Prediction.objects.filter(station__code="MIA").get()
    assert miami.missing
    assert not any("nws" in source for source in miami.sources)


@pytest.mark.parametrize("world", ["ladder_gap"], indirect=True)
def test_a_ladder_with_a_gap_is_quarantined_and_the_other_event_goes_on(world):
    portfolio()

    runs = play(world)

    quarantined = Event.objects.get(status=Event.Status.QUARANTINED)
    assert "gap" in quarantined.quarantine_reason.lower() or "between" in (
        quarantined.quarantine_reason.lower()
    )
    assert Event.objects.filter(status=Event.Status.OPEN).count() == 1
    assert not Decision.objects.filter(event=quarantined).exists()
    assert quarantined.ticker in str(runs["markets"].skipped)


@pytest.mark.parametrize("world", ["no_prices"], indirect=True)
def test_a_market_without_a_price_is_never_priced_and_the_others_go_on(world):
    portfolio()

    play(world)

    empty = [
        snapshot
        for snapshot in BookSnapshot.objects.select_related("market")
        if not snapshot.yes_bids and not snapshot.no_bids
    ]
    assert empty
    assert not Trade.objects.filter(market__in=[snapshot.market for snapshot in empty]).exists()
    assert Decision.objects.count() == 2


@pytest.mark.parametrize("world", ["absurd_forecast"], indirect=True)
def test_an_absurd_forecast_is_refused_with_its_reason(world):
    runs = play(world)

    assert not Forecast.objects.filter(high_f__lt=-80).exists()
    assert runs["forecasts"].skipped
    assert runs["markets"].status == OK


@pytest.mark.parametrize("kind", ["http_500", "html", "truncated"])
@pytest.mark.parametrize(
    ("source", "agent"),
    [("nws", "forecasts"), ("kalshi", "markets"), ("aviationweather", "observations")],
)
def test_a_broken_service_spoils_one_job_and_the_next_run_recovers(
    world, impatient, source, agent, kind
):
    world.world.faults.add(Source(source), FaultKind(kind), count=500)
    broken = run_agent(agent, now=EVENING)
    world.world.faults.clear()

    sentence = broken.error or reasons(broken)
    assert sentence
    assert "Traceback" not in sentence
    recovered = run_agent(agent, now=EVENING)
    assert recovered.status == OK
    assert {item["subject"] for item in recovered.skipped} <= NEVER_RECORDED


def test_an_unreachable_service_is_one_sentence_and_the_rest_goes_on(world, impatient):
    with override_settings(NWS_API_URL="http://127.0.0.1:9"):
        run = run_agent("forecasts", now=EVENING)
    others = run_agent("markets", now=EVENING)

    assert run.skipped or run.error
    assert others.status == OK
    assert Event.objects.count() == 2
    assert ForecastSource.objects.exclude(status="ok").exclude(status="unknown").exists()
