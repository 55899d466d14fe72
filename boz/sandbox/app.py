"""The sandbox's web application: outside services under their prefixes, and its own controls."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from boz.core.clock import format_utc, parse_utc
from boz.sandbox import exchange_routes, weather_routes
from boz.sandbox.clock import ClockBackwardsError
from boz.sandbox.faults import FaultKind, Source
from boz.sandbox.scenarios import FIRST_DAY, LAST_DAY
from boz.sandbox.world import World

REST_PREFIX = "/trade-api/v2"
NWS_PREFIX = "/nws"
AVIATIONWEATHER_PREFIX = "/aviationweather"


def create_app(world: World) -> Starlette:
    """Return the application over one world."""
    return Starlette(
        routes=[
            Mount(REST_PREFIX, routes=exchange_routes.routes(world)),
            Mount(NWS_PREFIX, routes=weather_routes.nws_routes(world)),
            Mount(AVIATIONWEATHER_PREFIX, routes=weather_routes.aviationweather_routes(world)),
            Mount("/sandbox", routes=_control_routes(world)),
        ]
    )


def _control_routes(world: World) -> list[Route]:
    async def read_clock(request: Request) -> Response:
        return JSONResponse(_clock_body(world))

    async def set_clock(request: Request) -> Response:
        body = await _json_object(request)
        try:
            world.clock.set(parse_utc(str(body.get("now"))))
        except ClockBackwardsError as error:
            return _refused(409, "clock_backwards", str(error))
        except ValueError:
            return _refused(400, "invalid_parameter", "now must be a UTC time")
        return JSONResponse(_clock_body(world))

    async def read_scenario(request: Request) -> Response:
        scenario = world.scenario
        return JSONResponse(
            {
                "name": scenario.name,
                "description": scenario.description,
                "subject": scenario.subject,
                "first_day": FIRST_DAY.isoformat(),
                "last_day": LAST_DAY.isoformat(),
                "now": format_utc(world.clock.now()),
            }
        )

    async def order_faults(request: Request) -> Response:
        body = await _json_object(request)
        try:
            source, kind = Source(str(body.get("source"))), FaultKind(str(body.get("kind")))
            count, seconds = body.get("count", 1), float(body.get("seconds", 60.0))
            if isinstance(count, bool) or not isinstance(count, int):
                raise ValueError(f"count must be a whole number, was {count!r}")
            if not (math.isfinite(seconds) and seconds >= 0):
                raise ValueError(f"seconds must be 0 or more, was {seconds!r}")
            world.faults.add(source, kind, count=count, seconds=seconds)
        except (TypeError, ValueError) as error:
            return _refused(400, "invalid_parameter", str(error))
        return JSONResponse({"waiting": world.faults.waiting()})

    return [
        Route("/clock", read_clock, methods=["GET"]),
        Route("/clock", set_clock, methods=["POST"]),
        Route("/scenario", read_scenario, methods=["GET"]),
        Route("/faults", order_faults, methods=["POST"]),
    ]


def _clock_body(world: World) -> dict[str, Any]:
    return {"now": format_utc(world.clock.now()), "speed": world.clock.speed}


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refused(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
