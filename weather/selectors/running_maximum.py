"""The highest temperature of a climate day that was certain at a moment, with its evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from weather.domain.metar import (
    cover_afternoon,
    is_day_group_of_day,
    is_six_hour_group_of_day,
    six_hour_window,
)
from weather.domain.station_observation import FIVE_MINUTE
from weather.models import ClimateReport, DailySummary, Observation, Station
from weather.selectors.station_reports import StationReading, preferred_reports
from weather.sources import DSM

#: Five-minute values are those of a moment; the official high is the highest of the station's
#: averages, so a moment may exceed it. They prove this much less than they read.
MOMENT_EXCESS_F = 1
#: The 24-hour group and late routine reports come just after the day's end.
REPORT_SLACK = dt.timedelta(minutes=30)


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
        readings: The station reports of the day, oldest first.
        is_start_covered: Whether the evidence holds a maximum of the day from its first minute on
            (a climate report, a daily summary, the 24-hour group), so that none before the first
            station report can have been missed.
    """

    low_f: int
    high_f: int
    at: dt.datetime
    evidence: str
    observed_until: dt.datetime | None = None
    is_afternoon_covered: bool = False
    readings: tuple[StationReading, ...] = ()
    is_start_covered: bool = False


@dataclass(frozen=True, slots=True)
class _Period:
    """A maximum group: the exact maximum of the time ``start..end``."""

    start: dt.datetime
    end: dt.datetime
    max_f: int
    kind: str


def running_maximum(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> RunningMaximum | None:
    """Return the highest temperature of a day that was certain then, None without evidence.

    Evidence are station reports inside the day, five-minute values with a margin, 6-hour groups
    whose whole period lies inside it, the 24-hour group at its end, daily summary messages, and
    climate reports of the day itself (a partial one is a lower bound; a final one is here no more
    than that).
    """
    start, _ = station.climate_day_bounds(climate_day)
    reports = _observations(station=station, climate_day=climate_day, as_of=as_of)
    periods = _periods(reports, station=station, climate_day=climate_day)
    readings = _readings(reports, periods, station=station, climate_day=climate_day)
    of_the_day = [
        *_reported_maxima(station=station, climate_day=climate_day, as_of=as_of),
        *_summary_maxima(station=station, climate_day=climate_day, as_of=as_of),
    ]
    found = [
        *(
            RunningMaximum(item.low_f, item.high_f, item.at, f"{item.kind} {item.at:%H:%M}Z")
            for item in readings
        ),
        *(
            RunningMaximum(item.max_f, item.max_f, item.end, f"{item.kind} {item.end:%H:%M}Z")
            for item in periods
        ),
        *of_the_day,
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
        readings=tuple(readings),
        is_start_covered=bool(of_the_day) or any(item.start == start for item in periods),
    )


def _reported_maxima(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[RunningMaximum]:
    reports = (
        ClimateReport.objects.known(as_of)
        .filter(station=station, climate_day=climate_day, max_f__isnull=False)
        .order_by("issued_at", "is_correction", "pk")
    )
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


def _summary_maxima(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[RunningMaximum]:
    """Return what the latest daily summary message says: exact whole °F from the station itself."""
    message = (
        DailySummary.objects.known(as_of)
        .filter(station=station, climate_day=climate_day, source__code=DSM, max_f__isnull=False)
        .order_by("-issued_at", "-is_correction", "-pk")
        .first()
    )
    if message is None or message.max_f is None:
        return []
    return [
        RunningMaximum(message.max_f, message.max_f, message.issued_at, "daily summary message")
    ]


def _observations(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[Observation]:
    """Return the reports that may speak of a day, oldest first, corrected ones in place."""
    start, end = station.climate_day_bounds(climate_day)
    rows = (
        Observation.objects.known(as_of)
        .filter(
            station=station,
            # Nothing is available before it is observed; this bound is for the index.
            available_at__gte=start,
            observed_at__gte=start,
            observed_at__lt=end + REPORT_SLACK,
        )
        .only("observed_at", "kind", "temp_low_f", "temp_high_f", "max_6h_f", "max_24h_f")
    )
    return preferred_reports(rows)


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
) -> list[StationReading]:
    """Return each report of the day; a group says which of its possible values are too warm."""
    _, end = station.climate_day_bounds(climate_day)
    found = []
    for item in reports:
        at = item.observed_at
        if at >= end:
            continue
        limits = [period.max_f for period in periods if period.start <= at <= period.end]
        low, kind = item.temp_low_f, "station report"
        if item.kind == FIVE_MINUTE:
            low, kind = min([low - MOMENT_EXCESS_F, *limits]), "five-minute value"
        high = max(low, min([item.temp_high_f, *limits]))
        found.append(StationReading(at, low, high, item.max_6h_f, kind))
    return found
