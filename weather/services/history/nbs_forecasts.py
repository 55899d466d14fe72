"""Past short-range bulletins (NBS) of the National Blend of Models, from the Mesonet archive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from boz.core.clock import UTC
from weather.clients.iem import IemClient
from weather.clients.iem_rows import ArchivedNbm, Rows
from weather.domain.nbm_cycles import CYCLE_HOURS
from weather.models import ForecastSource, Station
from weather.services.forecast_rows import IssuedDay
from weather.services.history.archive import Archive, Kind, Problem, Readout
from weather.services.history.forecast_days import read_days
from weather.services.history.spans import ONE_DAY, DaySpan, Period
from weather.sources import NBM_NBS

#: From a cycle until its text is published: 19 of 20 cycles took no longer.
AVAILABLE_AFTER = dt.timedelta(minutes=100)
#: A bulletin reaches this far ahead.
REACHES = dt.timedelta(hours=72)


class NbsForecasts(Archive[Rows[ArchivedNbm]]):
    """Archived bulletins, a month in one call; those of the cycles that are read as they come."""

    kind = Kind.FORECASTS
    period = Period.MONTH
    reach = dt.timedelta(days=365)
    settles_after = dt.timedelta(days=2)
    source_code = NBM_NBS

    def __init__(self, client: IemClient) -> None:
        """Take the client."""
        self._client = client

    def fetch(self, station: Station, days: DaySpan) -> Rows[ArchivedNbm]:
        """Ask for the runs that say something about the days."""
        return self._client.nbs_archive(
            station.icao,
            start=_valid_at(days.first) - REACHES,
            end=_valid_at(days.last),
        )

    def read(
        self,
        answer: Rows[ArchivedNbm],
        *,
        station: Station,
        days: DaySpan,
        source: ForecastSource,
        now: dt.datetime,
    ) -> Readout:
        """Return the maxima; minima are left out."""
        readout = read_days(
            _days(answer, days=days), station=station, days=days, source=source, now=now
        )
        readout.problems.extend(
            Problem(f"{station.code} {subject}", reason) for subject, reason in answer.problems
        )
        return readout


def _valid_at(day: dt.date) -> dt.datetime:
    """Return the time under which a bulletin prints the maximum of a day."""
    return dt.datetime.combine(day + ONE_DAY, dt.time(0), tzinfo=UTC)


def _days(answer: Rows[ArchivedNbm], *, days: DaySpan) -> Iterator[IssuedDay]:
    for item in answer.rows:
        day = item.climate_day
        if day is not None and day in days and item.cycle.hour in CYCLE_HOURS:
            yield IssuedDay(
                climate_day=day,
                high_f=item.temp_f,
                sd_f=item.sd_f,
                issued_at=item.cycle,
                model_run_at=item.cycle,
                available_at=item.cycle + AVAILABLE_AFTER,
            )
