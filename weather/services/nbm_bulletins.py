"""Take in the station bulletins of the National Blend of Models: maxima, spread, percentiles.

Each product is a source of its own. A bulletin is asked for once its cycle can be published, and
only for the stations that lack it; until it is there, the one before holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from django.core.cache import cache

from boz.core.errors import DataUnavailable, InvalidDataError, OperatorActionRequired
from boz.core.http import Captured
from weather.clients.nbm import NOT_PUBLISHED, NbmBlock, NbmBlocks, NbmClient
from weather.domain.nbm_cycles import latest_cycles
from weather.domain.nbm_text import NbmGuidance, parse_nbm_block
from weather.models import Station
from weather.services.forecast_rows import IssuedDay, StationDays, store_forecasts, stored_runs
from weather.services.health import Silence
from weather.services.intake import Captures, Intake, Task
from weather.sources import NBM_NBE, NBM_NBP, NBM_NBS

SOURCE_CODES = {"NBP": NBM_NBP, "NBS": NBM_NBS, "NBE": NBM_NBE}
#: Neighbours in the file share reads; several searches at once share the time.
STATIONS_PER_TASK = 6
#: Places of blocks hardly move from cycle to cycle; knowing them only saves calls.
PLACES_KEPT_SECONDS = 7 * 86400

#: From the cycle until a bulletin is usually published, for a service that does not say.
TYPICAL_LAG = dt.timedelta(minutes=77)
NOTHING_NEW = NbmBlocks((), ())


@dataclass(frozen=True, slots=True)
class BulletinAnswer:
    """What the newest bulletin says about the stations that lacked it.

    Args:
        icaos: The stations of the search, also those that lacked nothing.
        found: Empty when no bulletin is newer than what is stored.
    """

    icaos: tuple[str, ...]
    found: NbmBlocks = NOTHING_NEW


class NbmBulletins(Intake[BulletinAnswer]):
    """The newest bulletin of one product, some stations per search."""

    def __init__(
        self,
        *,
        now: dt.datetime,
        product: str,
        client: NbmClient | None = None,
        captures: Captures | None = None,
        silence: Silence | None = None,
    ) -> None:
        """Prepare; ``product`` is ``NBP``, ``NBS`` or ``NBE``, ``client`` replaces the ordinary.

        See :func:`nbm_bulletins` for all products with one client.
        """
        self.source_code = SOURCE_CODES[product]
        super().__init__(now=now, captures=captures, silence=silence)
        self.product = product
        self._client = client or NbmClient.from_settings(capture=self.captures)
        active = Station.objects.filter(is_active=True).order_by("icao")
        self._by_icao = {station.icao: station for station in active}
        self._places_key = f"weather-nbm-places-{product}"
        self._places: dict[str, float] = cache.get(self._places_key) or {}
        self._stored = self._read = 0

    def tasks(self, stack: ExitStack) -> Sequence[Task[BulletinAnswer]]:
        """Plan one search per handful of stations that stand together in the file."""
        client = stack.enter_context(self._client)
        stations = list(self._by_icao.values())
        stored = stored_runs(self.source, stations, now=self.now)
        chunks = [
            stations[first : first + STATIONS_PER_TASK]
            for first in range(0, len(stations), STATIONS_PER_TASK)
        ]
        return [
            Task(
                f"{self.product} {', '.join(station.code for station in chunk)}",
                _Fetch(
                    client=client,
                    product=self.product,
                    icaos=tuple(station.icao for station in chunk),
                    stored={station.icao: stored.get(station.code) for station in chunk},
                    places=dict(self._places),
                    now=self.now,
                ),
            )
            for chunk in chunks
        ]

    def store(
        self, task: Task[BulletinAnswer], answer: BulletinAnswer, captured: Sequence[Captured]
    ) -> int:
        """Write the days that are not over of every block that was found."""
        blocks, problems = answer.found.blocks, answer.found.problems
        evidence = {item.url.rpartition("#")[2]: item for item in captured}
        for icao, reason in problems:
            self.run.count_values(seen=1, missing=1)
            self.run.skip(self._by_icao[icao].code, reason, {"product": self.product})
        usable = [
            StationDays(self._by_icao[block.station], days, evidence.get(block.station))
            for block in blocks
            if (days := self._days(block, evidence.get(block.station)))
        ]
        stored = store_forecasts(usable, run=self.run)
        self._keep_places(blocks)
        without = {icao for icao, _ in problems} | {block.station for block in blocks}
        without -= {item.station.icao for item in usable}
        heard = [icao for icao in answer.icaos if icao not in without]
        self.run.answered([self._by_icao[icao].code for icao in heard])
        self._stored += stored
        self._read += len(usable)
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows, and the blocks they came from."""
        return {"forecasts": self._stored, "bulletins": self._read}

    def _days(self, block: NbmBlock, captured: Captured | None) -> list[IssuedDay]:
        """Return the days of a block that are not over; what is refused is left out."""
        station = self._by_icao[block.station]
        evidence = () if captured is None else (captured,)
        try:
            guidance = parse_nbm_block(block.text, station=block.station, product=block.product)
        except InvalidDataError as error:
            self.run.leave_out(station.code, error, station=station, captured=evidence)
            return []
        for day, reason in guidance.problems:
            self.run.leave_out(
                f"{station.code} {day}",
                InvalidDataError(reason, {"product": self.product}),
                station=station,
                captured=evidence,
            )
        refused = len(guidance.problems)
        self.run.count_values(seen=len(guidance.days) + refused, missing=refused)
        days = self._issued_days(guidance, block, today=station.climate_day(self.now))
        if not days:
            reason = f"The {self.product} bulletin has no day that is not over for {station.name}."
            self.run.skip(station.code, reason)
        return days

    def _issued_days(
        self, guidance: NbmGuidance, block: NbmBlock, *, today: dt.date
    ) -> list[IssuedDay]:
        issued_at = max(block.cycle, block.published_at or min(self.now, block.cycle + TYPICAL_LAG))
        return [
            IssuedDay(
                climate_day=day.climate_day,
                high_f=day.high_f,
                issued_at=issued_at,
                sd_f=day.sd_f,
                quantiles_f=day.quantiles_f,
                model_run_at=block.cycle,
            )
            for day in guidance.days
            if day.climate_day >= today
        ]

    def _keep_places(self, blocks: Sequence[NbmBlock]) -> None:
        """Remember where the blocks stood, for the next search."""
        if not blocks:
            return
        self._places |= {block.station: block.offset_hint for block in blocks}
        cache.set(self._places_key, self._places, timeout=PLACES_KEPT_SECONDS)


