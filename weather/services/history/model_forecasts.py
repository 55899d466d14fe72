"""What weather models said in the past, from Open-Meteo's archive of previous runs.

The archive does not say which run a value comes from, only that it was forecast at least 24·n
hours before the hour it is for. The last hour of a climate day comes from the latest run, so the
day's maximum may depend on a run that started as late as 24·n hours before the day's end. That
moment is taken for the issue time, and the model's usual delay is added for the moment from which
it could be known. Both are as late as they can have been, never earlier.

The archive of stitched first hours ("historical forecast") holds what was said of each hour a few
hours before it. It knows the day; no client can ask for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from boz.core.errors import InvalidDataError
from weather.clients.open_meteo import OpenMeteoClient, Place, PlaceHours, PlaceRefused
from weather.domain.hourly import daily_maxima
from weather.models import ForecastSource, Station
from weather.services.forecast_rows import IssuedDay
from weather.services.history.archive import Archive, Kind, Problem, Readout
from weather.services.history.forecast_days import read_days
from weather.services.history.spans import ONE_DAY, DaySpan, Period
from weather.sources import MODELS, ModelFacts

#: Days ahead that are asked for.
LEAD_DAYS = (1, 2, 3, 4, 5)
#: Models that do not reach as far. HRRR runs to 48 hours four times a day, so a whole day two days
#: ahead is never in its archive.
REACHES = {"hrrr": (1,)}
#: First day of each archive. UNVERIFIED for previous runs of the last three, whose dates are those
#: of the service's archive of the model as such.
USUAL_BEGIN = dt.date(2024, 1, 1)
BEGINS_ON = {
    "gfs": dt.date(2021, 4, 1),
    "ecmwf-ifs": dt.date(2024, 2, 3),
    "nbm": dt.date(2024, 10, 8),
    "ecmwf-aifs": dt.date(2025, 2, 20),
}

#: Ensembles are left out: the archive has no members, and what it would teach of the control run
#: is not true of the ensemble's mean.
ARCHIVED_MODELS = tuple(model for model in MODELS if not model.is_ensemble)


class ModelForecasts(Archive[PlaceHours]):
    """Previous runs of one model, a quarter of a year in one call."""

    kind = Kind.FORECASTS
    period = Period.QUARTER
    reach = dt.timedelta(days=365)
    #: A day's hours of all leads are there when the runs of the day are; a day more is safe.
    settles_after = dt.timedelta(days=2)

    def __init__(self, client: OpenMeteoClient, model: ModelFacts) -> None:
        """Take the client, and the model to ask for."""
        self._client = client
        self.model = model
        self.source_code = model.code
        self.begins_on = BEGINS_ON.get(model.code, USUAL_BEGIN)
        self.lead_days = REACHES.get(model.code, LEAD_DAYS)

    def fetch(self, station: Station, days: DaySpan) -> PlaceHours:
        """Ask for the hours of all leads."""
        place = Place(station.code, station.latitude, station.longitude, station.elevation_m)
        answer = self._client.previous_runs(
            self.model.model_id,
            place,
            first_day=days.first,
            last_day=days.last,
            lead_days=self.lead_days,
        )
        if isinstance(answer, PlaceRefused):
            raise answer.error
        return answer

    def read(
        self,
        answer: PlaceHours,
        *,
        station: Station,
        days: DaySpan,
        source: ForecastSource,
        now: dt.datetime,
    ) -> Readout:
        """Return the maximum of every day that is whole, per lead."""
        readout = read_days(
            self._days(answer, station=station, days=days),
            station=station,
            days=days,
            source=source,
            now=now,
        )
        subject = f"{station.code} {days}"
        readout.problems.extend(
            Problem.of(subject, InvalidDataError(reason)) for reason in answer.problems
        )
        return readout

    def _days(self, answer: PlaceHours, *, station: Station, days: DaySpan) -> Iterator[IssuedDay]:
        maxima = daily_maxima(answer.hours, offset=station.standard_offset)
        for day, by_lead in maxima.whole_days().items():
            if day not in days:
                continue
            _, end = station.climate_day_bounds(day)
            for lead, high_f in by_lead.items():
                issued_at = latest_run_start(end, lead_days=lead)
                yield IssuedDay(
                    climate_day=day,
                    high_f=high_f,
                    issued_at=issued_at,
                    available_at=issued_at + self.model.archive_lag,
                )


def latest_run_start(day_end: dt.datetime, *, lead_days: int) -> dt.datetime:
    """Return the latest moment at which a run in the maximum of a day can have started."""
    return day_end - lead_days * ONE_DAY
