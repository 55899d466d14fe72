"""The sandbox's web application: outside services under their prefixes, and its own controls."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import math
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from boz.core.clock import format_utc, parse_utc
from boz.sandbox import (
    aviationweather_routes,
    exchange_routes,
    iem_routes,
    nbm_routes,
    nws_routes,
    open_meteo_routes,
    weather_company_routes,
)
from boz.sandbox.clock import ClockBackwardsError
from boz.sandbox.faults import FaultKind, Source
from boz.sandbox.limits import Door, OneASecond, OneAtATime, Open
from boz.sandbox.scenarios import FIRST_DAY, LAST_DAY
from boz.sandbox.wire import WireError, error_response
from boz.sandbox.world import World

REST_PREFIX = "/trade-api/v2"
NWS_PREFIX = "/nws"
AVIATIONWEATHER_PREFIX = "/aviationweather"
OPEN_METEO_PREFIX = "/open-meteo"
IEM_PREFIX = "/iem"
NBM_PREFIX = "/nbm"
WEATHER_COMPANY_PREFIX = "/weather-company"
AT_ONCE = dt.timedelta(0)


def create_app(
    world: World, *, latency: dt.timedelta = AT_ONCE, strict_limits: bool = False
) -> Starlette:
    """Return the application over one world.

    Args:
        world: What to serve.
        latency: How long every answer of an outside service waits; the controls do not.
        strict_limits: Whether Open-Meteo and the Mesonet refuse what the real hosts refuse.
    """
    strict: dict[Source, Door] = {
        Source.OPEN_METEO: OneAtATime(),
        Source.IEM: OneASecond(frozenset({iem_routes.ASOS_PATH, iem_routes.RETRIEVE_PATH})),
    }
    outside = {
        REST_PREFIX: (Source.KALSHI, exchange_routes),
        NWS_PREFIX: (Source.NWS, nws_routes),
        AVIATIONWEATHER_PREFIX: (Source.AVIATIONWEATHER, aviationweather_routes),
        OPEN_METEO_PREFIX: (Source.OPEN_METEO, open_meteo_routes),
        IEM_PREFIX: (Source.IEM, iem_routes),
        NBM_PREFIX: (Source.NBM, nbm_routes),
        WEATHER_COMPANY_PREFIX: (Source.WEATHER_COMPANY, weather_company_routes),
    }
    mounts = []
    for prefix, (source, module) in outside.items():
        door = strict.get(source, Open()) if strict_limits else Open()
        app = _Outside(Router(module.routes(world)), source, door, latency)
        mounts.append(Mount(prefix, app=app))
    return Starlette(routes=[*mounts, Mount("/sandbox", routes=_control_routes(world))])


class _Outside:
    """An outside service behind its door, as far away as the latency says."""

    def __init__(self, app: ASGIApp, source: Source, door: Door, latency: dt.timedelta) -> None:
        self._app, self._source, self._door = app, source, door
        self._seconds = latency.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._door.enter(scope["path"]):
                if self._seconds:
                    await asyncio.sleep(self._seconds)
                await self._app(scope, receive, send)
        except WireError as error:
            refusal = error_response(self._source, error, Request(scope))
            await refusal(scope, receive, send)


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
            if body.get("clear") is True:
                world.faults.clear()
            else:
                _order_fault(world, body)
        except (TypeError, ValueError) as error:
            return _refused(400, "invalid_parameter", str(error))
        return JSONResponse(_faults_body(world))

    async def read_faults(request: Request) -> Response:
        return JSONResponse(_faults_body(world))

    return [
        Route("/clock", read_clock, methods=["GET"]),
        Route("/clock", set_clock, methods=["POST"]),
        Route("/scenario", read_scenario, methods=["GET"]),
        Route("/faults", read_faults, methods=["GET"]),
        Route("/faults", order_faults, methods=["POST"]),
    ]


def _order_fault(world: World, body: dict[str, Any]) -> None:
    """Order what a body says: so many answers, or every one until a moment or for good.

    Raises:
        TypeError: If a number is none.
        ValueError: If the order makes no sense.
    """
    source, kind = Source(str(body.get("source"))), FaultKind(str(body.get("kind")))
    until = None if body.get("until") is None else parse_utc(str(body["until"]))
    count, seconds = body.get("count", 1 if until is None else 0), float(body.get("seconds", 60.0))
    if isinstance(count, bool) or not isinstance(count, int):
        raise ValueError(f"count must be a whole number, was {count!r}")
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"seconds must be 0 or more, was {seconds!r}")
    world.faults.add(source, kind, count=count, seconds=seconds, until=until)


def _faults_body(world: World) -> dict[str, Any]:
    outages = [
        {
            "source": source.value,
            "kind": fault.kind.value,
            "until": None if fault.until is None else format_utc(fault.until),
        }
        for source, fault in world.faults.outages(world.clock.now())
    ]
    return {"waiting": world.faults.waiting(), "outages": outages}


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
