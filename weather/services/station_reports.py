"""Take in station reports (METAR): temperatures as intervals, and the maximum groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.clients.aviationweather import AviationWeatherClient, StationReport, StationReports
from weather.domain.metar import parse_metar
from weather.models import ForecastSource, Observation, Station
from weather.services.intake import Intake, Task
from weather.services.observation_rows import observation_row, require_past, store_observations
from weather.services.repeated_refusals import RepeatedRefusals
from weather.sources import AVIATIONWEATHER

#: Stations per call: with specials, the rows stay below the service's limit of 400.
CHUNK = 20
#: Late and corrected reports arrive up to some hours after their time.
HOURS = 3.0


class AviationReports(Intake[StationReports]):
    """Station reports of the Aviation Weather Center, many stations in one call."""

    source_code = AVIATIONWEATHER

    def __init__(
        self,
        *,
        now: dt.datetime,
        hours: float = HOURS,
        client: AviationWeatherClient | None = None,
    ) -> None:
        """Prepare; ``client`` replaces the ordinary one, ``hours`` is how far back to ask."""
        super().__init__(now=now)
        self._client = client or AviationWeatherClient.from_settings(capture=self.captures)
        self._by_icao = {item.icao: item for item in Station.objects.filter(is_active=True)}
        self._refusals = RepeatedRefusals(self.run)
        self._hours = hours
        self._stored = 0

    def tasks(self, stack: ExitStack) -> Sequence[Task[StationReports]]:
        """Plan one call per chunk of stations."""
        service = stack.enter_context(self._client)
        icaos = list(self._by_icao)
        chunks = [icaos[first : first + CHUNK] for first in range(0, len(icaos), CHUNK)]
        return [
            Task(
                ", ".join(self._by_icao[icao].code for icao in chunk),
                partial(service.metars, chunk, hours=self._hours),
                tuple(self._by_icao[icao].code for icao in chunk),
            )
            for chunk in chunks
        ]

    def store(
        self, task: Task[StationReports], answer: StationReports, captured: Sequence[Captured]
    ) -> int:
        """Write the reports not stored yet."""
        for subject, reason in answer.problems:
            self.run.leave_out(subject, InvalidDataError(reason), captured=captured)
        rows = []
        for report in answer.reports:
            station = self._by_icao.get(report.icao)
            if station is None:
                self.run.skip(report.icao, f"Nobody asked for a report of {report.icao}.")
                continue
            try:
                row = _row(report, station=station, source=self.source, now=self.now)
            except InvalidDataError as error:
                subject = f"{station.code} {report.observed_at:%Y-%m-%d %H:%M}Z"
                self._refusals.leave_out(subject, error, station=station, captured=captured)
                continue
            self.run.count_values(seen=1, missing=row is None)
            if row is not None:
                rows.append(row)
        stored = store_observations(rows, run=self.run, captured=captured[-1] if captured else None)
        self._stored += stored
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows."""
        return {"observations": self._stored}


def _row(
    report: StationReport, *, station: Station, source: ForecastSource, now: dt.datetime
) -> Observation | None:
    """Return an unsaved row; None for a report without a temperature, which is no fault."""
    metar = parse_metar(report.raw, around=report.observed_at, kind=report.kind)
    if metar.icao != station.icao:
        raise InvalidDataError(
            f"A report filed under {station.icao} is one of {metar.icao}.",
            {"raw": report.raw[:200]},
        )
    require_past(metar.observed_at, now=now, icao=station.icao)
    return observation_row(
        metar, station=station, source=source, raw=report.raw, available_at=now, now=now
    )
