"""Which days are still to be fetched, cut into calls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from weather.models import HistoryChunk, Station
from weather.services.history.archive import Archive, Kind
from weather.services.history.spans import ONE_DAY, DaySpan, pieces_of

#: Truth comes first, since forecasts are checked against it.
_ORDER = {Kind.TRUTH: 0, Kind.FORECASTS: 1, Kind.OBSERVATIONS: 1}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some days of a station that one call to an archive covers."""

    archive: Archive[Any]
    station: Station
    days: DaySpan

    @property
    def name(self) -> str:
        """Return what it is, for people."""
        return f"{self.archive.source_code} {self.station.code} {self.days}"


def make_plan(
    archives: Sequence[Archive[Any]],
    stations: Iterable[Station],
    *,
    now: dt.datetime,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> list[Chunk]:
    """Return what is to be fetched: truth first, then the newest days of all stations first.

    Days that have been fetched whole are left out, and days that are not over.

    Args:
        archives: Which.
        stations: Which.
        now: The present moment.
        since: First climate day; None = each archive's usual reach.
        until: Last climate day; None = the last one that is over.
    """
    chunks = [
        Chunk(archive, station, days)
        for station in stations
        for archive in archives
        for days in _wanted(archive, station, now=now, since=since, until=until)
    ]
    return sorted(
        chunks,
        key=lambda chunk: (
            _ORDER[chunk.archive.kind],
            -chunk.days.last.toordinal(),
            chunk.station.code,
        ),
    )


def settled_part(chunk: Chunk, *, now: dt.datetime) -> DaySpan | None:
    """Return the days of a chunk on which the archive has said its last word; None without any."""
    moment = now - chunk.archive.settles_after
    last = min(chunk.days.last, chunk.station.climate_day(moment) - ONE_DAY)
    return None if last < chunk.days.first else DaySpan(chunk.days.first, last)


def _wanted(
    archive: Archive[Any],
    station: Station,
    *,
    now: dt.datetime,
    since: dt.date | None,
    until: dt.date | None,
) -> list[DaySpan]:
    last_over = station.climate_day(now) - ONE_DAY
    first = since or last_over - archive.reach
    if archive.begins_on is not None:
        first = max(first, archive.begins_on)
    last = min(until or last_over, last_over)
    if last < first:
        return []
    finished = HistoryChunk.objects.filter(station=station, source__code=archive.source_code)
    days = set(DaySpan(first, last))
    for done_first, done_last in finished.values_list("first_day", "last_day"):
        days.difference_update(DaySpan(done_first, done_last))
    return pieces_of(days, archive.period)
