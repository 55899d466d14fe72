"""Station reports of the past, from the Mesonet archive."""

from __future__ import annotations

import datetime as dt

from boz.core.errors import InvalidDataError
from weather.clients.iem import IemClient
from weather.clients.iem_rows import ArchivedMetar, Rows
from weather.domain.metar import parse_metar
from weather.domain.station_observation import TIME_TOLERANCE
from weather.models import ForecastSource, Observation, Station
from weather.services.history.archive import Archive, Kind, Problem, Readout
from weather.services.history.spans import DaySpan, Period
from weather.services.observation_rows import observation_row
from weather.sources import IEM_ASOS

#: From a report's time until everybody could have read it. UNVERIFIED: the archive does not say.
AVAILABLE_AFTER = dt.timedelta(minutes=5)
_AMERICAN = "K"


class StationReports(Archive[Rows[ArchivedMetar]]):
    """Routine and special reports, a month in one call."""

    kind = Kind.OBSERVATIONS
    period = Period.MONTH
    reach = dt.timedelta(days=90)
    #: Late reports are filled in.
    settles_after = dt.timedelta(days=2)
    source_code = IEM_ASOS

    def __init__(self, client: IemClient) -> None:
        """Take the client."""
        self._client = client

    def fetch(self, station: Station, days: DaySpan) -> Rows[ArchivedMetar]:
        """Ask from the first moment of the first day to the last one of the last."""
        start, _ = station.climate_day_bounds(days.first)
        _, end = station.climate_day_bounds(days.last)
        # The archive knows stations of the United States without the leading letter.
        return self._client.metars(station.icao.removeprefix(_AMERICAN), start=start, end=end)

    def read(
        self,
        answer: Rows[ArchivedMetar],
        *,
        station: Station,
        days: DaySpan,
        source: ForecastSource,
        now: dt.datetime,
    ) -> Readout:
        """Return one row per report with a temperature."""
        problems = [
            Problem(f"{station.code} {subject}", reason) for subject, reason in answer.problems
        ]
        rows: dict[tuple[dt.datetime, str], Observation] = {}
        for item in answer.rows:
            subject = f"{station.code} {item.observed_at:%Y-%m-%d %H:%M}Z"
            try:
                row = _row(item, station=station, days=days, source=source, now=now)
                if row is not None:
                    _require_agreement(rows.setdefault((row.observed_at, row.kind), row), row)
            except InvalidDataError as error:
                problems.append(Problem.of(subject, error))
        return Readout(list(rows.values()), problems)


def _require_agreement(first: Observation, second: Observation) -> None:
    """Refuse a report that says something else than the one before it of the same minute."""
    if _said(first) != _said(second):
        raise InvalidDataError(
            "Two station reports of the same minute contradict each other; the first one counts.",
            {"first": first.raw[:200], "second": second.raw[:200]},
        )


def _said(row: Observation) -> tuple[int | None, ...]:
    return row.temp_low_f, row.temp_high_f, row.max_6h_f, row.max_24h_f


def _row(
    item: ArchivedMetar,
    *,
    station: Station,
    days: DaySpan,
    source: ForecastSource,
    now: dt.datetime,
) -> Observation | None:
    """Return an unsaved row; None for a report without a temperature, which is no fault."""
    report = parse_metar(item.raw, around=item.observed_at)
    if report.icao != station.icao:
        raise InvalidDataError(
            f"A report filed under {station.icao} is one of {report.icao}.",
            {"raw": item.raw[:200]},
        )
    if abs(report.observed_at - item.observed_at) > TIME_TOLERANCE:
        raise InvalidDataError(
            "A station report is filed under another time than its own.",
            {"filed": item.observed_at.isoformat(), "raw": item.raw[:200]},
        )
    if station.climate_day(report.observed_at) not in days:
        raise InvalidDataError(
            "A station report is of another time than asked for.", {"raw": item.raw[:200]}
        )
    return observation_row(
        report,
        station=station,
        source=source,
        raw=item.raw,
        available_at=report.observed_at + AVAILABLE_AFTER,
        now=now,
    )
