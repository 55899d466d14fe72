"""Write what stations report: every report once, in whatever order it comes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.domain.metar import MetarReport
from weather.domain.station_observation import StationObservation
from weather.models import ForecastSource, Observation, Station
from weather.services.health import SourceRun
from weather.services.payloads import store_with_payload

#: A report from further in the future than this has a broken time.
CLOCK_TOLERANCE = dt.timedelta(minutes=10)


def require_past(observed_at: dt.datetime, *, now: dt.datetime, icao: str) -> None:
    """Refuse a report that lies in the future.

    Raises:
        InvalidDataError: If it does, by more than clocks differ.
    """
    if observed_at > now + CLOCK_TOLERANCE:
        raise InvalidDataError(
            f"A report of {icao} lies in the future.",
            {"observed_at": observed_at.isoformat(), "now": now.isoformat()},
        )


def observation_row(
    reading: MetarReport | StationObservation,
    *,
    station: Station,
    source: ForecastSource,
    raw: str,
    available_at: dt.datetime,
    now: dt.datetime,
) -> Observation | None:
    """Return an unsaved row; None for a report without a temperature, which is no fault."""
    if reading.temperature is None:
        return None
    return Observation(
        station=station,
        source=source,
        kind=reading.kind,
        observed_at=reading.observed_at,
        temp_low_f=reading.temperature.low_f,
        temp_high_f=reading.temperature.high_f,
        max_6h_f=reading.max_6h_f,
        max_24h_f=reading.max_24h_f,
        raw=raw,
        issued_at=reading.observed_at,
        available_at=max(available_at, reading.observed_at),
        fetched_at=now,
    )


def store_observations(
    rows: Sequence[Observation], *, run: SourceRun, captured: Captured | None
) -> int:
    """Write the reports not stored yet, together with the answer they came from.

    Returns:
        How many are new.
    """
    for row in rows:
        run.note_issue(row.issued_at)
    new = _unknown(rows, run=run)
    store_with_payload(new, captured)
    return len(new)


def _unknown(rows: Sequence[Observation], *, run: SourceRun) -> list[Observation]:
    """Return the rows not stored yet, each natural key once."""
    if not rows:
        return []
    known = set(
        Observation.objects.filter(
            station__in={row.station_id for row in rows},
            source=run.source,
            observed_at__gte=min(row.observed_at for row in rows),
            observed_at__lte=max(row.observed_at for row in rows),
        ).values_list("station_id", "observed_at", "kind")
    )
    keyed = {(row.station_id, row.observed_at, row.kind): row for row in rows}
    return [row for key, row in keyed.items() if key not in known]
