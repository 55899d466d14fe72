"""Take in the runs of weather models and ensembles that Open-Meteo offers.

Each model is a source of its own. The service says for free which run it has; only a run that a
station lacks is fetched, for the stations that lack it. Daily maxima are those of the hourly values
over the standard-time day.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.http import Captured
from weather.clients.open_meteo import (
    ModelUpdate,
    OpenMeteoClient,
    Place,
    PlaceHours,
    PlaceRefused,
)
from weather.domain.hourly import daily_maxima
from weather.models import Station
from weather.services.forecast_rows import (
    IssuedDay,
    StationDays,
    require_issued,
    store_forecasts,
    stored_runs,
)
from weather.services.health import Silence
from weather.services.intake import Captures, Intake, Task
from weather.sources import MODELS, ModelFacts

#: Places per call: the largest ensemble for so many counts as half of what a minute allows.
PLACES_PER_CALL = 50
#: An ensemble with a smaller share of its members is no picture of what may come.
LEAST_MEMBER_SHARE = 0.5
BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What one call said about the places it was made for."""

    places: tuple[PlaceHours | PlaceRefused, ...]
    captured: Captured | None = None


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """The run that the service has, and what it says; no calls when nothing of it is new."""

    update: ModelUpdate
    calls: tuple[CallAnswer, ...] = ()

    @property
    def places(self) -> tuple[PlaceHours | PlaceRefused, ...]:
        """Return what was said about each place asked for."""
        return tuple(place for call in self.calls for place in call.places)