def nbm_bulletins(*, now: dt.datetime, client: NbmClient | None = None) -> list[NbmBulletins]:
    """Return the intakes of all products around one client of their host."""
    captures, silence = Captures(), Silence()
    shared = client or NbmClient.from_settings(capture=captures)
    return [
        NbmBulletins(now=now, product=product, client=shared, captures=captures, silence=silence)
        for product in SOURCE_CODES
    ]


@dataclass(frozen=True, slots=True)
class _Fetch:
    """Looks for the newest bulletin of a product, in a worker.

    Args:
        stored: By station the newest cycle that is stored, or None.
        places: By station where its block stood last time, as far as known.
    """

    client: NbmClient
    product: str
    icaos: tuple[str, ...]
    stored: Mapping[str, dt.datetime | None]
    places: Mapping[str, float]
    now: dt.datetime

    def __call__(self) -> BulletinAnswer:
        """Return the newest bulletin's blocks, unless what is stored is as new.

        Raises:
            OperatorActionRequired: If not even old bulletins are there, and nothing as new is
                stored.
            BozBaseException: As the client does.
        """
        missing: DataUnavailable | None = None
        for cycle in latest_cycles(self.now):
            lacking = [icao for icao in self.icaos if self._lacks(icao, cycle)]
            if not lacking:
                return BulletinAnswer(self.icaos)
            try:
                found = self.client.blocks(
                    product=self.product, cycle=cycle, stations=lacking, hints=self.places
                )
            except DataUnavailable as error:
                if error.context.get("status") not in NOT_PUBLISHED:
                    raise
                missing = error
            else:
                return BulletinAnswer(self.icaos, found)
        raise OperatorActionRequired(
            f"None of the last {self.product} bulletins is published. If that lasts, check "
            "NBM_API_URL.",
            {} if missing is None else missing.context,
        ) from missing

    def _lacks(self, icao: str, cycle: dt.datetime) -> bool:
        stored = self.stored[icao]
        return stored is None or stored < cycle
