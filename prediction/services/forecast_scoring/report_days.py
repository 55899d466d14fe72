"""Finished days with their station reports: how a station's days usually go on."""

from __future__ import annotations

import datetime as dt

from prediction.constants import REPORTS_WINDOW
from prediction.domain.day_so_far import usual_high
from prediction.domain.rise_fit import PastDay
from prediction.services.forecast_scoring.official_highs import (
    ONE_DAY,
    OfficialHighs,
    newest_known_day,
)
from prediction.services.forecast_scoring.station_reports import StationReports
from prediction.services.past import USUAL_HIGH_REACH
from weather.stations import StationFacts

#: Reports teach once a week: a fit reads a year of them, and six days more change next to nothing.
_WEEK_DAYS = 7


class ReportDays:
    """Days of a station that were over, with all their reports; asked with a moment."""

    def __init__(self, *, reports: StationReports, highs: OfficialHighs) -> None:
        """Take reports and highs; both know what was known when."""
        self._reports = reports
        self._highs = highs
        self._kept: dict[str, tuple[dt.date, tuple[PastDay, ...]]] = {}

    def known(self, station: StationFacts, *, as_of: dt.datetime) -> tuple[PastDay, ...]:
        """Return the days known at the end of the last whole week, oldest first.

        The same tuple is returned until the next week, so that nothing is learned again from it.
        """
        newest = newest_known_day(station, as_of)
        last = newest - dt.timedelta(days=newest.toordinal() % _WEEK_DAYS)
        kept = self._kept.get(station.code)
        if kept is None or kept[0] != last:
            kept = last, self._days(station, last=last, as_of=as_of)
            self._kept[station.code] = kept
        return kept[1]

    def _days(
        self, station: StationFacts, *, last: dt.date, as_of: dt.datetime
    ) -> tuple[PastDay, ...]:
        if not self._reports.has(station):
            return ()
        first = last - REPORTS_WINDOW + ONE_DAY
        highs = dict(self._highs.known(station, as_of=as_of, since=first - USUAL_HIGH_REACH))
        return tuple(
            PastDay(
                station=station.code,
                climate_day=day,
                readings=readings,
                high_f=high,
                usual_high_f=usual_high(highs, climate_day=day),
            )
            for day, high in highs.items()
            if first <= day <= last
            and (readings := self._reports.readings(station, day, as_of=as_of))
        )
