"""The reports of a station, each moment once, as they were known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from weather.domain.metar import CORRECTED
from weather.domain.station_observation import FIVE_MINUTE
from weather.models import Observation, Station


@dataclass(frozen=True, slots=True)
class StationReading:
    """One station report of a climate day: the whole °F it can mean, and its 6-hour maximum."""

    at: dt.datetime
    low_f: int
    high_f: int
    max_6h_f: int | None
    kind: str


def preferred_reports(rows: Iterable[Observation]) -> list[Observation]:
    """Return one report per moment, oldest first.

    Several services pass on one report: a correction stands for it, then the exact reading.
    """
    best: dict[dt.datetime, Observation] = {}
    for item in sorted(rows, key=_preference, reverse=True):
        best[item.observed_at] = item
    return [best[at] for at in sorted(best)]


def readings_by_day(
    *, station: Station, since: dt.date, as_of: dt.datetime
) -> dict[dt.date, tuple[StationReading, ...]]:
    """Return the routine and special reports of each climate day as sent, oldest first.

    Five-minute values are left out: they are those of a moment and prove less than they read.

    Args:
        station: Where.
        since: First climate day wanted.
        as_of: Nothing known later is used.
    """
    start, _ = station.climate_day_bounds(since)
    rows = (
        Observation.objects.known(as_of)
        .filter(station=station, available_at__gte=start, observed_at__gte=start)
        .exclude(kind=FIVE_MINUTE)
        .only("observed_at", "kind", "temp_low_f", "temp_high_f", "max_6h_f")
    )
    days: dict[dt.date, list[StationReading]] = {}
    for item in preferred_reports(rows):
        days.setdefault(station.climate_day(item.observed_at), []).append(
            StationReading(
                item.observed_at, item.temp_low_f, item.temp_high_f, item.max_6h_f, item.kind
            )
        )
    return {day: tuple(found) for day, found in days.items()}


def _preference(report: Observation) -> tuple[bool, int, int, int]:
    """Order the reports of one moment, the one to believe first."""
    return (
        not report.kind.endswith(CORRECTED),
        report.temp_high_f - report.temp_low_f,
        report.temp_low_f,
        report.pk,
    )
