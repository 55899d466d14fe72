"""Signed requests: reads that may be repeated, and writes that are sent exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

import httpx

from boz.core.errors import TransientError
from boz.core.http import ssl_context
from boz.core.redaction import redact_text
from markets.clients.kalshi.outcomes import Answer, NoAnswer, Reply
from markets.clients.kalshi.server_clock import ServerClock
from markets.clients.kalshi.signing import Signer

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
REASON_CHARS: Final = 200
#: Before these there was no connection, so nothing can have arrived.
NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class SignedRequests(httpx.Auth):
    """Signs each request at the moment it goes out, and learns the time from its answer."""

    def __init__(self, signer: Signer, clock: ServerClock) -> None:
        """Take the key's signer and the clock that is held against the exchange's."""
        self._signer, self._clock = signer, clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the three headers."""
        sent = self._clock.read()
        path = request.url.raw_path.decode("ascii").partition("?")[0]
        now_ms = int(sent.wall * 1000)
        request.headers.update(self._signer.headers(request.method, path, now_ms=now_ms))
        response = yield request
        self._clock.observe(response.headers, sent=sent)


class Sender:
    """Sends writes, each exactly once: no retry, no redirect.

    It has connections of its own, so reads never keep a cancel waiting for one.
    """

    def __init__(
        self,
        base_url: str,
        auth: httpx.Auth,
        *,
        timeout_seconds: float,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a client; nothing is sent yet."""
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._client = httpx.Client(
            auth=auth,
            timeout=timeout_seconds,
            follow_redirects=False,
            transport=transport,
            verify=ssl_context(),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self, method: str, path: str, *, params: Mapping[str, Any], body: Mapping[str, Any] | None
    ) -> Reply:
        """Send a write once and return its answer, or that none came.

        Raises:
            TransientError: Only if no connection was made, so nothing was sent.
        """
        request = self._client.build_request(
            method, f"{self._base_url}{path}", params=dict(params) or None, json=body
        )
        try:
            return self._answer(request)
        except NEVER_SENT as error:
            raise TransientError(
                "The exchange cannot be reached; nothing was sent.", {"reason": _reason(error)}
            ) from error
        except httpx.TimeoutException:
            return NoAnswer("The exchange did not answer in time.")
        except Exception as error:  # noqa: BLE001 - whatever broke, it broke after sending
            return NoAnswer(f"The exchange's answer did not arrive: {_reason(error)}.")

    def _answer(self, request: httpx.Request) -> Answer:
        deadline = self._monotonic() + self._timeout_seconds
        response = self._client.send(request, stream=True)
        try:
            pieces: list[bytes] = []
            size = 0
            for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > MAX_ANSWER_BYTES or self._monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer took too long or is too long")
        finally:
            response.close()
        text = b"".join(pieces).decode("utf-8", errors="replace")
        return Answer(response.status_code, text)


def _reason(error: Exception) -> str:
    return redact_text(f"{type(error).__name__}: {error}")[:REASON_CHARS]
