"""The world that the sandbox serves: recordings, a clock, and faults on order."""

from __future__ import annotations

import datetime as dt
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


class World:
    """Everything that a server needs to answer."""

    def __init__(self, recordings: Recordings, clock: SimulatedClock, scenario: Scenario) -> None:
        """Prepare the services over the scenario's version of the recordings."""
        changed = scenario.apply(recordings)
        self.clock = clock
        self.scenario = scenario
        self.faults = FaultQueue()
        self.exchange = Exchange(changed)
        self.weather = WeatherService(changed)
        self.observations = Observations(changed)


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
    return World(load_recordings(recordings), SimulatedClock(now, speed=speed), chosen)
