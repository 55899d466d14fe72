"""What was known about the weather at a moment; nothing available later is ever visible."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from boz.core.schemas import WeatherData, WeatherVariables
from weather.domain.metar import (
    CORRECTED,
    cover_afternoon,
    is_day_group_of_day,
    is_six_hour_group_of_day,
    six_hour_window,
)
from weather.models import ClimateReport, Forecast, Observation, Station

#: Local standard time before which a forecast cannot have seen the day's usual peak.
BEFORE_PEAK = dt.timedelta(hours=12)
#: The 24-hour group and late routine reports come just after the day's end.
REPORT_SLACK = dt.timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class ForecastError:
    """A forecast made before a day's peak beside what the day became."""

    climate_day: dt.date
    source_code: str
    lead_hours: float
    forecast_high_f: float
    observed_high_f: int


@dataclass(frozen=True, slots=True)
class RunningMaximum:
    """The highest temperature of a climate day known so far.

    Args:
        low_f: The official high is at least this, barring a later removal by quality control.
        high_f: The warmest that the evidence so far can mean; no bound on the day's high. Sampled
            maxima read low, so this is also the best single value.
        at: When the evidence for ``low_f`` was observed or issued.
        evidence: A short sentence on what shows it.
        observed_until: Time of the newest station report of the day; None without any.
        is_afternoon_covered: Whether maximum groups span the whole afternoon, so that no peak
            between two reports can have been missed.
    """

    low_f: int
    high_f: int
    at: dt.datetime
    evidence: str
    observed_until: dt.datetime | None = None
    is_afternoon_covered: bool = False


@dataclass(frozen=True, slots=True)
class _Period:
    """A maximum group: the exact maximum of the time ``start..end``."""

    start: dt.datetime
    end: dt.datetime
    max_f: int
    kind: str


