"""An Open-Meteo of canned temperatures for the ingest tests."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx

from boz.core.http import HttpTransport
from weather.clients.open_meteo import OpenMeteoClient

HOUR = 3600
#: Gives °F, or None, from the latitude asked for, the member and the time.
Temps = Callable[[float, int, dt.datetime], float | None]


def usual_temps(latitude: float, member: int, at: dt.datetime) -> float | None:
    """Return 60 °F, and at 20 UTC the day of the month more, and a tenth for every member."""
    return 60.0 + (at.day + member / 10 if at.hour == 20 else 0.0)


class OpenMeteoWorld:
    """Answers for any model and any places; ``asked`` holds path and parameters of every call."""

    def __init__(self, *, now: dt.datetime) -> None:
        self.now = now
        self.initialised_at = now.replace(minute=0) - dt.timedelta(hours=8)
        self.available_at = now - dt.timedelta(hours=1)
        self.members = {"ncep_gefs025": 31, "gem_global_ensemble": 21, "icon_global_eps": 40}
        self.temps: Temps = usual_temps
        self.spoil_forecast: Callable[[Any], Any] = lambda body: body
        self.spoil_update: Callable[[Any], Any] = lambda body: body
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._lock = threading.Lock()

    @property
    def forecasts_asked(self) -> list[dict[str, str]]:
        """Return the parameters of the calls that count."""
        return [params for path, params in self.asked if path.startswith("/v1/")]

    def publish(self, *, initialised_at: dt.datetime, available_at: dt.datetime) -> None:
        """Have another run."""
        self.initialised_at, self.available_at = initialised_at, available_at

    def client(self, *, capture: Any = None) -> OpenMeteoClient:
        """Return a client of this world, which tries everything once."""
        http = HttpTransport(
            base_url="http://127.0.0.1:9",
            source="Open-Meteo",
            retries=0,
            capture=capture,
            transport=httpx.MockTransport(self.handle),
        )
        return OpenMeteoClient(http)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one call."""
        path, params = request.url.path, dict(request.url.params)
        with self._lock:
            self.asked.append((path, params))
        if path.startswith("/data/"):
            body = self.spoil_update(self._update())
        else:
            body = self.spoil_forecast(self.forecast_body(params))
        if isinstance(body, Exception):
            raise body
        return body if isinstance(body, httpx.Response) else httpx.Response(200, json=body)

    def forecast_body(self, params: dict[str, str]) -> Any:
        """Return the whole answer to a call for forecasts."""
        latitudes, longitudes = (
            [float(part) for part in params[name].split(",")] for name in ("latitude", "longitude")
        )
        first = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        first -= dt.timedelta(days=int(params["past_days"]))
        hours = 24 * (int(params["past_days"]) + int(params["forecast_days"]))
        times = [first + dt.timedelta(hours=n) for n in range(hours)]
        model = params["models"]
        members = self.members.get(model, 51 if model.endswith("_ensemble") else 1)
        bodies = [
            self._place(latitude, longitude, times, members)
            for latitude, longitude in zip(latitudes, longitudes, strict=True)
        ]
        return bodies if len(bodies) > 1 else bodies[0]

    def _place(
        self, latitude: float, longitude: float, times: list[dt.datetime], members: int
    ) -> dict[str, Any]:
        rows = {
            f"temperature_2m_member{member:02d}" if member else "temperature_2m": [
                self.temps(latitude, member, at) for at in times
            ]
            for member in range(members)
        }
        return {
            "latitude": latitude + 0.01,
            "longitude": longitude - 0.01,
            "generationtime_ms": float(len(self.asked)),
            "utc_offset_seconds": 0,
            "hourly_units": {"time": "unixtime"} | dict.fromkeys(rows, "°F"),
            "hourly": {"time": [int(at.timestamp()) for at in times]} | rows,
        }

    def _update(self) -> dict[str, int]:
        return {
            "last_run_initialisation_time": int(self.initialised_at.timestamp()),
            "last_run_availability_time": int(self.available_at.timestamp()),
            "last_run_modification_time": int(self.available_at.timestamp()),
            "temporal_resolution_seconds": HOUR,
            "update_interval_seconds": 6 * HOUR,
        }


def truncated(body: Any) -> httpx.Response:
    """Return the first half of an answer."""
    text = json.dumps(body)
    return httpx.Response(200, text=text[: len(text) // 2])
