"""How fast weather comes in: parsing and storing, and a whole cycle over every source.

It is measured against the local world, whose cities have invented weather: the load is that of the
real services, the numbers mean nothing.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from boz.core.benchmarks import RUNS, Measurement, register_benchmark, timed
from boz.core.clock import parse_utc
from boz.core.errors import TransientError
from boz.core.models import JobRun
from boz.sandbox.environment import MANAGE, inside_of, product_environment, world_beside_us
from weather.domain.metar import parse_metar
from weather.models import (
    ClimateReport,
    DailySummary,
    Forecast,
    ForecastSource,
    Observation,
    Payload,
    Refusal,
    SourceContact,
    Station,
)
from weather.services.health import SourceRun, get_source
from weather.services.intake import take_in
from weather.services.model_runs import ModelRuns
from weather.services.observation_rows import store_observations
from weather.sources import AVIATIONWEATHER, MODELS_BY_CODE

INVENTED = ("--scenario", "every_source")
LATENCY_MS = 200
ENSEMBLE = "ecmwf-ens"
REPORTS_PER_STATION = 500
FIVE_MINUTES = dt.timedelta(minutes=5)

_WRITTEN = (*(Forecast, Observation, ClimateReport, DailySummary, Refusal, SourceContact, Payload),)


def register() -> None:
    """Make the parts known."""
    for part in (_members, _reports, _cycle):
        register_benchmark("ingest", part)


def _members() -> Sequence[Measurement]:
    """Measure one ensemble run for all stations, from the call on loopback to committed rows."""
    model = MODELS_BY_CODE[ENSEMBLE]
    with world_beside_us(*INVENTED) as world, inside_of(world):
        now = _prepare(world)

        def intake() -> ModelRuns:
            _empty()
            return ModelRuns(now=now, model=model)

        seconds = timed(lambda ready: take_in([ready]), prepare=intake)
    rows = Forecast.objects.count()
    members = sum(len(row) for row in Forecast.objects.values_list("member_highs_f", flat=True))
    return [
        Measurement(
            "members",
            f"one ensemble run of {model.members} members for {Station.objects.count()} stations: "
            f"call on loopback, daily maxima, checks, {rows} rows with {members} member highs "
            f"committed to {connection.display_name}",
            members,
            "member rows",
            seconds,
        )
    ]


def _reports() -> Sequence[Measurement]:
    """Measure station reports, from their text to committed rows."""
    stations = list(Station.objects.order_by("code"))
    source = get_source(AVIATIONWEATHER)
    now = dt.datetime(2026, 7, 15, tzinfo=dt.UTC)
    texts = [
        (station, now - number * FIVE_MINUTES, _report_text(station, now - number * FIVE_MINUTES))
        for station in stations
        for number in range(REPORTS_PER_STATION)
    ]

    def store(run: SourceRun) -> None:
        rows = [_observation(*text, run=run) for text in texts]
        store_observations(rows, run=run, captured=None)

    def ground() -> SourceRun:
        _empty()
        return SourceRun(source, now=now)

    return [
        Measurement(
            "reports",
            f"{len(texts)} station reports of {len(stations)} stations: read the text, check, "
            f"commit to {connection.display_name}",
            len(texts),
            "rows",
            timed(store, prepare=ground),
        )
    ]


def _cycle() -> Sequence[Measurement]:
    """Measure a first fetch of everything, in a process of its own, as the job records it."""
    seconds = []
    with world_beside_us(*INVENTED, "--latency-ms", str(LATENCY_MS)) as world:
        now = _prepare(world)
        for _ in range(RUNS):
            _empty()
            Station.objects.update(grid_id="", grid_x=None, grid_y=None, grid_resolved_at=None)
            seconds.append(_fetch_everything(world, now))
    rows = sum(model.objects.count() for model in _WRITTEN[:4])
    sources = SourceContact.objects.values("source").distinct().count()
    paid = "Open-Meteo at the limits of a paid plan (the free 600 a minute would not hold it)"
    return [
        Measurement(
            "cycle",
            f"a first fetch of {Station.objects.count()} stations from {sources} sources, "
            f"{rows} rows, {LATENCY_MS} ms latency per call, within each host's limits",
            1,
            "cycles",
            tuple(seconds),
            (paid,),
        )
    ]


def _fetch_everything(world: Mapping[str, Any], now: dt.datetime) -> float:
    environment = {
        **product_environment(world, database_url=_database_url(), keep_limits=True),
        "OPEN_METEO_CALLS_PER_MINUTE": "10000",
    }
    command = [sys.executable, str(MANAGE), "run_agent", "weather", "--once"]
    command += ["--as-of", now.isoformat()]
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        command, env=environment, capture_output=True, text=True, check=False
    )
    run = JobRun.objects.filter(agent="weather").order_by("-started_at").first()
    if done.returncode != 0 or run is None or run.finished_at is None or run.skipped:
        raise TransientError(
            f"The cycle did not go through: {done.stderr[-500:]}",
            {"skipped": [] if run is None else run.skipped[:5]},
        )
    return (run.finished_at - run.started_at).total_seconds()


def _database_url() -> str:
    return f"sqlite:///{settings.DATABASES['default']['NAME']}"


def _prepare(world: Mapping[str, Any]) -> dt.datetime:
    """Switch everything on; return the world's now."""
    Station.objects.update(is_active=True)
    ForecastSource.objects.update(is_active=True, paused_until=None)
    return parse_utc(world["now"])


def _empty() -> None:
    for model in _WRITTEN:
        model.objects.all().delete()


def _report_text(station: Station, at: dt.datetime) -> str:
    tenths = 200 + (at.hour * 12 + at.minute // 5) % 120
    return (
        f"METAR {station.icao} {at:%d%H%M}Z AUTO 24008KT 10SM CLR {tenths // 10:02d}/12 A3001 "
        f"RMK AO2 SLP157 T0{tenths:03d}0120"
    )


def _observation(station: Station, at: dt.datetime, text: str, *, run: SourceRun) -> Observation:
    metar = parse_metar(text, around=at)
    if metar.temperature is None:
        raise ValueError(f"the benchmark's own report has no temperature: {text}")
    return Observation(
        station=station,
        source=run.source,
        kind=metar.kind,
        observed_at=metar.observed_at,
        temp_low_f=metar.temperature.low_f,
        temp_high_f=metar.temperature.high_f,
        raw=text,
        issued_at=metar.observed_at,
        available_at=run.now,
        fetched_at=run.now,
    )
