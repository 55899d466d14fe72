"""What the HTTP faces of the sandbox have in common: errors, parameters, faulty answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from boz.sandbox.faults import (
    Fault,
    FaultKind,
    Source,
    with_absurd_values,
    without_vital_fields,
)
from boz.sandbox.world import World

Handler = Callable[[World, Request, dt.datetime], Response]

_PROBLEMS = uuid.uuid5(uuid.NAMESPACE_URL, "boz.sandbox/problems")
_HTML = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head>"
    "<body><h1>We will be back soon</h1></body></html>"
)


class WireError(Exception):
    """A refusal in the words of the source that answers."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the HTTP status, the machine's word and the sentence."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def endpoint(
    world: World, source: Source, handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that reads the clock once, applies faults and writes errors as the source."""

    async def answer(request: Request) -> Response:
        fault = world.faults.take(source)
        if fault is not None and fault.kind is FaultKind.TIMEOUT:
            await asyncio.sleep(fault.seconds)
        try:
            response = handler(world, request, world.clock.now())
        except WireError as error:
            response = error_response(source, error, request)
        return response if fault is None else _spoilt(source, fault, response, request)

    return answer


def error_response(source: Source, error: WireError, request: Request) -> Response:
    """Return an error body as the source writes it."""
    if source is Source.KALSHI:
        body: dict[str, Any] = {"error": {"code": error.code, "message": error.message}}
        return JSONResponse(body, status_code=error.status)
    if source is Source.NWS:
        number = str(uuid.uuid5(_PROBLEMS, str(request.url)))
        body = {
            "type": f"urn:noaa:nws:api:{error.code}",
            "title": error.code,
            "status": error.status,
            "detail": error.message,
            "instance": f"urn:noaa:nws:api:request:{number}",
            "correlationId": number,
        }
        return JSONResponse(body, status_code=error.status, media_type="application/problem+json")
    return JSONResponse({"status": "error", "error": error.message}, status_code=error.status)


def query_int(
    query: Mapping[str, str], name: str, *, low: int, high: int, default: int | None
) -> int | None:
    """Return a whole-number parameter, or the default when it is not given.

    Raises:
        WireError: 400, if it is no whole number or out of range.
    """
    text = query.get(name)
    if text is None or text == "":
        return default
    try:
        value = int(text)
    except ValueError:
        raise WireError(
            400, "invalid_parameter", f"{name} must be a whole number, was {text!r}"
        ) from None
    if not low <= value <= high:
        raise WireError(400, "invalid_parameter", f"{name} must lie in {low}..{high}, was {value}")
    return value


def query_flag(query: Mapping[str, str], name: str) -> bool:
    """Return a true/false parameter; absent is false.

    Raises:
        WireError: 400, if it is neither.
    """
    text = query.get(name, "false").lower()
    if text not in ("true", "false"):
        raise WireError(400, "invalid_parameter", f"{name} must be true or false, was {text!r}")
    return text == "true"


def _spoilt(source: Source, fault: Fault, response: Response, request: Request) -> Response:
    if fault.kind is FaultKind.HTTP_500:
        error = WireError(500, "UnexpectedProblem", "An unexpected problem has occurred.")
        return error_response(source, error, request)
    if fault.kind is FaultKind.HTTP_503:
        error = WireError(503, "UnavailableWebService", "The service is unavailable.")
        return error_response(source, error, request)
    if fault.kind is FaultKind.TIMEOUT:
        error = WireError(504, "GatewayTimeout", "The service did not answer in time.")
        return error_response(source, error, request)
    if fault.kind is FaultKind.HTML:
        return Response(_HTML, media_type="text/html")
    content = bytes(response.body)
    if fault.kind is FaultKind.TRUNCATED:
        return Response(content[: len(content) // 2], media_type=response.media_type)
    change = without_vital_fields if fault.kind is FaultKind.MISSING_FIELD else with_absurd_values
    try:
        body = change(source, json.loads(content))
    except ValueError:
        return response  # raw text has no fields to spoil
    return JSONResponse(body, status_code=response.status_code, media_type=response.media_type)
