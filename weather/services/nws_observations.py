"""Take in what the weather service's own list says of each station, five-minute rows included."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from django.db.models import Q

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.clients.nws import NwsClient, StationObservations
from weather.domain.station_observation import (
    TIME_TOLERANCE,
    ObservationRow,
    quality_fault,
    station_observation,
)
from weather.domain.temperature import unit_mixup
from weather.models import ForecastSource, Observation, Station
from weather.services.forecast_rows import recent_highs
from weather.services.intake import Intake, Task
from weather.services.observation_rows import observation_row, require_past, store_observations
from weather.services.repeated_refusals import RepeatedRefusals
from weather.sources import NWS_OBSERVATIONS

#: The service fills rows in and checks their quality up to some hours after their time.
LOOK_BACK = dt.timedelta(hours=3)


class NwsObservations(Intake[StationObservations]):
    """The last hours of each station, one call per station."""

    source_code = NWS_OBSERVATIONS

    def __init__(
        self,
        *,
        now: dt.datetime,
        look_back: dt.timedelta = LOOK_BACK,
        client: NwsClient | None = None,
    ) -> None:
        """Prepare; ``client`` replaces the ordinary one, ``look_back`` is how far back to ask."""
        super().__init__(now=now)
        self._client = client or NwsClient.from_settings(capture=self.captures)
        self._since = now - look_back
        self._refusals = RepeatedRefusals(self.run)
        self._recent_highs = recent_highs(tuple(self.stations.values()), now=now)
        self._stored = self._withdrawn = 0

    def tasks(self, stack: ExitStack) -> Sequence[Task[StationObservations]]:
        """Plan one call per active station."""
        client = stack.enter_context(self._client)
        return [
            Task(code, partial(client.observations, station.icao, start=self._since), (code,))
            for code, station in self.stations.items()
        ]

    def store(
        self,
        task: Task[StationObservations],
        answer: StationObservations,
        captured: Sequence[Captured],
    ) -> int:
        """Write the rows not stored yet; a stored one that has failed the quality control goes."""
        station = self.stations[task.subject]
        for subject, reason in answer.problems:
            self._refusals.leave_out(
                subject, InvalidDataError(reason), captured=captured, station=station
            )
        rows = []
        for item in answer.rows:
            observation = self._read(item, station, captured)
            self.run.count_values(seen=1, missing=observation is None)
            if observation is not None:
                rows.append(observation)
        stored = store_observations(rows, run=self.run, captured=captured[-1] if captured else None)
        self._stored += stored
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows, and stored ones that count no longer."""
        done = {"observations": self._stored}
        return {**done, "withdrawn": self._withdrawn} if self._withdrawn else done

    def _read(
        self, item: ObservationRow, station: Station, captured: Sequence[Captured]
    ) -> Observation | None:
        """Return an unsaved row; None without a usable temperature, which is then accounted for."""
        subject = f"{station.code} {item.observed_at:%Y-%m-%d %H:%M}Z"
        try:
            row = _row(item, station=station, source=self.source, now=self.now)
            if row is not None and not item.raw:
                self._require_celsius(row)
            return row
        except InvalidDataError as error:
            is_own = item.stations == {station.icao}
            if is_own and quality_fault(item) is not None:
                self._refusals.set_aside(subject, error, captured=captured, station=station)
                self._withdraw(item, station, because=error.message)
            else:
                self._refusals.leave_out(subject, error, captured=captured, station=station)
            return None

    def _require_celsius(self, row: Observation) -> None:
        """Refuse °F sent as °C, where no raw report shows it: 50 °F would be read as 122 °F.

        The other way round a cold night cannot be told from a mix-up, and proves no high.
        """
        reference_f = self._recent_highs.get(row.station_id)
        if reference_f is None or row.temp_low_f <= reference_f:
            return
        mixup = unit_mixup(row.temp_low_f, reference_f=reference_f)
        if mixup is not None:
            raise InvalidDataError(
                f"An observed temperature of {row.temp_low_f} °F after recent highs near "
                f"{reference_f:g} °F looks like {mixup}; it is refused.",
                {"temp_low_f": row.temp_low_f, "reference_f": reference_f},
            )

    def _withdraw(self, item: ObservationRow, station: Station, *, because: str) -> None:
        """End the standing of a row that was taken in before its quality was known."""
        same = Q(observed_at=item.observed_at)
        if item.raw:
            # The report's own minute may be another than that of its row.
            around = (item.observed_at - TIME_TOLERANCE, item.observed_at + TIME_TOLERANCE)
            same |= Q(raw=item.raw, observed_at__range=around)
        self._withdrawn += Observation.objects.filter(
            same, station=station, source=self.source, withdrawn_at__isnull=True
        ).update(withdrawn_at=self.now, withdrawn_because=because)


def _row(
    item: ObservationRow, *, station: Station, source: ForecastSource, now: dt.datetime
) -> Observation | None:
    """Return an unsaved row; None for one without a temperature, which is no fault."""
    found = station_observation(item, icao=station.icao)
    require_past(item.observed_at, now=now, icao=station.icao)
    if found is None:
        return None
    return observation_row(
        found, station=station, source=source, raw=item.raw, available_at=now, now=now
    )
