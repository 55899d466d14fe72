"""The weather services over HTTP: ``/nws`` and ``/aviationweather``."""

from __future__ import annotations

import datetime as dt
import math

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from boz.core.clock import UTC
from boz.sandbox.climate_report import ClimateReport
from boz.sandbox.faults import Source
from boz.sandbox.observations import observation_body, raw_report
from boz.sandbox.places import BY_CLI_SITE, BY_GRID
from boz.sandbox.weather import product_body
from boz.sandbox.wire import Handler, WireError, endpoint
from boz.sandbox.world import World

GEO_JSON = "application/geo+json"
LD_JSON = "application/ld+json"
_CONTEXT = {"@version": "1.1", "@vocab": "https://api.weather.gov/ontology#"}
_MAX_ROWS = 400
_MAX_HOURS = 15 * 24.0
_DEFAULT_HOURS = 1.5


def nws_routes(world: World) -> list[Route]:
    """Return the routes below ``/nws``."""
    table: list[tuple[str, Handler]] = [
        ("/points/{point}", _point),
        ("/gridpoints/{office}/{cell}", _grid),
        ("/products/types/CLI/locations/{site}", _reports),
        ("/products/types/CLI/locations/{site}/latest", _latest_report),
        ("/products/{uuid}", _report),
        ("/{rest:path}", _unknown_nws),
    ]
    return [
        Route(path, endpoint(world, Source.NWS, _polite(handler)), methods=["GET"])
        for path, handler in table
    ]


def aviationweather_routes(world: World) -> list[Route]:
    """Return the routes below ``/aviationweather``."""
    table: list[tuple[str, Handler]] = [
        ("/api/data/metar", _metar),
        ("/{rest:path}", _unknown_aviation),
    ]
    return [
        Route(path, endpoint(world, Source.AVIATIONWEATHER, handler), methods=["GET"])
        for path, handler in table
    ]


def _polite(handler: Handler) -> Handler:
    """Refuse what the weather service refuses: no User-Agent, unknown query parameters."""

    def checked(world: World, request: Request, now: dt.datetime) -> Response:
        if not request.headers.get("user-agent"):
            raise WireError(403, "Forbidden", "A User-Agent header is required.")
        for name in request.query_params:
            raise WireError(400, "BadRequest", f"Query parameter {name!r} is not recognized here.")
        return handler(world, request, now)

    return checked


def _base(request: Request) -> str:
    """Return the address under which this service was asked, so that links lead back to it."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"


def _point(world: World, request: Request, now: dt.datetime) -> Response:
    parts = request.path_params["point"].split(",")
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError:
        latitude = longitude = math.nan
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise WireError(404, "InvalidPoint", f"{','.join(parts)!r} is not a point.")
    if (round(latitude, 4), round(longitude, 4)) != (latitude, longitude):
        corrected = f"{_base(request)}/points/{round(latitude, 4)},{round(longitude, 4)}"
        return RedirectResponse(corrected, status_code=301)
    place = world.weather.place_at(latitude, longitude)
    if place is None:
        raise WireError(404, "InvalidPoint", "Data Unavailable For Requested Point")
    body = world.weather.point_body(place, latitude, longitude, _base(request))
    return JSONResponse(body, media_type=GEO_JSON)


def _grid(world: World, request: Request, now: dt.datetime) -> Response:
    cell = request.path_params["cell"].split(",")
    place = None
    if len(cell) == 2 and all(part.isdigit() for part in cell):
        place = BY_GRID.get((request.path_params["office"], int(cell[0]), int(cell[1])))
    if place is None:
        raise WireError(404, "NotFound", "There is no such grid point.")
    forecast = world.weather.latest_forecast(place, now)
    if forecast is None:
        reason = (
            "no forecast has been issued yet for this grid point"
            if world.weather.has_forecasts(place)
            else "no as-issued forecast is recorded for this grid point"
        )
        raise WireError(404, "NotFound", reason)
    body = world.weather.grid_body(place, forecast, _base(request))
    return JSONResponse(body, media_type=GEO_JSON)


def _reports(world: World, request: Request, now: dt.datetime) -> Response:
    reports = world.weather.reports(request.path_params["site"], now)
    graph = [product_body(report, _base(request), text=False) for report in reports]
    return JSONResponse({"@context": _CONTEXT, "@graph": graph}, media_type=LD_JSON)


def _latest_report(world: World, request: Request, now: dt.datetime) -> Response:
    site = request.path_params["site"]
    reports = world.weather.reports(site, now) if site in BY_CLI_SITE else []
    if not reports:
        raise WireError(404, "NotFound", f"No product of type CLI is known for {site}.")
    return _product(reports[0], request)


def _report(world: World, request: Request, now: dt.datetime) -> Response:
    report = world.weather.report(request.path_params["uuid"], now)
    if report is None:
        raise WireError(404, "NotFound", "There is no such product.")
    return _product(report, request)


def _product(report: ClimateReport, request: Request) -> Response:
    body = {"@context": _CONTEXT} | product_body(report, _base(request), text=True)
    return JSONResponse(body, media_type=LD_JSON, headers={"X-Derived-From": report.derived_from})


def _unknown_nws(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "NotFound", f"The sandbox does not serve {request.url.path}.")


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
    found = world.observations.between(stations, start, end, now)[:_MAX_ROWS]
    headers = {"X-Derived-From": "recorded hourly observations"}
    if form == "raw":
        return PlainTextResponse("\n".join(raw_report(item) for item in found), headers=headers)
    return JSONResponse([observation_body(item) for item in found], headers=headers)


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


def _unknown_aviation(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "not_found", f"the sandbox does not serve {request.url.path}")