def latest_forecasts(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[Forecast]:
    """Return the latest issuance of each source for a day that was known then."""
    rows = Forecast.objects.filter(
        station=station, climate_day=climate_day, available_at__lte=as_of
    )
    latest: dict[int, int] = {}
    for source_id, pk in rows.order_by("-issued_at", "-pk").values_list("source_id", "pk"):
        latest.setdefault(source_id, pk)
    if not latest:
        return []
    found = Forecast.objects.filter(pk__in=latest.values()).select_related("source", "station")
    return list(found.order_by("source__code"))


def weather_data(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[WeatherData]:
    """Return what each source last said about a day, as known then, in the shape for outside."""
    rows = latest_forecasts(station=station, climate_day=climate_day, as_of=as_of)
    return [
        WeatherData(
            city=row.station.code,
            climate_day=row.climate_day,
            source=row.source.code,
            high_f=row.high_f,
            member_highs_f=tuple(row.member_highs_f),
            variables=WeatherVariables.model_validate(row.variables),
            model_run_at=row.model_run_at,
            issued_at=row.issued_at,
            available_at=row.available_at,
        )
        for row in rows
    ]


def official_highs(
    *, station: Station, as_of: dt.datetime, since: dt.date | None = None
) -> dict[dt.date, int]:
    """Return the high of each day by the latest final report known then, oldest day first.

    A day whose latest final report says that the maximum is missing is left out: what an earlier
    version said has been taken back.
    """
    rows = ClimateReport.objects.filter(
        station=station, available_at__lte=as_of, is_preliminary=False
    )
    if since is not None:
        rows = rows.filter(climate_day__gte=since)
    latest = dict(
        rows.order_by("climate_day", "issued_at", "is_correction", "pk").values_list(
            "climate_day", "max_f"
        )
    )
    return {day: high for day, high in latest.items() if high is not None}


def official_report(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> ClimateReport | None:
    """Return the latest final report known then; None also when it gives no maximum."""
    report = (
        ClimateReport.objects.filter(
            station=station,
            climate_day=climate_day,
            available_at__lte=as_of,
            is_preliminary=False,
        )
        .order_by("-issued_at", "-is_correction", "-pk")
        .first()
    )
    return None if report is None or report.max_f is None else report


def forecast_errors(*, station: Station, as_of: dt.datetime, since: dt.date) -> list[ForecastError]:
    """Return forecasts beside official highs, for learning how forecasts err.

    One per source and day: the latest that was issued and known before noon (local standard time)
    of the day. A later one has seen part of the answer.
    """
    highs = official_highs(station=station, as_of=as_of, since=since)
    if not highs:
        return []
    rows = (
        Forecast.objects.filter(
            station=station,
            available_at__lte=as_of,
            climate_day__gte=since,
            climate_day__lte=max(highs),
        )
        .order_by("climate_day", "source__code", "issued_at", "pk")
        .values_list("climate_day", "source__code", "issued_at", "available_at", "high_f")
    )
    latest: dict[tuple[dt.date, str], ForecastError] = {}
    bounds: dict[dt.date, tuple[dt.datetime, dt.datetime]] = {}
    for day, source_code, issued_at, available_at, high_f in rows.iterator():
        observed = highs.get(day)
        if observed is None:
            continue
        start, end = bounds.setdefault(day, station.climate_day_bounds(day))
        # Issue precedes availability, so the later of the two decides.
        if available_at >= start + BEFORE_PEAK:
            continue
        latest[day, source_code] = ForecastError(
            climate_day=day,
            source_code=source_code,
            lead_hours=(end - issued_at).total_seconds() / 3600,
            forecast_high_f=high_f,
            observed_high_f=observed,
        )
    return list(latest.values())


def running_maximum(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> RunningMaximum | None:
    """Return the highest temperature of a day that was certain then, None without evidence.

    Evidence are station reports inside the day, 6-hour groups whose whole period lies inside it,
    the 24-hour group at its end, and climate reports of the day itself (a partial one is a lower
    bound; a final one is here no more than that).
    """
    start, _ = station.climate_day_bounds(climate_day)
    reports = _observations(station=station, climate_day=climate_day, as_of=as_of)
    periods = _periods(reports, station=station, climate_day=climate_day)
    readings = _readings(reports, periods, station=station, climate_day=climate_day)
    found = [
        *readings,
        *(
            RunningMaximum(item.max_f, item.max_f, item.end, f"{item.kind} {item.end:%H:%M}Z")
            for item in periods
        ),
        *_reported_maxima(station=station, climate_day=climate_day, as_of=as_of),
    ]
    if not found:
        return None
    warmest = max(found, key=lambda item: (item.low_f, -item.at.timestamp()))
    return RunningMaximum(
        low_f=warmest.low_f,
        high_f=max(item.high_f for item in found),
        at=warmest.at,
        evidence=warmest.evidence,
        observed_until=max((item.at for item in readings), default=None),
        is_afternoon_covered=cover_afternoon(
            [(item.start, item.end) for item in periods], day_start=start
        ),
    )


def _reported_maxima(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[RunningMaximum]:
    reports = ClimateReport.objects.filter(
        station=station, climate_day=climate_day, available_at__lte=as_of, max_f__isnull=False
    ).order_by("issued_at", "is_correction", "pk")
    latest: dict[bool, tuple[int, dt.datetime]] = {}
    for max_f, issued_at, is_preliminary in reports.values_list(
        "max_f", "issued_at", "is_preliminary"
    ):
        if max_f is not None:
            latest[is_preliminary] = (max_f, issued_at)
    kinds = {True: "partial climate report", False: "final climate report"}
    return [
        RunningMaximum(max_f, max_f, issued_at, kinds[is_preliminary])
        for is_preliminary, (max_f, issued_at) in latest.items()
    ]


def _observations(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[Observation]:
    """Return the reports that may speak of a day, oldest first, corrected ones in place."""
    start, end = station.climate_day_bounds(climate_day)
    rows = Observation.objects.filter(
        station=station,
        # Nothing is available before it is observed; this bound is for the index.
        available_at__gte=start,
        available_at__lte=as_of,
        observed_at__gte=start,
        observed_at__lt=end + REPORT_SLACK,
    ).only("observed_at", "kind", "temp_low_f", "temp_high_f", "max_6h_f", "max_24h_f")
    reports = list(rows.order_by("observed_at"))
    corrected = {item.observed_at for item in reports if item.kind.endswith(CORRECTED)}
    return [
        item
        for item in reports
        if item.kind.endswith(CORRECTED) or item.observed_at not in corrected
    ]


def _periods(
    reports: Sequence[Observation], *, station: Station, climate_day: dt.date
) -> list[_Period]:
    start, end = station.climate_day_bounds(climate_day)
    found = []
    for item in reports:
        at = item.observed_at
        if item.max_6h_f is not None and is_six_hour_group_of_day(at, day_start=start, day_end=end):
            found.append(_Period(*six_hour_window(at), item.max_6h_f, "6-hour maximum"))
        if item.max_24h_f is not None and is_day_group_of_day(at, day_end=end):
            found.append(_Period(start, at, item.max_24h_f, "24-hour maximum"))
    return found


def _readings(
    reports: Sequence[Observation],
    periods: Sequence[_Period],
    *,
    station: Station,
    climate_day: dt.date,
) -> list[RunningMaximum]:
    """Return each report of the day; a group says which of its possible values are too warm."""
    _, end = station.climate_day_bounds(climate_day)
    found = []
    for item in reports:
        at = item.observed_at
        if at >= end:
            continue
        limits = [period.max_f for period in periods if period.start <= at <= period.end]
        high = max(item.temp_low_f, min([item.temp_high_f, *limits]))
        found.append(RunningMaximum(item.temp_low_f, high, at, f"station report {at:%H:%M}Z"))
    return found
