"""What happens around every request: identity, timing, a log line and security headers."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from boz.core.logging import get_logger, request_id

log = get_logger("SYSTEM")

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

STRICT_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
#: Swagger's page starts itself by an inline script and styles itself inline.
RELAXED_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class RequestContextMiddleware:
    """Gives a request its id, measures it and logs it without any value of its query."""

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the rest of the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with ``X-Request-ID`` and ``X-Process-Time`` (seconds)."""
        identity = _request_id(request)
        token = request_id.set(identity)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            seconds = time.perf_counter() - started
            response["X-Request-ID"] = identity
            response["X-Process-Time"] = f"{seconds:.4f}"
            _log_request(request, response.status_code, seconds, identity)
        finally:
            request_id.reset(token)
        return response


class SecurityHeadersMiddleware:
    """Tells browsers to run nothing but our own files, and to frame us nowhere."""

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the rest of the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Set the headers unless a view has set its own."""
        response = self.get_response(request)
        prefixes = tuple(getattr(settings, "CSP_RELAXED_PREFIXES", ()))
        is_relaxed = bool(prefixes) and request.path.startswith(prefixes)
        policy = RELAXED_POLICY if is_relaxed else STRICT_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        return response


def _request_id(request: HttpRequest) -> str:
    offered = request.headers.get("X-Request-ID", "")
    # Whatever else is offered would end up in logs and headers, so only plain names pass.
    return offered if _SANE_REQUEST_ID.fullmatch(offered) else str(uuid.uuid4())


def _log_request(request: HttpRequest, status: int, seconds: float, identity: str) -> None:
    write = log.error if status >= 500 else log.info
    write(
        "Request",
        method=request.method,
        path=request.path,
        status=status,
        ms=round(seconds * 1000, 1),
        request_id=identity,
    )
