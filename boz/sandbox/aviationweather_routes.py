"""The aviation weather service over HTTP: ``/aviationweather``."""

from __future__ import annotations

import datetime as dt
import math

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from boz.core.clock import UTC
from boz.sandbox.faults import Source
from boz.sandbox.observations import observation_body, raw_report
from boz.sandbox.recordings.loader import RecordedObservation
from boz.sandbox.sky import DELAY
from boz.sandbox.wire import Handler, WireError, endpoint
from boz.sandbox.world import World

_MAX_ROWS = 400
_MAX_HOURS = 15 * 24.0
_DEFAULT_HOURS = 1.5


def routes(world: World) -> list[Route]:
    """Return the routes below ``/aviationweather``."""
    table: list[tuple[str, Handler]] = [
        ("/api/data/metar", _metar),
        ("/{rest:path}", _unknown),
    ]
    return [
        Route(path, endpoint(world, Source.AVIATIONWEATHER, handler), methods=["GET"])
        for path, handler in table
    ]


def _metar(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    stations = {name for name in query.get("ids", "").upper().split(",") if name}
    if not stations:
        raise WireError(400, "bad_request", "Station identifiers are required.")
    form = query.get("format", "raw")
    if form not in ("raw", "json"):
        raise WireError(400, "bad_request", f"The sandbox serves raw and json, not {form!r}.")
    end = _end_of_range(query.get("date"), now)
    start = end - dt.timedelta(hours=_hours(query.get("hours")))
    found = _newest_first(world, stations, start, min(end, now - DELAY))[:_MAX_ROWS]
    headers = {"X-Derived-From": "recorded hourly observations"}
    if form == "raw":
        return PlainTextResponse("\n".join(raw_report(item) for item in found), headers=headers)
    return JSONResponse([observation_body(item) for item in found], headers=headers)


def _newest_first(
    world: World, stations: set[str], start: dt.datetime, end: dt.datetime
) -> list[RecordedObservation]:
    found = [
        item
        for place in world.sky.places
        if place.station in stations
        for item in world.sky.observations(place, start, end)
    ]
    return sorted(found, key=lambda item: item.observed_at, reverse=True)


def _hours(text: str | None) -> float:
    if text is None:
        return _DEFAULT_HOURS
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 < hours <= _MAX_HOURS:
        raise WireError(400, "bad_request", f"hours must lie in 0..{_MAX_HOURS:g}, was {text!r}")
    return hours


def _end_of_range(text: str | None, now: dt.datetime) -> dt.datetime:
    if text is None:
        return now
    try:
        if "_" in text:
            moment = dt.datetime.strptime(text, "%Y%m%d_%H%M").replace(tzinfo=UTC)
        else:
            moment = dt.datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise WireError(
            400, "bad_request", f"date must be yyyymmdd_hhmm or an ISO time, was {text!r}"
        ) from None
    return min(moment, now)


def _unknown(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "not_found", f"the sandbox does not serve {request.url.path}")
