"""Write a chunk of the past: its rows, its refusals and the mark that it is done, or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from boz.core.http import Captured
from weather.models import (
    ClimateReport,
    Forecast,
    ForecastSource,
    HistoryChunk,
    Observation,
    Refusal,
    Station,
)
from weather.services.history.archive import Problem, Readout, Row
from weather.services.history.plan import Chunk, settled_part
from weather.services.payloads import store_payload
from weather.services.refusals import record_refusal

#: Rows per statement.
BATCH = 2000


def store_chunk(
    chunk: Chunk,
    readout: Readout,
    *,
    source: ForecastSource,
    captured: Captured | None,
    now: dt.datetime,
) -> int:
    """Write what is not stored yet; return how many rows are new.

    Days on which the archive has not said its last word are not marked as done.
    """
    new = _unknown(readout.rows, station=chunk.station, source=source)
    settled = settled_part(chunk, now=now)
    with transaction.atomic():
        _insert(new, captured)
        _refuse(readout.problems, chunk.station, source, captured, now)
        if settled is not None:
            HistoryChunk.objects.update_or_create(
                station=chunk.station,
                source=source,
                first_day=settled.first,
                last_day=settled.last,
                defaults={
                    "rows": len(new),
                    "problems": len(readout.problems),
                    "finished_at": now,
                },
            )
    return len(new)


def _insert(rows: Sequence[Row], captured: Captured | None) -> None:
    if not rows:
        return
    payload = None if captured is None else store_payload(captured)
    for row in rows:
        row.payload = payload
    # A job may have written one of them since; the first one stands.
    model: Any = type(rows[0])
    model.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)


def _refuse(
    problems: Sequence[Problem],
    station: Station,
    source: ForecastSource,
    captured: Captured | None,
    now: dt.datetime,
) -> None:
    """Keep what was refused once, however often days that are not settled are fetched again."""
    if not problems:
        return
    known = set(
        Refusal.objects.filter(source=source, station=station).values_list("subject", "reason")
    )
    for problem in problems:
        if (problem.subject[:200], problem.reason) in known:
            continue
        known.add((problem.subject[:200], problem.reason))
        record_refusal(
            source,
            subject=problem.subject,
            reason=problem.reason,
            context=problem.context,
            station=station,
            captured=captured,
            now=now,
        )


def _unknown(rows: Sequence[Row], *, station: Station, source: ForecastSource) -> list[Row]:
    """Return the rows not stored yet, each natural key once."""
    keyed: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        keyed.setdefault(_key(row), row)
    known = _known_keys(rows, station=station, source=source) if rows else set()
    return [row for key, row in keyed.items() if key not in known]


def _key(row: Row) -> tuple[Any, ...]:
    if isinstance(row, Forecast):
        return row.climate_day, row.issued_at
    if isinstance(row, Observation):
        return row.observed_at, row.kind
    return row.product_id, row.climate_day


def _known_keys(
    rows: Sequence[Row], *, station: Station, source: ForecastSource
) -> set[tuple[Any, ...]]:
    first = rows[0]
    if isinstance(first, Forecast):
        days = [row.climate_day for row in rows if isinstance(row, Forecast)]
        forecasts = Forecast.objects.filter(
            station=station, source=source, climate_day__range=(min(days), max(days))
        )
        return set(forecasts.values_list("climate_day", "issued_at"))
    if isinstance(first, Observation):
        times = [row.observed_at for row in rows if isinstance(row, Observation)]
        observations = Observation.objects.filter(
            station=station, source=source, observed_at__range=(min(times), max(times))
        )
        return set(observations.values_list("observed_at", "kind"))
    days = [row.climate_day for row in rows if isinstance(row, ClimateReport)]
    # One product is one report, whoever brought it.
    reports = ClimateReport.objects.filter(
        station=station, climate_day__range=(min(days), max(days))
    )
    return set(reports.values_list("product_id", "climate_day"))
