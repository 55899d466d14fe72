"""What the HTTP faces of the sandbox have in common: errors, parameters, faulty answers."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from boz.sandbox.faults import Fault, FaultKind, Source
from boz.sandbox.spoiling import spoilt_json, spoilt_text
from boz.sandbox.world import World

Handler = Callable[[World, Request, dt.datetime], Response]
Guard = Callable[[World, Request], None]

#: What a refusal for too many requests asks for.
RETRY_AFTER_SECONDS = "1"
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PROBLEMS = uuid.uuid5(uuid.NAMESPACE_URL, "boz.sandbox/problems")
_HTML = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head>"
    "<body><h1>We will be back soon</h1></body></html>"
)


class WireError(Exception):
    """A refusal in the words of the source that answers."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the HTTP status, the machine's word, the sentence and what belongs to them."""
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details
        self.headers = dict(headers or {})

    def body(self) -> dict[str, str]:
        """Return what the exchange writes under ``error``."""
        told = {"code": self.code, "message": self.message}
        return told | {"details": self.details} if self.details else told

    def response(self) -> Response:
        """Return the exchange's answer."""
        return JSONResponse({"error": self.body()}, self.status, self.headers)


def endpoint(
    world: World,
    source: Source,
    handler: Handler,
    *,
    guard: Guard | None = None,
    takes_effect: bool = False,
) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that reads the clock once, applies faults and writes errors as the source.

    Args:
        world: What is served.
        source: Who answers.
        handler: What is answered; it may read the request's content with :func:`json_content`.
        guard: Looks at a request before it is answered, and refuses it by raising WireError.
        takes_effect: Whether the handler changes something, so that it matters whether a request
            that fails has arrived before.
    """

    async def answer(request: Request) -> Response:
        where = f"{request.url.path}?{request.url.query}"
        fault = world.faults.take(source, world.clock.now(), method=request.method, path=where)
        is_silent = fault is not None and fault.kind is FaultKind.TIMEOUT
        if fault is not None and is_silent and not fault.after:
            await asyncio.sleep(fault.seconds)
        # Handlers run to their end without a pause; nothing of theirs is ever half done.
        request.state.content = await request.body()
        if takes_effect and fault is not None and fault.kind in _REFUSALS and not fault.after:
            return error_response(source, _REFUSALS[fault.kind], request)
        try:
            if guard is not None:
                guard(world, request)
            response = handler(world, request, world.clock.now())
        except WireError as error:
            response = error_response(source, error, request)
        if fault is not None and is_silent and fault.after:
            await asyncio.sleep(fault.seconds)
        if fault is not None:
            response = _spoilt(source, fault, response, request)
        if world.sky.derived_from is not None and source is not Source.KALSHI:
            response.headers["X-Derived-From"] = world.sky.derived_from
        return response

    return answer


def json_content(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries.

    Raises:
        WireError: 400, if it carries none.
    """
    try:
        body = json.loads(request.state.content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise WireError(400, "invalid_request_body", "the request must carry a JSON object")
    return body


def base_address(request: Request) -> str:
    """Return the address under which a service was asked, so that links lead back to it."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"


def error_response(source: Source, error: WireError, request: Request) -> Response:
    """Return an error body as the source writes it."""
    status, headers = error.status, error.headers
    if source is Source.KALSHI:
        return error.response()
    if source is Source.NWS:
        number = str(uuid.uuid5(_PROBLEMS, str(request.url)))
        body = {
            "type": f"urn:noaa:nws:api:{error.code}",
            "title": error.code,
            "status": status,
            "detail": error.message,
            "instance": f"urn:noaa:nws:api:request:{number}",
            "correlationId": number,
        }
        return JSONResponse(body, status, headers, media_type="application/problem+json")
    if source is Source.OPEN_METEO:
        return JSONResponse({"error": True, "reason": error.message}, status, headers)
    if source is Source.IEM:
        return PlainTextResponse(error.message, status, headers)
    if source is Source.NBM:
        text = f"<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
        return Response(f"{_XML}{text}", status, headers, media_type="application/xml")
    return JSONResponse({"status": "error", "error": error.message}, status, headers)


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
    refusal = _REFUSALS.get(fault.kind)
    if refusal is not None:
        return error_response(source, refusal, request)
    if fault.kind is FaultKind.HTML:
        return Response(_HTML, media_type="text/html")
    content = bytes(response.body)
    if fault.kind is FaultKind.TRUNCATED:
        return _with_content(response, content[: len(content) // 2])
    if response.status_code >= 400:
        return response  # a refusal has no values to spoil
    text = content.decode()
    try:
        body = json.loads(text)
    except ValueError:
        return _with_content(response, spoilt_text(source, fault.kind, text).encode())
    if fault.kind is FaultKind.REPEATED_CURSOR:
        spoilt = _with_same_cursor(body, request)
    else:
        spoilt = spoilt_json(source, fault.kind, body)
    return _with_content(response, json.dumps(spoilt).encode())


def _with_same_cursor(body: Any, request: Request) -> Any:
    """Return a page that leads to itself."""
    asked = request.query_params.get("cursor")
    return body | {"cursor": asked} if asked and isinstance(body, dict) else body


def _with_content(response: Response, content: bytes) -> Response:
    """Return the same answer with other content."""
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Response(content, status_code=response.status_code, headers=headers)


_REFUSALS = {
    FaultKind.HTTP_429: WireError(
        429, "TooManyRequests", "Too many requests.", headers={"Retry-After": RETRY_AFTER_SECONDS}
    ),
    FaultKind.HTTP_500: WireError(500, "UnexpectedProblem", "An unexpected problem has occurred."),
    FaultKind.HTTP_503: WireError(503, "UnavailableWebService", "The service is unavailable."),
    FaultKind.TIMEOUT: WireError(504, "GatewayTimeout", "The service did not answer in time."),
}
