"""Official highs of finished days, each from the moment at which it was public.

The climate report of a day is issued in the night or the early morning after it, so a high counts
as known from eight hours after the end of its climate day (08:00 local standard time). The evening
before a day the high of the day before is therefore not known yet; in the morning it is.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from boz.core.clock import standard_day
from boz.core.errors import InvalidDataError
from markets.services.imports.shapes import RowError, day_of, field
from prediction.services.forecast_scoring.results import Result
from prediction.services.forecast_scoring.snapshots import Key, Snapshot, day_bounds, station_of
from prediction.services.forecast_scoring.tables import Row, number, read_rows
from weather.domain.temperature import require_plausible
from weather.stations import StationFacts

#: From the end of a climate day until everybody could have read its report, on the safe side.
KNOWN_AFTER = dt.timedelta(hours=8)
ONE_DAY = dt.timedelta(days=1)
NEEDED_COLUMNS = (("city", "station"), ("date",), ("high_f",))

#: Whole °F by climate day, by the station's code.
Highs = dict[str, dict[dt.date, int]]


def known_from(station: StationFacts, day: dt.date) -> dt.datetime:
    """Return the moment from which the official high of a day counts as known."""
    _, end = day_bounds(station, day)
    return end + KNOWN_AFTER


def newest_known_day(station: StationFacts, as_of: dt.datetime) -> dt.date:
    """Return the newest climate day whose official high was known then."""
    offset = dt.timedelta(hours=station.standard_offset_hours)
    return standard_day(as_of - KNOWN_AFTER, offset=offset) - ONE_DAY


class OfficialHighs:
    """What was known of the highs; asked with a moment, never without one."""

    def __init__(self, highs: Mapping[str, Mapping[dt.date, int]]) -> None:
        """Take whole °F by climate day, by the station's code."""
        self._items = {code: sorted(days.items()) for code, days in sorted(highs.items())}
        self._days = {code: [day for day, _ in items] for code, items in self._items.items()}

    def known(
        self, station: StationFacts, *, as_of: dt.datetime, since: dt.date
    ) -> tuple[tuple[dt.date, int], ...]:
        """Return days from ``since`` on with their high, as known then, oldest first."""
        days = self._days.get(station.code, [])
        newest = newest_known_day(station, as_of)
        first, last = bisect_right(days, since - ONE_DAY), bisect_right(days, newest)
        return tuple(self._items.get(station.code, [])[first:last])

    def of_day(self, station: StationFacts, day: dt.date, *, as_of: dt.datetime) -> int | None:
        """Return the high of one day; None when it was not known then or is not there."""
        first = self.known(station, as_of=as_of, since=day)[:1]
        return next((high for known, high in first if known == day), None)


def settled_highs(snapshots: Iterable[Snapshot], results: Mapping[Key, Result]) -> Highs:
    """Return the highs on which recorded days were settled; a day told differently is left out."""
    told: dict[str, dict[dt.date, set[int]]] = {}
    for snapshot in snapshots:
        high = results[snapshot.key].settled_f
        if high is not None:
            days = told.setdefault(snapshot.station.code, {})
            days.setdefault(snapshot.climate_day, set()).add(high)
    return _told_alike(told)


def read_history(path: Path, *, stations: Collection[StationFacts], skipped: Counter[str]) -> Highs:
    """Read the official highs of some stations; a row that cannot be used is counted.

    Raises:
        InvalidDataError: If it cannot be read or lacks a column.
    """
    told: dict[str, dict[dt.date, set[int]]] = {}
    for row in read_rows(path, needed=NEEDED_COLUMNS):
        station = station_of(row)
        if station is None or station not in stations:
            continue
        try:
            day, high = day_of(field(row, "date")), _whole_high(row)
        except (RowError, InvalidDataError) as error:
            skipped[f"A row of the history: {error}"] += 1
            continue
        told.setdefault(station.code, {}).setdefault(day, set()).add(high)
    return _told_alike(told)


def merged(settled: Highs, history: Highs) -> Highs:
    """Return both; what a market settled on stands where the history says something else."""
    return {
        code: {**history.get(code, {}), **settled.get(code, {})}
        for code in sorted({*settled, *history})
    }


def _told_alike(told: Mapping[str, Mapping[dt.date, set[int]]]) -> Highs:
    """Leave out days of which different highs are told."""
    return {
        code: {day: min(highs) for day, highs in days.items() if len(highs) == 1}
        for code, days in told.items()
    }


def _whole_high(row: Row) -> int:
    high = number(row, "high_f")
    if high is None:
        raise RowError("The column 'high_f' is blank.")
    require_plausible(high, what="An official high")
    if high != int(high):
        raise RowError("An official high is no whole degree.")
    return int(high)
