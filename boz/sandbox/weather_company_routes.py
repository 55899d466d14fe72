"""The Weather Company's page of settlement values over HTTP: ``/weather-company``.

UNVERIFIED: the shape is that of one public description; no answer was ever recorded.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boz.core.clock import format_utc
from boz.sandbox.faults import Source
from boz.sandbox.places import Place
from boz.sandbox.wire import Handler, WireError, endpoint
from boz.sandbox.world import World


def routes(world: World) -> list[Route]:
    """Return the routes below ``/weather-company``."""
    table: list[tuple[str, Handler]] = [
        ("/climate/primary", _primary),
        ("/{rest:path}", _unknown),
    ]
    return [
        Route(path, endpoint(world, Source.WEATHER_COMPANY, handler), methods=["GET"])
        for path, handler in table
    ]


def _primary(world: World, request: Request, now: dt.datetime) -> Response:
    text = request.query_params.get("date", "")
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise WireError(400, "bad_request", f"date must be YYYY-MM-DD, was {text!r}") from None
    results = [_result(world, place, day, now) for place in world.sky.places]
    return JSONResponse({"date": day.isoformat(), "results": results})


def _result(world: World, place: Place, day: dt.date, now: dt.datetime) -> dict[str, Any]:
    report = world.sky.settlement_report(place, day, now)
    result: dict[str, Any] = {
        "station": {"icao": place.station, "cliId": place.cli_site, "name": place.station_name}
    }
    if report is None:
        return result | {"data": None, "status": "no_report"}
    data = {
        "stationId": place.cli_site,
        "reportDate": day.isoformat(),
        "maxTemp": report.max_f,
        "isOfficial": report.is_final,
        "issueTime": format_utc(report.issued_at),
    }
    return result | {"data": data, "status": "official" if report.is_final else "preliminary"}


def _unknown(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "not_found", "Not found.")
