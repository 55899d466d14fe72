"""Recorded station reports: what had been read of a day by a moment."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from boz.core.errors import InvalidDataError
from markets.services.imports.shapes import RowError, field, moment_of
from prediction.domain.day_so_far import Reading
from prediction.services.forecast_scoring.snapshots import day_bounds
from prediction.services.forecast_scoring.tables import Row, number, read_rows
from prediction.services.readings import hour_lst
from weather.domain.metar import SIX_HOURS
from weather.domain.temperature import (
    IntervalF,
    interval_of_tenths,
    interval_of_whole_celsius,
    require_plausible,
)
from weather.services.history.station_reports import AVAILABLE_AFTER
from weather.stations import StationFacts

NEEDED_COLUMNS = (("station",), ("utc",), ("temp_c",))
ROUTINE = ("", "FM-15", "METAR")
#: Maximum groups come with the routine report shortly before 00, 06, 12 and 18 UTC.
_BEFORE_SYNOPTIC = dt.timedelta(minutes=15)
_SYNOPTIC_HOURS = 6
#: A maximum this much above all readings of its six hours is a misread group.
_MOST_ABOVE_F = 10


@dataclass(frozen=True, slots=True)
class Report:
    """One report: when it was made, what it reads, and its 6-hour maximum in whole °F."""

    at: dt.datetime
    temperature: IntervalF
    max_6h_f: int | None


class StationReports:
    """Reports by station; asked with a moment, never without one."""

    def __init__(self, reports: dict[str, list[Report]]) -> None:
        """Take the reports of each station, by its ICAO name, in any order."""
        self._reports = {icao: _believed(rows) for icao, rows in reports.items()}
        self._times = {icao: [item.at for item in rows] for icao, rows in self._reports.items()}

    def has(self, station: StationFacts) -> bool:
        """Say whether there is any report of a station."""
        return bool(self._reports.get(station.icao))

    def readings(
        self, station: StationFacts, day: dt.date, *, as_of: dt.datetime
    ) -> tuple[Reading, ...]:
        """Return what was read inside a climate day and available then, oldest first."""
        start, end = day_bounds(station, day)
        times = self._times.get(station.icao, [])
        first, last = bisect_left(times, start), bisect_left(times, end)
        last = min(last, bisect_right(times, as_of - AVAILABLE_AFTER))
        return tuple(
            Reading(
                hour_lst=hour_lst(item.at, start=start),
                low_f=item.temperature.low_f,
                high_f=item.temperature.high_f,
                max_6h_f=item.max_6h_f,
            )
            for item in self._reports.get(station.icao, [])[first:last]
        )


def read_reports(path: Path, *, icaos: Collection[str], skipped: Counter[str]) -> StationReports:
    """Read the reports of some stations; a row that cannot be used is counted under its reason.

    Raises:
        InvalidDataError: If the file cannot be read or lacks a column.
    """
    reports: dict[str, list[Report]] = {}
    for row in read_rows(path, needed=NEEDED_COLUMNS):
        if row["station"] not in icaos:
            continue
        try:
            report = _report(row)
        except (RowError, InvalidDataError) as error:
            skipped[f"A station report: {error}"] += 1
            continue
        if report is not None:
            reports.setdefault(row["station"], []).append(report)
    return StationReports(reports)


def _report(row: Row) -> Report | None:
    """Return a row's report; None without a temperature, which is no fault."""
    at = moment_of(field(row, "utc"))
    tenths_c, body_c = number(row, "tgroup_c"), number(row, "temp_c")
    if tenths_c is None and body_c is None:
        return None
    group_c = number(row, "max6h_c") if (row.get("type") or "") in ROUTINE else None
    return Report(
        at=at,
        temperature=_interval(tenths_c, body_c),
        max_6h_f=None if group_c is None or not _is_synoptic(at) else _tenths(group_c).low_f,
    )


def _interval(tenths_c: float | None, body_c: float | None) -> IntervalF:
    """Return what a report can mean: exact tenths where it gives them, else whole °C."""
    if tenths_c is not None:
        return _tenths(tenths_c)
    whole = body_c or 0.0
    return (
        _plausible(interval_of_whole_celsius(int(whole))) if whole == int(whole) else _tenths(whole)
    )


def _tenths(temp_c: float) -> IntervalF:
    return _plausible(interval_of_tenths(round(10 * temp_c)))


def _plausible(interval: IntervalF) -> IntervalF:
    require_plausible(interval.low_f, what="An observed temperature")
    require_plausible(interval.high_f, what="An observed temperature")
    return interval


def _is_synoptic(at: dt.datetime) -> bool:
    shifted = at + _BEFORE_SYNOPTIC
    return shifted.hour % _SYNOPTIC_HOURS == 0 and shifted.minute < 30


def _believed(reports: Sequence[Report]) -> list[Report]:
    """Return one report a moment, the exact one first, without groups that cannot be true."""
    best: dict[dt.datetime, Report] = {}
    for item in sorted(reports, key=_preference, reverse=True):
        best[item.at] = item
    ordered = [best[at] for at in sorted(best)]
    times = [item.at for item in ordered]
    return [
        item
        if _is_group_possible(item, ordered[bisect_right(times, item.at - SIX_HOURS) : index + 1])
        else replace(item, max_6h_f=None)
        for index, item in enumerate(ordered)
    ]


def _preference(report: Report) -> tuple[int, int, int]:
    width = report.temperature.high_f - report.temperature.low_f
    return width, report.temperature.low_f, report.max_6h_f or 0


def _is_group_possible(report: Report, window: Sequence[Report]) -> bool:
    """Say whether a maximum agrees with the readings of its six hours."""
    if report.max_6h_f is None:
        return True
    coldest = max(item.temperature.low_f for item in window)
    warmest = max(item.temperature.high_f for item in window)
    return coldest <= report.max_6h_f <= warmest + _MOST_ABOVE_F
