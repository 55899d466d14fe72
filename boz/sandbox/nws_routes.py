"""The weather service over HTTP: ``/nws``."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from boz.core.clock import UTC, format_utc, parse_utc
from boz.sandbox import nws_bodies
from boz.sandbox.climate_report import ClimateReport, issue_of
from boz.sandbox.faults import Source
from boz.sandbox.places import BY_CLI_SITE, BY_GRID, BY_STATION, Place
from boz.sandbox.sky import DELAY, HourlyIssue
from boz.sandbox.wire import Handler, WireError, base_address, endpoint, query_int
from boz.sandbox.world import World

GEO_JSON = "application/geo+json"
LD_JSON = "application/ld+json"
#: The list of products of one site holds about this many, newest first.
LISTED_PRODUCTS = 28
#: Products and readings are kept this long.
PRODUCTS_KEPT, READINGS_KEPT = dt.timedelta(days=31), dt.timedelta(days=7)
#: A point belongs to the place whose station lies within this many degrees both ways.
POINT_TOLERANCE = 0.1
_MAX_READINGS = 500
_READING_PARAMETERS = frozenset({"start", "end", "limit", "cursor"})


def routes(world: World) -> list[Route]:
    """Return the routes below ``/nws``."""
    table: list[tuple[str, Handler, frozenset[str]]] = [
        ("/points/{point}", _point, frozenset()),
        ("/gridpoints/{office}/{cell}", _grid, frozenset()),
        ("/gridpoints/{office}/{cell}/forecast", _periods, frozenset({"units"})),
        ("/gridpoints/{office}/{cell}/forecast/hourly", _hourly, frozenset({"units"})),
        ("/stations/{station}/observations", _readings, _READING_PARAMETERS),
        ("/stations/{station}/observations/latest", _latest_reading, frozenset({"require_qc"})),
        ("/products/types/CLI/locations/{site}", _reports, frozenset()),
        ("/products/types/CLI/locations/{site}/latest", _latest_report, frozenset()),
        ("/products/{uuid}", _report, frozenset()),
        ("/{rest:path}", _unknown, frozenset()),
    ]
    return [
        Route(path, endpoint(world, Source.NWS, _polite(handler, known)), methods=["GET"])
        for path, handler, known in table
    ]


def _polite(handler: Handler, known: Collection[str]) -> Handler:
    """Refuse what the weather service refuses: no User-Agent, unknown query parameters."""

    def checked(world: World, request: Request, now: dt.datetime) -> Response:
        if not request.headers.get("user-agent"):
            raise WireError(403, "Forbidden", "A User-Agent header is required.")
        for name in request.query_params:
            if name not in known:
                raise WireError(
                    400, "BadRequest", f"Query parameter {name!r} is not recognized here."
                )
        return handler(world, request, now)

    return checked


def _point(world: World, request: Request, now: dt.datetime) -> Response:
    parts = request.path_params["point"].split(",")
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError:
        latitude = longitude = math.nan
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise WireError(404, "InvalidPoint", f"{','.join(parts)!r} is not a point.")
    base = base_address(request)
    if (round(latitude, 4), round(longitude, 4)) != (latitude, longitude):
        corrected = f"{base}/points/{round(latitude, 4)},{round(longitude, 4)}"
        return RedirectResponse(corrected, status_code=301)
    place = world.place_at(latitude, longitude, tolerance=POINT_TOLERANCE)
    if place is None:
        raise WireError(404, "InvalidPoint", "Data Unavailable For Requested Point")
    body = nws_bodies.point_body(place, latitude, longitude, base)
    return JSONResponse(body, media_type=GEO_JSON)


def _cell(world: World, request: Request) -> Place:
    cell = request.path_params["cell"].split(",")
    place = None
    if len(cell) == 2 and all(part.isdecimal() for part in cell):
        place = BY_GRID.get((request.path_params["office"], int(cell[0]), int(cell[1])))
    if place is None or place not in world.sky.places:
        raise WireError(404, "NotFound", "There is no such grid point.")
    return place


def _grid(world: World, request: Request, now: dt.datetime) -> Response:
    place = _cell(world, request)
    issue = world.sky.grid(place, now)
    if issue is None:
        raise WireError(404, "NotFound", world.sky.why_no_grid(place))
    body = nws_bodies.grid_body(place, issue, base_address(request))
    return JSONResponse(body, media_type=GEO_JSON)


def _hourly(world: World, request: Request, now: dt.datetime) -> Response:
    place, issue = _hourly_issue(world, request, now)
    body = nws_bodies.hourly_body(place, issue, now, units=_units(request))
    return JSONResponse(body, media_type=GEO_JSON)


def _periods(world: World, request: Request, now: dt.datetime) -> Response:
    place, issue = _hourly_issue(world, request, now)
    body = nws_bodies.period_body(place, issue, now, units=_units(request))
    return JSONResponse(body, media_type=GEO_JSON)


def _hourly_issue(world: World, request: Request, now: dt.datetime) -> tuple[Place, HourlyIssue]:
    place = _cell(world, request)
    issue = world.sky.hourly(place, now)
    if issue is None:
        raise WireError(404, "NotFound", "no hourly forecast is recorded for this grid point")
    return place, issue


def _units(request: Request) -> str:
    units = request.query_params.get("units", "us")
    if units not in ("us", "si"):
        raise WireError(400, "BadRequest", f"units must be us or si, was {units!r}")
    return units


def _readings(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    place = _station(world, request)
    limit = query_int(query, "limit", low=1, high=_MAX_READINGS, default=None) or _MAX_READINGS
    start = max(_moment(query.get("start"), now - READINGS_KEPT), now - READINGS_KEPT)
    # A cursor names the oldest reading of the page before.
    cursor = _moment(query.get("cursor"), now) - dt.timedelta(seconds=1)
    end = min(_moment(query.get("end"), now), now - DELAY, cursor)
    newest_first = world.sky.observations(place, start, end, five_minute=True)[::-1]
    page = newest_first[:limit]
    body = nws_bodies.observations_body(page, base_address(request))
    if len(newest_first) > limit:
        following = {"cursor": format_utc(page[-1].observed_at), "limit": str(limit)}
        following |= {"start": format_utc(start.replace(microsecond=0))}
        body["pagination"] = {"next": str(request.url.replace_query_params(**following))}
    return JSONResponse(body, media_type=GEO_JSON)


def _latest_reading(world: World, request: Request, now: dt.datetime) -> Response:
    place = _station(world, request)
    items = world.sky.observations(place, now - READINGS_KEPT, now - DELAY, five_minute=True)
    if not items:
        raise WireError(404, "NotFound", "There is no reading of this station.")
    feature = nws_bodies.observation_feature(items[-1], base_address(request))
    return JSONResponse({"@context": nws_bodies.CONTEXT} | feature, media_type=GEO_JSON)


def _station(world: World, request: Request) -> Place:
    name = request.path_params["station"]
    place = BY_STATION.get(name)
    if place is None or place not in world.sky.places:
        raise WireError(404, "NotFound", f"There is no station {name}.")
    return place


def _moment(text: str | None, default: dt.datetime) -> dt.datetime:
    if text is None:
        return default
    try:
        return parse_utc(text)
    except ValueError:
        raise WireError(400, "BadRequest", f"{text!r} is not a time.") from None


def _reports(world: World, request: Request, now: dt.datetime) -> Response:
    base = base_address(request)
    listed = _issued(world, request.path_params["site"], now)[:LISTED_PRODUCTS]
    graph = [nws_bodies.product_body(report, base, text=False) for report in listed]
    return JSONResponse({"@context": nws_bodies.CONTEXT, "@graph": graph}, media_type=LD_JSON)


def _latest_report(world: World, request: Request, now: dt.datetime) -> Response:
    site = request.path_params["site"]
    issued = _issued(world, site, now)
    if not issued:
        raise WireError(404, "NotFound", f"No product of type CLI is known for {site}.")
    return _product(issued[0], request)


def _issued(world: World, site: str, now: dt.datetime) -> list[ClimateReport]:
    """Return the reports of a site, newest first; none for an unknown site."""
    place = BY_CLI_SITE.get(site)
    if place is None or place not in world.sky.places:
        return []
    return list(reversed(world.sky.reports(place, now - PRODUCTS_KEPT, now)))


def _report(world: World, request: Request, now: dt.datetime) -> Response:
    named = issue_of(request.path_params["uuid"])
    if named is not None:
        place, issued_at = named
        # Nothing later than now, whatever the identifier says.
        if place in world.sky.places and issued_at <= now.astimezone(UTC):
            for report in world.sky.reports(place, issued_at, issued_at):
                return _product(report, request)
    raise WireError(404, "NotFound", "There is no such product.")


def _product(report: ClimateReport, request: Request) -> Response:
    body = {"@context": nws_bodies.CONTEXT}
    body |= nws_bodies.product_body(report, base_address(request), text=True)
    return JSONResponse(body, media_type=LD_JSON, headers={"X-Derived-From": report.derived_from})


def _unknown(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "NotFound", f"The sandbox does not serve {request.url.path}.")
