"""Take in station reports: temperatures as intervals, and the maximum groups."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from boz.core.agents import AgentResult
from boz.core.errors import BozBaseException, InvalidDataError
from boz.core.logging import get_logger
from weather.clients.aviationweather import AviationWeatherClient, StationReport, StationReports
from weather.domain.metar import parse_metar
from weather.models import ForecastSource, Observation, Station
from weather.services.health import SourceRun, get_source
from weather.services.payloads import store_payload
from weather.stations import AVIATIONWEATHER

log = get_logger("WEATHER")

#: Stations per call: with specials, the rows stay below the service's limit of 400.
CHUNK = 20
#: Late and corrected reports arrive up to some hours after their time.
HOURS = 3.0
CLOCK_TOLERANCE = dt.timedelta(minutes=10)


def ingest_observations(
    *, now: dt.datetime, hours: float = HOURS, client: AviationWeatherClient | None = None
) -> AgentResult:
    """Fetch and store the reports of every active station.

    Args:
        now: The moment of the fetch; new rows are available from then on.
        hours: How far back to ask.
        client: Replaces the ordinary client, which is built from the settings.
    """
    source = get_source(AVIATIONWEATHER)
    run = SourceRun(source, now=now)
    if not source.is_active:
        run.skip(source.code, f"{source.name} is switched off.")
        return AgentResult(done={"observations": 0}, skipped=run.skipped)
    stations = list(Station.objects.filter(is_active=True))
    stored = 0
    with client or AviationWeatherClient.from_settings(capture=run.box) as service:
        for first in range(0, len(stations), CHUNK):
            chunk = stations[first : first + CHUNK]
            run.box.clear()
            try:
                answer = service.metars([station.icao for station in chunk], hours=hours)
            except BozBaseException as error:
                run.leave_out(", ".join(station.code for station in chunk), error)
                continue
            run.answered()
            stored += _store(answer, chunk, run=run)
    run.finish()
    return AgentResult(done={"observations": stored}, skipped=run.skipped)


def _store(answer: StationReports, stations: list[Station], *, run: SourceRun) -> int:
    """Write the reports not stored yet; return how many."""
    for subject, reason in answer.problems:
        run.leave_out(subject, InvalidDataError(reason))
    by_icao = {station.icao: station for station in stations}
    rows = []
    for report in answer.reports:
        station = by_icao.get(report.icao)
        if station is None:
            run.skip(report.icao, f"Nobody asked for a report of {report.icao}.")
            continue
        try:
            row = _row(report, station=station, source=run.source, now=run.now)
        except InvalidDataError as error:
            run.leave_out(f"{station.code} {report.observed_at:%Y-%m-%d %H:%M}Z", error)
            continue
        if row is not None:
            rows.append(row)
    new = _unknown(rows, source=run.source)
    if new:
        with transaction.atomic():
            payload = store_payload(run.box.latest)
            for row in new:
                row.payload = payload
            Observation.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _row(
    report: StationReport, *, station: Station, source: ForecastSource, now: dt.datetime
) -> Observation | None:
    """Return an unsaved row; None for a report without a temperature, which is no fault."""
    metar = parse_metar(report.raw, around=report.observed_at, kind=report.kind)
    if metar.icao != station.icao:
        raise InvalidDataError(
            f"A report filed under {station.icao} is one of {metar.icao}.",
            {"raw": report.raw[:200]},
        )
    if metar.observed_at > now + CLOCK_TOLERANCE:
        raise InvalidDataError(
            f"A report of {station.icao} lies in the future.",
            {"observed_at": metar.observed_at.isoformat(), "now": now.isoformat()},
        )
    if metar.temperature is None:
        return None
    return Observation(
        station=station,
        source=source,
        kind=metar.kind,
        observed_at=metar.observed_at,
        temp_low_f=metar.temperature.low_f,
        temp_high_f=metar.temperature.high_f,
        max_6h_f=metar.max_6h_f,
        max_24h_f=metar.max_24h_f,
        raw=report.raw,
        issued_at=metar.observed_at,
        available_at=max(now, metar.observed_at),
        fetched_at=now,
    )


def _unknown(rows: list[Observation], *, source: ForecastSource) -> list[Observation]:
    """Return the rows not stored yet, each natural key once."""
    if not rows:
        return []
    oldest = min(row.observed_at for row in rows)
    stations = {row.station_id for row in rows}
    known = set(
        Observation.objects.filter(
            station__in=stations, source=source, observed_at__gte=oldest
        ).values_list("station_id", "observed_at", "kind")
    )
    keyed = {(row.station_id, row.observed_at, row.kind): row for row in rows}
    return [row for key, row in keyed.items() if key not in known]
