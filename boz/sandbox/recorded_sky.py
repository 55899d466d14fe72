"""The recorded days' weather: what is known of them, and nothing made up.

Recorded are New York's forecast of each day's high, official highs of both places, three reports
and Miami's station reports. No model's forecast was kept as it was issued, no summary message, and
the settlement company did not settle these days.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right

from boz.core.clock import UTC
from boz.sandbox.climate_report import ClimateReport, climate_reports
from boz.sandbox.daily_summary import DailySummary
from boz.sandbox.places import PLACES, Place
from boz.sandbox.recordings.loader import (
    IntArray,
    IssuedForecast,
    RecordedObservation,
    Recordings,
)
from boz.sandbox.sky import Bulletin, FloatArray, GridIssue, GridLayer, HourlyIssue, ModelRun

#: Hours of the window of a daily maximum, 7 AM to 8 PM standard time in the East.
_WINDOW_START_UTC, _WINDOW_HOURS = dt.time(12), 13


class RecordedSky:
    """Weather of the recordings; see :class:`boz.sandbox.sky.Sky`."""

    derived_from: str | None = None
    places: tuple[Place, ...] = PLACES

    def __init__(self, recordings: Recordings) -> None:
        """Prepare forecasts, reports and observations in order of time."""
        self._forecasts: dict[str, list[IssuedForecast]] = {}
        for forecast in recordings.forecasts:
            self._forecasts.setdefault(forecast.city, []).append(forecast)
        self._reports: dict[str, list[ClimateReport]] = {}
        for report in climate_reports(recordings):
            self._reports.setdefault(report.place.station, []).append(report)
        self._observations: dict[str, list[RecordedObservation]] = {}
        for item in recordings.observations:
            self._observations.setdefault(item.station, []).append(item)

    def grid(self, place: Place, now: dt.datetime) -> GridIssue | None:
        """Return the newest issue: the one maximum that it is known to hold."""
        issued = [item for item in self._forecasts.get(place.city, []) if item.issued_at <= now]
        if not issued:
            return None
        forecast = issued[-1]
        window = dt.datetime.combine(forecast.day, _WINDOW_START_UTC, tzinfo=UTC)
        first = forecast.issued_at.replace(minute=0, second=0, microsecond=0)
        hours = int((window - first).total_seconds() // 3600) + _WINDOW_HOURS
        maximum = (window, _WINDOW_HOURS, (forecast.high_f - 32) / 1.8)
        layers = {"maxTemperature": GridLayer("wmoUnit:degC", (maximum,))}
        return GridIssue(forecast.issued_at, first, hours, layers)

    def why_no_grid(self, place: Place) -> str:
        """Return why :meth:`grid` has nothing."""
        if self._forecasts.get(place.city):
            return "no forecast has been issued yet for this grid point"
        return "no as-issued forecast is recorded for this grid point"

    def hourly(self, place: Place, now: dt.datetime) -> HourlyIssue | None:
        """Return None: no hourly forecast was recorded."""
        return None

    def reports(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[ClimateReport, ...]:
        """Return the climate reports issued in ``start..end``, oldest first."""
        reports = self._reports.get(place.station, [])
        first = bisect_left(reports, start, key=lambda report: report.issued_at)
        last = bisect_right(reports, end, key=lambda report: report.issued_at)
        return tuple(reports[first:last])

    def summaries(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[DailySummary, ...]:
        """Return nothing: no summary message was recorded, and its minimum is not known."""
        return ()

    def observations(
        self, place: Place, start: dt.datetime, end: dt.datetime, *, five_minute: bool = False
    ) -> list[RecordedObservation]:
        """Return the station reports made in ``start..end``; rows between were not recorded."""
        items = self._observations.get(place.station, [])
        first = bisect_left(items, start, key=lambda item: item.observed_at)
        last = bisect_right(items, end, key=lambda item: item.observed_at)
        return items[first:last]

    def settlement_report(
        self, place: Place, day: dt.date, now: dt.datetime
    ) -> ClimateReport | None:
        """Return None: these days were settled on the climate report itself."""
        return None

    def model_run(self, model: str, now: dt.datetime) -> ModelRun | None:
        """Return None: no run was recorded as it was issued."""
        return None

    def model_hours(
        self, model: str, place: Place, hours: IntArray, now: dt.datetime, *, days_before: int = 0
    ) -> FloatArray | None:
        """Return None: no run was recorded as it was issued."""
        return None

    def bulletin(self, kind: str, run: dt.datetime, now: dt.datetime) -> Bulletin | None:
        """Return None: no bulletin was recorded as it was issued."""
        return None

    def bulletin_block(
        self, kind: str, run: dt.datetime, place: Place, now: dt.datetime
    ) -> str | None:
        """Return None: no bulletin was recorded as it was issued."""
        return None
