"""The world that the sandbox serves: recordings, a trading floor, a clock, faults on order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from boz.core.clock import format_utc
from boz.core.errors import InvalidDataError
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.exchange import Exchange
from boz.sandbox.faults import FaultQueue
from boz.sandbox.floor.floor import Floor, FloorOptions
from boz.sandbox.invented.sky import InventedSky
from boz.sandbox.places import BY_STATION, Place
from boz.sandbox.recorded_sky import RecordedSky
from boz.sandbox.recordings.loader import RECORDINGS, Recordings, load_recordings
from boz.sandbox.scenarios import SCENARIOS, Scenario
from boz.sandbox.sky import Sky


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """The exchange's days and the weather; they hold no clock."""

    exchange: Exchange
    sky: Sky

    @classmethod
    def of(cls, recordings: Recordings, *, is_invented: bool = False) -> Services:
        """Prepare all services over one set of recordings; the weather may be invented."""
        return cls(Exchange(recordings), InventedSky() if is_invented else RecordedSky(recordings))


class World:
    """Everything that a server needs to answer; one world, one floor, one clock."""

    def __init__(
        self,
        services: Services,
        clock: SimulatedClock,
        scenario: Scenario,
        *,
        options: FloorOptions | None = None,
    ) -> None:
        """Put services under a clock."""
        options = FloorOptions() if options is None else options
        self.clock = clock
        self.scenario = scenario
        self.faults = FaultQueue(seed=options.seed)
        self.exchange = services.exchange
        self.sky = services.sky
        self.floor = Floor(self, options)
        self.strict_limits = False

    def place_at(self, latitude: float, longitude: float, *, tolerance: float) -> Place | None:
        """Return the nearest place within so many degrees both ways, or None."""
        near = [
            (abs(place.latitude - latitude) + abs(place.longitude - longitude), place.station)
            for place in self.sky.places
            if abs(place.latitude - latitude) <= tolerance
            and abs(place.longitude - longitude) <= tolerance
        ]
        return BY_STATION[min(near)[1]] if near else None


def open_world(
    *,
    scenario: str = "recorded",
    now: dt.datetime | None = None,
    speed: float = 0.0,
    options: FloorOptions | None = None,
    recordings: Path = RECORDINGS,
) -> World:
    """Load the recordings and start their world at ``now``, the scenario's own when None.

    Raises:
        InvalidDataError: If a recording is broken, the scenario is unknown or ``now`` lies before
            anything that it could serve.
        ValueError: If ``speed`` is negative or ``now`` has no time zone.
    """
    chosen = SCENARIOS.get(scenario)
    if chosen is None:
        raise InvalidDataError(
            f"There is no scenario {scenario!r}; known are {', '.join(SCENARIOS)}.",
            {"scenario": scenario},
        )
    clock = SimulatedClock(chosen.default_now if now is None else now, speed=speed)
    if clock.now() < chosen.earliest_now:
        raise InvalidDataError(
            f"The simulated now of the scenario {scenario} must not lie before "
            f"{format_utc(chosen.earliest_now)}.",
            {"scenario": scenario, "now": format_utc(clock.now())},
        )
    services = Services.of(
        chosen.apply(load_recordings(recordings)), is_invented=chosen.is_invented
    )
    return World(services, clock, chosen, options=options)