class ModelRuns(Intake[RunAnswer]):
    """The latest run of one model, all stations in one call."""

    def __init__(
        self,
        *,
        now: dt.datetime,
        model: ModelFacts,
        client: OpenMeteoClient | None = None,
        captures: Captures | None = None,
        silence: Silence | None = None,
    ) -> None:
        """Prepare; ``client`` replaces the ordinary one, and ``captures`` are then its own.

        See :func:`model_runs` for all models with one client.
        """
        self.source_code = model.code
        super().__init__(now=now, captures=captures, silence=silence)
        self.model = model
        self._client = client or OpenMeteoClient.from_settings(capture=self.captures)
        self._stored = self._new_runs = 0

    def tasks(self, stack: ExitStack) -> Sequence[Task[RunAnswer]]:
        """Plan one task: a second one could meet another run."""
        if not self.stations:
            return []
        fetch = _Fetch(
            client=stack.enter_context(self._client),
            captures=self.captures,
            model=self.model,
            places=tuple(_place(station) for station in self.stations.values()),
            stored=stored_runs(self.source, list(self.stations.values()), now=self.now),
            now=self.now,
        )
        return [Task(self.model.name, fetch)]

    def store(self, task: Task[RunAnswer], answer: RunAnswer, captured: Sequence[Captured]) -> int:
        """Write the days that are not over of every station that lacked the run."""
        issued_at = answer.update.available_at
        require_issued(issued_at, now=self.now, what=f"The run of {self.model.name}")
        self.run.note_issue(issued_at)
        found = [
            StationDays(self.stations[place.place.code], days, call.captured)
            for call in answer.calls
            for place in call.places
            if (days := self._days(place, answer.update, call.captured))
        ]
        if len(answer.places) == len(self.stations):
            self._judge_whole(answer, found)
        stored = store_forecasts(found, run=self.run)
        lacking = {place.place.code for place in answer.places}
        lacking -= {item.station.code for item in found}
        self.run.answered([code for code in self.stations if code not in lacking])
        self._stored += stored
        self._new_runs += bool(stored)
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows, and whether the run was new."""
        return {"forecasts": self._stored, "model_runs": self._new_runs}

    def _days(
        self, answer: PlaceHours | PlaceRefused, update: ModelUpdate, captured: Captured | None
    ) -> list[IssuedDay]:
        """Return the usable days of a place; what is not, is left out with its reason."""
        station = self.stations[answer.place.code]
        evidence = () if captured is None else (captured,)
        if isinstance(answer, PlaceRefused):
            self.run.leave_out(station.code, answer.error, station=station, captured=evidence)
            return []
        if answer.problems:
            self.run.skip(station.code, " ".join(answer.problems), {"model": self.model.code})
        days = []
        for day, highs in self._coming_days(answer, station):
            self.run.count_values(
                seen=answer.expected, missing=max(0, answer.expected - len(highs))
            )
            if len(highs) < LEAST_MEMBER_SHARE * answer.expected:
                self.run.leave_out(
                    f"{station.code} {day}",
                    InvalidDataError(
                        f"Only {len(highs)} of {answer.expected} members of {self.model.name} "
                        f"have a high for {station.name}; they are not used.",
                        {"members": len(highs), "expected": answer.expected},
                    ),
                    station=station,
                    captured=evidence,
                )
                continue
            days.append(
                IssuedDay(
                    climate_day=day,
                    high_f=statistics.fmean(highs),
                    issued_at=update.available_at,
                    member_highs_f=highs if self.model.is_ensemble else (),
                    model_run_at=update.initialised_at,
                )
            )
        if not days:
            reason = f"{self.model.name} covers no whole day that is not over for {station.name}."
            self.run.skip(station.code, reason)
        return days

    def _coming_days(
        self, answer: PlaceHours, station: Station
    ) -> Iterator[tuple[dt.date, list[float]]]:
        """Give the days that are not over with the highs of the members, in their order."""
        first = station.climate_day(self.now)
        last = first + dt.timedelta(days=self.model.days - 1)
        maxima = daily_maxima(answer.hours, offset=station.standard_offset)
        for day, highs in maxima.whole_days().items():
            if first <= day <= last:
                yield day, [highs[number] for number in sorted(highs)]

    def _judge_whole(self, answer: RunAnswer, found: Sequence[StationDays]) -> None:
        """Judge the source by an answer about all stations; a part of them says little about it.

        Raises:
            TransientError: If there is no usable day for any of them.
        """
        refused = sum(isinstance(place, PlaceRefused) for place in answer.places)
        values = refused * self.model.members
        self.run.count_values(seen=values, missing=values)
        if not found:
            raise TransientError(
                f"The run of {self.model.name} holds no usable day for any station.",
                {"model": self.model.model_id},
            )


def model_runs(*, now: dt.datetime, client: OpenMeteoClient | None = None) -> list[ModelRuns]:
    """Return the intakes of all models around one client: one pool of connections, one account.

    The ensembles have a host of their own, so the silence of one does not give up the other.
    """
    captures = Captures()
    shared = client or OpenMeteoClient.from_settings(capture=captures)
    silences = {True: Silence(), False: Silence()}
    return [
        ModelRuns(
            now=now,
            model=model,
            client=shared,
            captures=captures,
            silence=silences[model.is_ensemble],
        )
        for model in MODELS
    ]


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Asks for the latest run of a model, in a worker.

    Args:
        captures: What the client captures.
        stored: By station the newest run that is stored; none where there is none.
    """

    client: OpenMeteoClient
    captures: Captures
    model: ModelFacts
    places: tuple[Place, ...]
    stored: Mapping[str, dt.datetime]
    now: dt.datetime

    def __call__(self) -> RunAnswer:
        """Return the run with its forecasts for the places that lack it.

        While the servers are still taking over a run, some would answer with the one before, so
        it counts as new only when all have it.

        Raises:
            OperatorActionRequired: If the service does not have the model, which is no word on the
                weather, and no silence either.
            BozBaseException: As the client does.
        """
        try:
            update = self.client.model_update(
                self.model.model_id, is_ensemble=self.model.is_ensemble
            )
            if self.now < update.settled_at:
                return RunAnswer(update)
            lacking = [place for place in self.places if self._lacks(place, update)]
            chunks = [
                lacking[first : first + PLACES_PER_CALL]
                for first in range(0, len(lacking), PLACES_PER_CALL)
            ]
            return RunAnswer(update, tuple(call for chunk in chunks for call in self._ask(chunk)))
        except DataUnavailable as error:
            raise OperatorActionRequired(
                f"{self.model.name} cannot be had: {error.message.rstrip('.')}. If that lasts, "
                "check OPEN_METEO_API_URL or switch the source off in the admin.",
                error.context,
            ) from error

    def _lacks(self, place: Place, update: ModelUpdate) -> bool:
        stored = self.stored.get(place.code)
        return stored is None or stored < update.initialised_at

    def _ask(self, places: Sequence[Place]) -> list[CallAnswer]:
        """Return the answer for all places, or one by one where it is refused for all.

        A place that the model does not cover makes the service refuse the others as well
        (UNVERIFIED).
        """
        try:
            return [CallAnswer(tuple(self._forecast(places)), self.captures.latest)]
        except DataUnavailable as error:
            is_about_a_place = "location" in error.message
            if error.context.get("status") != BAD_REQUEST or not is_about_a_place:
                raise
            if len(places) == 1:
                return [CallAnswer((PlaceRefused(places[0], self.model.model_id, error),))]
        return [call for place in places for call in self._ask([place])]

    def _forecast(self, places: Sequence[Place]) -> list[PlaceHours | PlaceRefused]:
        model = self.model
        if model.is_ensemble:
            return self.client.ensemble(
                model.model_id, places, days=model.days, members=model.members
            )
        return self.client.forecast(model.model_id, places, days=model.days)


def _place(station: Station) -> Place:
    return Place(station.code, station.latitude, station.longitude, station.elevation_m)
