"""An outside world of canned answers for the ingest tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import httpx

from boz.core.http import HttpTransport
from weather.clients.aviationweather import AviationWeatherClient
from weather.clients.iem import IemClient
from weather.clients.nws import NwsClient
from weather.clients.weather_company import WeatherCompanyClient

PAYLOADS = Path(__file__).parent / "payloads"
#: A body, an answer, an error to raise, or a function of the request.
Answer = Any


class World:
    """Answers by path; what it does not know is 404. ``asked`` holds every path."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        answer = self.answers.get(request.url.path)
        if answer is None:
            return httpx.Response(404, json={"title": "Not Found", "status": 404})
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        if callable(answer):
            return answer(request)
        return httpx.Response(200, json=answer)

    def _http(self, name: str, capture: Any = None) -> HttpTransport:
        return HttpTransport(
            base_url="http://127.0.0.1:9",
            source=name,
            retries=0,
            capture=capture,
            transport=httpx.MockTransport(self.handle),
        )

    def nws(self, *, capture: Any = None) -> NwsClient:
        return NwsClient(http=self._http("api.weather.gov", capture))

    def aviation(self) -> AviationWeatherClient:
        return AviationWeatherClient(http=self._http("aviationweather.gov"))

    def iem(self, *, capture: Any = None) -> IemClient:
        return IemClient(http=self._http("mesonet.agron.iastate.edu", capture))

    def weather_company(self, *, capture: Any = None) -> WeatherCompanyClient:
        return WeatherCompanyClient(http=self._http("weather.com", capture))

    def has_grid(self, station: Any, *, body: Any, cell: tuple[int, int] = (34, 45)) -> str:
        """Serve a point and its grid; return the grid's path."""
        lat = f"{station.latitude:.4f}".rstrip("0").rstrip(".")
        lon = f"{station.longitude:.4f}".rstrip("0").rstrip(".")
        self.answers[f"/points/{lat},{lon}"] = {
            "properties": {"gridId": "OKX", "gridX": cell[0], "gridY": cell[1]}
        }
        path = f"/gridpoints/OKX/{cell[0]},{cell[1]}"
        self.answers[path] = body
        return path

    def has_report(self, station: Any, product_id: str, *, text: str, issued: str) -> None:
        """Serve a climate report in the list of a site."""
        path = f"/products/types/CLI/locations/{station.cli_id}"
        entry = {"id": product_id, "issuanceTime": issued, "productCode": "CLI"}
        self.answers.setdefault(path, {"@graph": []})["@graph"].append(entry)
        self.answers[f"/products/{product_id}"] = {**entry, "productText": text}


def grid_body(*days: tuple[dt.date, float], issued: str, unit: str = "wmoUnit:degC") -> Any:
    """Return a grid with one maximum per day, given in °F and sent in ``unit``'s °C."""
    return {
        "properties": {
            "updateTime": issued,
            "maxTemperature": {
                "uom": unit,
                "values": [
                    {
                        "validTime": f"{day.isoformat()}T12:00:00+00:00/PT13H",
                        "value": (high_f - 32) / 1.8,
                    }
                    for day, high_f in days
                ],
            },
        }
    }


def metar(icao: str, raw: str, observed_at: dt.datetime) -> dict[str, Any]:
    """Return one entry of the station report service."""
    return {
        "icaoId": icao,
        "obsTime": int(observed_at.timestamp()),
        "metarType": "METAR",
        "rawOb": raw,
        "temp": 20,
    }


def climate_text(name: str) -> str:
    """Return a recorded climate report."""
    return (PAYLOADS / f"{name}.txt").read_text()
