"""What there is of the past, per station and source, and whether it is enough to learn from."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from boz.core.clock import format_utc
from weather.models import ClimateReport, Forecast, Observation, Refusal, Station
from weather.selectors import (
    LAST_LEARNED_LEAD_HOURS,
    StandingForecast,
    official_highs,
    standing_forecasts,
)
from weather.services.history.archive import Kind
from weather.services.history.archives import ARCHIVED_SOURCES
from weather.services.history.spans import ONE_DAY, DaySpan, runs_of

#: Gaps that are named; the others are counted.
SHOWN_GAPS = 5
EARLIEST = dt.date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Runs of days between the first and the last one of which there is nothing."""

    count: int
    days: int
    first: tuple[DaySpan, ...]


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """What a source has said about the past days of a station.

    Args:
        first_day: None when there is nothing, as with ``last_day``.
        days: Days of which there is anything; for truth, a final maximum.
        days_by_lead: Forecasts only: days by whole days between issue and the day's end; 0 is
            the day itself.
        usable_days: Forecasts only: days with a forecast known before 10:00 standard time and an
            official high.
        refused: Entries that could not be used, of all times.
    """

    source: str
    kind: Kind
    first_day: dt.date | None
    last_day: dt.date | None
    days: int
    rows: int
    refused: int
    gaps: Gaps
    days_by_lead: dict[int, int]
    usable_days: int


@dataclass(frozen=True, slots=True)
class StationCoverage:
    """What there is of a station.

    Args:
        usable_days: Days with an official high and at least one forecast known before 10:00
            local standard time.
        can_fit: Whether there is anything to learn from.
    """

    station: str
    days_with_truth: int
    days_with_forecasts: int
    days_with_observations: int
    usable_days: int
    can_fit: bool
    sources: tuple[SourceCoverage, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was known of the past at a moment."""

    as_of: dt.datetime
    stations: tuple[StationCoverage, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def coverage(
    stations: Iterable[Station],
    *,
    as_of: dt.datetime,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> Coverage:
    """Return what is known of each station's past.

    Args:
        stations: Which.
        as_of: Nothing known later counts.
        since: First climate day; None = all there is.
        until: Last climate day; None = the last one that is over.
    """
    return Coverage(
        as_of=as_of,
        stations=tuple(
            _station(
                station,
                as_of=as_of,
                days=DaySpan(
                    since or EARLIEST, _last_day(station, as_of=as_of, since=since, until=until)
                ),
            )
            for station in stations
        ),
    )


def _last_day(
    station: Station, *, as_of: dt.datetime, since: dt.date | None, until: dt.date | None
) -> dt.date:
    last_over = station.climate_day(as_of) - ONE_DAY
    return max(min(until or last_over, last_over), since or EARLIEST)


def _station(station: Station, *, as_of: dt.datetime, days: DaySpan) -> StationCoverage:
    highs = official_highs(station=station, as_of=as_of, since=days.first)
    standing = standing_forecasts(
        station=station,
        as_of=as_of,
        since=days.first,
        lead_hours=(LAST_LEARNED_LEAD_HOURS,),
    )
    usable = [row for row in standing if row.climate_day in days]
    refused = Counter(
        Refusal.objects.filter(station=station).values_list("source__code", flat=True)
    )
    found = {
        Kind.TRUTH: _truth(station, as_of=as_of, days=days),
        Kind.FORECASTS: _forecasts(station, as_of=as_of, days=days),
        Kind.OBSERVATIONS: _observations(station, as_of=as_of, days=days),
    }
    for code, kind in ARCHIVED_SOURCES.items():
        _of(found[kind], code)
    return StationCoverage(
        station=station.code,
        days_with_truth=len([day for day in highs if day in days]),
        days_with_forecasts=_days_of_any(found[Kind.FORECASTS]),
        days_with_observations=_days_of_any(found[Kind.OBSERVATIONS]),
        usable_days=len({row.climate_day for row in usable}),
        can_fit=bool(usable),
        sources=tuple(
            _summary(code, kind, item, refused, usable=usable)
            for kind, by_source in found.items()
            for code, item in by_source.items()
        ),
    )


@dataclass(slots=True)
class _Found:
    """Rows of a source counted by day, and for forecasts by day and lead."""

    days: Counter[dt.date]
    leads: set[tuple[dt.date, int]]


def _truth(station: Station, *, as_of: dt.datetime, days: DaySpan) -> dict[str, _Found]:
    rows = (
        ClimateReport.objects.known(as_of)
        .filter(
            station=station,
            climate_day__range=(days.first, days.last),
            is_preliminary=False,
            max_f__isnull=False,
        )
        .order_by("source__code")
    )
    found: dict[str, _Found] = {}
    for code, day in rows.values_list("source__code", "climate_day"):
        _of(found, code).days[day] += 1
    return found


def _forecasts(station: Station, *, as_of: dt.datetime, days: DaySpan) -> dict[str, _Found]:
    rows = (
        Forecast.objects.known(as_of)
        .filter(station=station, climate_day__range=(days.first, days.last))
        .order_by("source__code")
    )
    found: dict[str, _Found] = {}
    fields = rows.values_list("source__code", "climate_day", "issued_at")
    for code, day, issued_at in fields.iterator():
        mine = _of(found, code)
        mine.days[day] += 1
        _, end = station.climate_day_bounds(day)
        mine.leads.add((day, max(0, (end - issued_at) // ONE_DAY)))
    return found


def _observations(station: Station, *, as_of: dt.datetime, days: DaySpan) -> dict[str, _Found]:
    start, _ = station.climate_day_bounds(days.first)
    _, end = station.climate_day_bounds(days.last)
    rows = (
        Observation.objects.known(as_of)
        .filter(station=station, observed_at__gte=start, observed_at__lt=end)
        .order_by("source__code")
    )
    found: dict[str, _Found] = {}
    for code, observed_at in rows.values_list("source__code", "observed_at").iterator():
        _of(found, code).days[station.climate_day(observed_at)] += 1
    return found


def _of(found: dict[str, _Found], code: str) -> _Found:
    return found.setdefault(code, _Found(Counter(), set()))


def _days_of_any(found: dict[str, _Found]) -> int:
    return len({day for item in found.values() for day in item.days})


def _summary(
    code: str,
    kind: Kind,
    found: _Found,
    refused: Counter[str],
    *,
    usable: Sequence[StandingForecast],
) -> SourceCoverage:
    first, last = min(found.days, default=None), max(found.days, default=None)
    by_lead = Counter(lead for _, lead in found.leads)
    return SourceCoverage(
        source=code,
        kind=kind,
        first_day=first,
        last_day=last,
        days=len(found.days),
        rows=found.days.total(),
        refused=refused[code],
        gaps=_gaps(found.days),
        days_by_lead=dict(sorted(by_lead.items())),
        usable_days=sum(row.source_code == code for row in usable),
    )


def _gaps(days: Mapping[dt.date, int]) -> Gaps:
    if not days:
        return Gaps(0, 0, ())
    missing = runs_of(day for day in DaySpan(min(days), max(days)) if day not in days)
    return Gaps(len(missing), sum(map(len, missing)), tuple(missing[:SHOWN_GAPS]))


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return format_utc(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
