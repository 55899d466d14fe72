"""The sandbox's web application: outside services under their prefixes, and its own controls."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from boz.core.clock import format_utc, parse_utc
from boz.sandbox import (
    aviationweather_routes,
    exchange_auth,
    exchange_routes,
    iem_routes,
    nbm_routes,
    nws_routes,
    open_meteo_routes,
    weather_company_routes,
)
from boz.sandbox.clock import ClockBackwardsError
from boz.sandbox.controls import exchange_controls, json_object, refused
from boz.sandbox.exchange_stream import stream_route
from boz.sandbox.fault_plan import order_fault
from boz.sandbox.faults import Source
from boz.sandbox.limits import Door, OneASecond, OneAtATime, Open
from boz.sandbox.scenarios import FIRST_DAY, LAST_DAY
from boz.sandbox.wire import WireError, error_response
from boz.sandbox.world import World

REST_PREFIX = exchange_auth.REST_PREFIX
STREAM_PATH = "/trade-api/ws/v2"
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
        strict_limits: Whether Open-Meteo, the Mesonet and the exchange refuse what the real hosts
            refuse.
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
    world.strict_limits = strict_limits
    controls = Mount("/sandbox", routes=[*_control_routes(world), *exchange_controls(world)])
    return Starlette(routes=[*mounts, stream_route(world, STREAM_PATH), controls])


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
        body = await json_object(request)
        try:
            world.clock.set(parse_utc(str(body.get("now"))))
        except ClockBackwardsError as error:
            return refused(409, "clock_backwards", str(error))
        except ValueError:
            return refused(400, "invalid_parameter", "now must be a UTC time")
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
        body = await json_object(request)
        try:
            if body.get("clear") is True:
                world.faults.clear()
            else:
                order_fault(world.faults, body)
        except (TypeError, ValueError) as error:
            return refused(400, "invalid_parameter", str(error))
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
