from __future__ import annotations

import asyncio
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from boz.sandbox.app import create_app
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.floor.floor import FloorOptions
from boz.sandbox.recordings.loader import Recordings, load_recordings
from boz.sandbox.scenarios import SCENARIOS
from boz.sandbox.world import Services, World

REST = "/trade-api/v2"
BASE_URL = "http://127.0.0.1:8899"


class Client:
    """Asks a world in this process; every answer is a real HTTP response."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._transport = httpx.ASGITransport(create_app(world))

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return asyncio.run(self._send("GET", path, **kwargs))

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return asyncio.run(self._send("POST", path, **kwargs))

    def send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        return asyncio.run(self._send(method, path, **kwargs))

    def rest(self, path: str, **params: Any) -> Any:
        """Return the JSON of a successful answer of the exchange."""
        response = self.get(f"{REST}{path}", params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=BASE_URL) as client:
            return await client.request(method, path, **kwargs)


@pytest.fixture(scope="session")
def recordings() -> Recordings:
    return load_recordings()


@pytest.fixture(scope="session")
def services(recordings: Recordings) -> Callable[[str], Services]:
    """Return the services of a scenario; they hold no state, so tests share them."""

    def services_of(scenario: str) -> Services:
        chosen = SCENARIOS[scenario]
        return Services.of(chosen.apply(recordings), is_invented=chosen.is_invented)

    return functools.cache(services_of)


@pytest.fixture
def at(services: Callable[[str], Services]) -> Iterator[Callable[..., Client]]:
    """Return a client of a world at a moment: ``at("2024-11-14T15:00:00Z")``."""

    worlds: list[World] = []

    def open_at(
        moment: str, *, scenario: str = "recorded", options: FloorOptions | None = None
    ) -> Client:
        clock = SimulatedClock(dt.datetime.fromisoformat(moment))
        worlds.append(World(services(scenario), clock, SCENARIOS[scenario], options=options))
        return Client(worlds[-1])

    yield open_at
    for world in worlds:
        world.floor.members.forget_files()
