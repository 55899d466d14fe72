"""The world that the sandbox serves: recordings, a clock, and faults on order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.exchange import Exchange
from boz.sandbox.faults import FaultQueue
from boz.sandbox.observations import Observations
from boz.sandbox.recordings.loader import RECORDINGS, Recordings, load_recordings
from boz.sandbox.scenarios import SCENARIOS, Scenario
from boz.sandbox.weather import WeatherService

#: Ten in the morning of the first recorded day: forecast issued, ladders open, trades made.
DEFAULT_NOW = dt.datetime(2024, 11, 14, 15, tzinfo=UTC)
#: History starts here: the first recorded official high.
EARLIEST_NOW = dt.datetime(2024, 7, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Services:
    """The outside services over one set of recordings; they hold no clock."""

    exchange: Exchange
    weather: WeatherService
    observations: Observations

    @classmethod
    def of(cls, recordings: Recordings) -> Services:
        """Prepare all services."""
        return cls(Exchange(recordings), WeatherService(recordings), Observations(recordings))


class World:
    """Everything that a server needs to answer: services, a clock, faults on order."""

    def __init__(self, services: Services, clock: SimulatedClock, scenario: Scenario) -> None:
        """Put services under a clock."""
        self.clock = clock
        self.scenario = scenario
        self.faults = FaultQueue()
        self.exchange = services.exchange
        self.weather = services.weather
        self.observations = services.observations


def open_world(
    *,
    scenario: str = "recorded",
    now: dt.datetime = DEFAULT_NOW,
    speed: float = 0.0,
    recordings: Path = RECORDINGS,
) -> World:
    """Load the recordings and start their world at ``now``.

    Raises:
        InvalidDataError: If a recording is broken or the scenario is unknown.
        ValueError: If ``speed`` is negative or ``now`` has no time zone.
    """
    chosen = SCENARIOS.get(scenario)
    if chosen is None:
        raise InvalidDataError(
            f"There is no scenario {scenario!r}; known are {', '.join(SCENARIOS)}.",
            {"scenario": scenario},
        )
    clock = SimulatedClock(now, speed=speed)
    services = Services.of(chosen.apply(load_recordings(recordings)))
    return World(services, clock, chosen)
