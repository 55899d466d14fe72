"""What invented stations and their offices issue: readings, summary messages, climate reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from boz.core.clock import UTC
from boz.sandbox.climate_report import ClimateReport
from boz.sandbox.daily_summary import DailySummary
from boz.sandbox.invented.thermometer import Degrees, Thermometer
from boz.sandbox.places import Place
from boz.sandbox.recordings.loader import RecordedObservation

INVENTED = "invented"
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
FIVE_MINUTES = dt.timedelta(minutes=5)
#: A partial report follows the time up to which it is valid; so do summary messages.
PARTIAL_DELAY = dt.timedelta(minutes=35)
SUMMARY_DELAY = dt.timedelta(minutes=18)
_DAYTIME = slice(7 * 60, 19 * 60)
#: Extremes of six hours come with every sixth report, those of the day with the last one.
_SIX_HOURS, _LAST_HOUR = 6, 23


class Stations:
    """Products of the stations; everything is a function of the temperature and the clock."""

    def __init__(self, thermometer: Thermometer) -> None:
        """Read a thermometer."""
        self._thermometer = thermometer

    def reports(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[ClimateReport, ...]:
        """Return the climate reports issued in ``start..end``, oldest first."""
        found = [
            self._report(place, day, issued_at, valid_until)
            for day in _days(place, start, end)
            for issued_at, valid_until in _issues(place, day)
            if start <= issued_at <= end
        ]
        return tuple(sorted(found, key=lambda report: report.issued_at))

    def summaries(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[DailySummary, ...]:
        """Return the summary messages issued in ``start..end``, oldest first."""
        found = [
            self._summary(place, day, hour, issued_at)
            for day in _days(place, start, end)
            for hour, issued_at in _messages(place, day)
            if start <= issued_at <= end
        ]
        return tuple(sorted(found, key=lambda summary: summary.issued_at))

    def observations(
        self, place: Place, start: dt.datetime, end: dt.datetime, *, five_minute: bool
    ) -> list[RecordedObservation]:
        """Return the routine reports made in ``start..end``, and the rows between if wanted."""
        found = []
        moment = start.replace(minute=0, second=0, microsecond=0) - HOUR
        while moment <= end:
            if five_minute and place.has_five_minute_rows:
                for step in range(12):
                    row = moment + step * FIVE_MINUTES
                    if start <= row <= end:
                        found.append(self._row(place, row))
            report = moment + dt.timedelta(minutes=place.report_minute)
            if start <= report <= end:
                found.append(self._routine(place, report))
            moment += HOUR
        return found

    def _report(
        self,
        place: Place,
        day: dt.date,
        issued_at: dt.datetime,
        valid_until: dt.datetime | None,
    ) -> ClimateReport:
        start = place.day_start(day)
        values = self._thermometer.readings(place, start, valid_until or start + DAY)
        as_of = ""
        if valid_until is not None:
            as_of = f"{valid_until.astimezone(ZoneInfo(place.time_zone)):%I%M %p}"
        return ClimateReport(
            place=place,
            day=day,
            issued_at=issued_at,
            max_f=int(values.max()),
            max_time_lst=_written(place, _time_of_max(values)),
            valid_as_of=as_of,
            derived_from=INVENTED,
            min_f=int(values.min()),
            min_time_lst=_written(place, _time_of_min(values)),
            normal_max_f=self._thermometer.normal_high(place, day),
        )

    def _summary(
        self, place: Place, day: dt.date, hour: int | None, issued_at: dt.datetime
    ) -> DailySummary:
        start = place.day_start(day)
        values = self._thermometer.readings(
            place, start, start + (DAY if hour is None else hour * HOUR)
        )
        daytime = values[_DAYTIME]
        night = values[: _DAYTIME.start]
        return DailySummary(
            place=place,
            day=day,
            issued_at=issued_at,
            as_of_hour=hour,
            max_f=int(values.max()),
            max_time_lst=_time_of_max(values),
            min_f=int(values.min()),
            min_time_lst=_time_of_min(values),
            day_max_f=int(daytime.max() if len(daytime) else values.max()),
            night_min_f=int(night.min()),
        )

    def _row(self, place: Place, moment: dt.datetime) -> RecordedObservation:
        """Return a reading between the reports: whole °C and no remarks."""
        celsius = (self._thermometer.reading(place, moment) - 32) / 1.8
        return self._observation(place, moment, "HF", float(np.floor(celsius + 0.5)), None)

    def _routine(self, place: Place, moment: dt.datetime) -> RecordedObservation:
        """Return an hourly report with the groups that are due."""
        tenths = _tenths(self._thermometer.reading(place, moment))
        report = self._observation(place, moment, "FM-15", tenths, tenths)
        if (moment.hour + 1) % _SIX_HOURS == 0:
            past = self._thermometer.readings(place, moment - 6 * HOUR, moment)
            report = replace(report, max6h_c=_tenths(past.max()), min6h_c=_tenths(past.min()))
        local = moment + place.standard_offset
        if local.hour == _LAST_HOUR:
            past = self._thermometer.readings(place, place.day_start(local.date()), moment)
            report = replace(report, max24h_c=_tenths(past.max()), min24h_c=_tenths(past.min()))
        return report

    def _observation(
        self,
        place: Place,
        moment: dt.datetime,
        kind: str,
        temp_c: float,
        tgroup_c: float | None,
    ) -> RecordedObservation:
        seconds = int(moment.timestamp())
        hours = seconds // 3600
        return RecordedObservation(
            station=place.station,
            observed_at=moment,
            kind=kind,
            temp_c=temp_c,
            tgroup_c=tgroup_c,
            max6h_c=None,
            dew_c=round(temp_c - 5 - hours % 5, 1),
            wind_dir=10 * (1 + hours % 36),
            wind_ms=round(2.0 + hours % 7 * 0.6, 1),
            slp_hpa=1012.0 + hours % 9,
        )


def _days(place: Place, start: dt.datetime, end: dt.datetime) -> Iterator[dt.date]:
    """Yield the climate days whose products can have been issued in a period."""
    day = (start + place.standard_offset).date() - DAY
    while day <= (end + place.standard_offset).date():
        yield day
        day += DAY


def _issues(place: Place, day: dt.date) -> Iterator[tuple[dt.datetime, dt.datetime | None]]:
    """Yield the time of each report of a day, and up to when it is valid; None is the whole day."""
    zone = ZoneInfo(place.time_zone)
    for clock in place.partial_reports:
        valid = dt.datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
        yield valid + PARTIAL_DELAY, valid
    yield dt.datetime.combine(day + DAY, place.final_report_utc, tzinfo=UTC), None


def _messages(place: Place, day: dt.date) -> Iterator[tuple[int | None, dt.datetime]]:
    start = place.day_start(day)
    for hour in place.summary_hours:
        yield hour, start + hour * HOUR + SUMMARY_DELAY
    yield None, start + DAY + SUMMARY_DELAY


def _time_of_max(values: Degrees) -> dt.time:
    return _clock_time(int(values.argmax()))


def _time_of_min(values: Degrees) -> dt.time:
    return _clock_time(int(values.argmin()))


def _clock_time(minute: int) -> dt.time:
    return dt.time(*divmod(minute, 60))


def _written(place: Place, clock: dt.time) -> str:
    """Return a time as the place's office writes it: ``347 PM`` or ``3:47 PM``."""
    separator = ":" if place.has_colon_times else ""
    return f"{clock:%I{separator}%M %p}".removeprefix("0")


def _tenths(temp_f: int) -> float:
    """Return whole °F as the tenths of °C that a report sends."""
    return round((int(temp_f) - 32) / 1.8, 1)
