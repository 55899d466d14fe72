"""The one way in which data is read from outside.

Only reading: every call here is a GET and may be repeated. Calls that change something at an
exchange are made once by the exchange's own client, which knows how to find out what happened.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import functools
import json
import random as _random
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar

import httpx

from boz.core.clock import utc_now
from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.logging import get_logger
from boz.core.rate_limit import Limiter, shared_bucket
from boz.core.redaction import REDACTED, is_secret_name, redact_text, redact_url

log = get_logger("SYSTEM")

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
#: What says that there is nothing; any other refusal says only that we are not answered.
NOTHING_THERE = frozenset({404, 410})
MAX_REDIRECTS = 3
MAX_BODY_BYTES = 64 * 1024 * 1024
EXCERPT_CHARS = 200
BACKOFF_BASE_SECONDS = 0.5
#: A host that swallows connections is told from a slow one sooner.
CONNECT_TIMEOUT_SECONDS = 5.0
BACKOFF_CAP_SECONDS = 20.0
PROBLEM_CHARS = 80
#: A host that keeps silent is asked this often again, however many attempts other failures have:
#: each one takes the whole time limit.
RETRIES_OF_SILENCE = 1
#: A service that asks for a longer pause is asked again after this one: a mistaken Retry-After must
#: not silence it until the process ends.
LONGEST_ASKED_PAUSE_SECONDS = 3600.0
#: Escapes of JSON: an escaped backslash and a pair of surrogates are kept, NUL and half a pair not.
_UNKEEPABLE = re.compile(
    r"(?P<kept>\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
)
KEEPALIVE = httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=60.0)

#: Stands for "no value given" where None is a value.
MISSING: Final = object()

Params = Mapping[str, Any]
Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer with a status of 2xx; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str

    @property
    def content_type(self) -> str:
        """Return the media type without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """Return the body as text that every database can keep.

        Bytes that are no UTF-8, and NUL, become replacement characters.
        """
        return self.body.decode("utf-8", errors="replace").replace("\0", "\ufffd")


@dataclass(frozen=True, slots=True)
class Captured:
    """A body as it came in, kept so that what was derived from it can be checked later."""

    source: str
    url: str
    content_type: str
    body: bytes
    received_at: dt.datetime


class HttpTransport:
    """Reads from one service: pooled connections, a rate limit, retries and plain errors.

    May be used by several threads at once.

    Args:
        base_url: Address that paths are appended to.
        source: Name of the service in logs, errors and captures.
        user_agent: Sent with every call when not empty.
        timeout_seconds: For connecting and between two pieces of an answer.
        rate_per_second: Calls per second to this host, shared by the whole process; None for no
            limit.
        limiter: Takes the place of ``rate_per_second`` for a service that counts otherwise.
        retries: Further attempts after the first one.
        backoff_seconds: About how long to leave the service alone after an answer that tells of
            trouble (429, 5xx); doubles with each attempt. Broken connections and bodies are tried
            again sooner.
        patience: Reads from a refusal without Retry-After, and the present time, for how many
            seconds to leave the service alone; None when it does not say.
        auth: Signs each attempt anew and may look at each answer; None for a public service.
        capture: Called with every accepted body, in the thread that made the call.
        transport: Replaces the network in tests.
        max_total_seconds: Limit of one call with all its waiting and attempts.
        sleep: Waits; replaced in tests.
        random: Gives a number in 0..1 for the jitter; replaced in tests.
        monotonic: Clock for the limits; replaced in tests.
        now: Clock for ``received_at``.
    """

    def __init__(
        self,
        *,
        base_url: str,
        source: str,
        user_agent: str = "",
        timeout_seconds: float = 10.0,
        rate_per_second: float | None = None,
        limiter: Limiter | None = None,
        retries: int = 3,
        backoff_seconds: float = BACKOFF_BASE_SECONDS,
        patience: Callable[[Fetched, dt.datetime], float | None] | None = None,
        auth: httpx.Auth | None = None,
        capture: Callable[[Captured], None] | None = None,
        transport: httpx.BaseTransport | None = None,
        max_total_seconds: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _random.random,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Raises:
            ValueError: If both a rate and a limiter are given.
        """
        if limiter is not None and rate_per_second is not None:
            raise ValueError("a transport takes a rate or a limiter, not both")
        self.source = source
        self._retries = retries
        self._backoff_seconds = backoff_seconds
        self._patience = patience
        self._capture = capture
        self._max_total_seconds = max_total_seconds
        self._sleep, self._random, self._monotonic, self._now = sleep, random, monotonic, now
        self._base_url = base_url.rstrip("/")
        host = httpx.URL(base_url).netloc.decode()
        self._limiter = (
            limiter
            if rate_per_second is None
            else shared_bucket(source=source, host=host, rate=rate_per_second, monotonic=monotonic)
        )
        self._client = httpx.Client(
            headers={"User-Agent": user_agent} if user_agent else None,
            timeout=httpx.Timeout(
                timeout_seconds, connect=min(timeout_seconds, CONNECT_TIMEOUT_SECONDS)
            ),
            limits=KEEPALIVE,
            follow_redirects=False,
            auth=auth,
            transport=transport,
            verify=ssl_context(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        weight: float = 1.0,
    ) -> Fetched:
        """Return the answer to a GET.

        Args:
            path: Appended to the base address; empty for the address itself.
            params: Query parameters; those that are None are left out.
            headers: Further headers.
            weight: How many ordinary calls this one counts as.

        Raises:
            TransientError: If no proper answer came, after all attempts.
            DataUnavailable: If the service says that there is nothing for us (4xx).
            OperatorActionRequired: If it does not accept our credentials (401).
        """
        return self._fetch(path, params, headers, weight, lambda fetched: fetched)

    def get_json(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        weight: float = 1.0,
        empty: Any = MISSING,
        accept: frozenset[int] = frozenset(),
    ) -> Any:
        """Return the body of a GET as parsed JSON; arguments as for :meth:`get`.

        A service that says "nothing there" with an empty body has ``empty`` returned. One that
        tells something with an error status, too, has that status in ``accept``.

        Raises:
            TransientError: As for :meth:`get`, and for HTML, truncated JSON, and an empty body
                unless ``empty`` is given.
            InvalidDataError: If the JSON holds NaN or an infinity.
        """
        check = functools.partial(self._parse_json, empty=empty)
        return self._fetch(path, params, headers, weight, check, accept)

    def _fetch(
        self,
        path: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        weight: float,
        check: Callable[[Fetched], Checked],
        accept: frozenset[int] = frozenset(),
    ) -> Checked:
        url = f"{self._base_url}/{path.lstrip('/')}" if path else self._base_url
        sent = {key: value for key, value in (params or {}).items() if value is not None}
        deadline = self._monotonic() + self._max_total_seconds
        for attempt in range(self._retries + 1):
            self._wait_for_turn(url, weight, deadline)
            try:
                fetched = self._attempt(url, sent or None, headers, deadline, accept)
                result = check(fetched)
            except TransientError as error:
                error.context["attempts"] = attempt + 1
                self._back_off(error, attempt, deadline)
                continue
            if self._capture is not None:
                self._capture(
                    Captured(
                        source=self.source,
                        url=fetched.url,
                        content_type=fetched.headers.get("content-type", ""),
                        body=fetched.body,
                        received_at=self._now(),
                    )
                )
            return result
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait_for_turn(self, url: str, weight: float, deadline: float) -> None:
        if self._limiter is None:
            return
        wait = self._limiter.reserve(weight)
        if wait > 0 and self._monotonic() + wait > deadline:
            self._limiter.give_back(weight)
            raise TransientError(
                f"{self.source} has been asked too often; the next call may go in {wait:.0f} s.",
                {"source": self.source, "url": redact_url(url), "wait_seconds": round(wait, 1)},
            )
        if wait > 0:
            self._sleep(wait)

    def _attempt(
        self,
        url: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        deadline: float,
        accept: frozenset[int],
    ) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            fetched = self._send(url, params, headers, deadline)
            if fetched.status not in REDIRECT_STATUSES:
                break
            url, params = self._redirect_target(fetched), None
        if 200 <= fetched.status < 300 or fetched.status in accept:
            return fetched
        return self._refuse(fetched)

    def _send(
        self,
        url: str,
        params: Params | None,
        headers: Mapping[str, str] | None,
        deadline: float,
    ) -> Fetched:
        try:
            with self._client.stream("GET", url, params=params, headers=headers) as response:
                body = _without_secrets(self._read_body(response, deadline), params)
                return Fetched(
                    status=response.status_code,
                    headers=dict(response.headers),
                    body=body,
                    url=redact_url(str(response.url)),
                )
        except httpx.TimeoutException as error:
            raise self._transient("did not answer in time", url, error) from error
        except httpx.TransportError as error:
            raise self._transient("cannot be reached", url, error) from error
        except (httpx.DecodingError, httpx.InvalidURL) as error:
            raise self._transient("sent an answer that cannot be read", url, error) from error

    def _read_body(self, response: httpx.Response, deadline: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        for piece in response.iter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise InvalidDataError(
                    f"{self.source} sent more than {MAX_BODY_BYTES // 1024 // 1024} MB.",
                    {"source": self.source, "url": redact_url(str(response.url))},
                )
            if self._monotonic() > deadline:
                raise httpx.ReadTimeout("the answer took too long as a whole")
        return b"".join(pieces)

    def _redirect_target(self, fetched: Fetched) -> str:
        here = httpx.URL(fetched.url)
        target = here.join(fetched.headers.get("location", ""))
        if (target.scheme, target.netloc) != (here.scheme, here.netloc):
            # Headers of ours may carry credentials; they go to no other host.
            raise DataUnavailable(
                f"{self.source} redirects to another host, which is not followed.",
                self._context(fetched),
            )
        return str(target)

    def _refuse(self, fetched: Fetched) -> NoReturn:
        context = self._context(fetched)
        status = fetched.status
        if status in RETRIED_STATUSES or status >= 500:
            problem = f" ({context['problem']})" if "problem" in context else ""
            error = TransientError(
                f"{self.source} answered with status {status}{problem}.", context
            )
            seconds = _retry_after_seconds(fetched.headers.get("retry-after", ""), self._now())
            if seconds is None and self._patience is not None:
                seconds = self._patience(fetched, self._now())
            if seconds is not None:
                context_seconds = round(seconds, 1)
                error.context["retry_after_seconds"] = context_seconds
            error.context["is_retried"] = status in RETRIED_STATUSES
            raise error
        if status == 401:
            raise OperatorActionRequired(
                f"{self.source} does not accept our credentials (401). Check its key.", context
            )
        what = "has nothing for" if status in NOTHING_THERE else "refuses"
        raise DataUnavailable(f"{self.source} {what} this request ({status}).", context)

    def _parse_json(self, fetched: Fetched, *, empty: Any) -> Any:
        text = fetched.text.lstrip("\ufeff \t\r\n")
        if empty is not MISSING and (fetched.status == 204 or not text):
            return empty
        if "html" in fetched.content_type or text.startswith("<"):
            raise TransientError(
                f"{self.source} sent a web page instead of JSON.", self._context(fetched)
            )
        try:
            return json.loads(_keepable(text), parse_constant=_refuse_constant)
        except _NotFiniteError as error:
            raise InvalidDataError(
                f"{self.source} sent {error} where a number belongs.", self._context(fetched)
            ) from None
        except (ValueError, RecursionError):
            wrong = "an empty answer" if not text else "incomplete or broken JSON"
            raise TransientError(f"{self.source} sent {wrong}.", self._context(fetched)) from None

    def _back_off(self, error: TransientError, attempt: int, deadline: float) -> None:
        """Wait before the next attempt, or raise ``error`` when there is none."""
        is_retried = error.context.pop("is_retried", True)
        if isinstance(error.__cause__, httpx.TimeoutException):
            is_retried = attempt < RETRIES_OF_SILENCE
        status = error.context.get("status")
        asked = error.context.get("retry_after_seconds")
        delay = self._delay(status, attempt) + (asked or 0.0)
        if self._limiter is not None and (asked is not None or status == 429):
            # Told to all threads: the others would only be refused as well.
            self._limiter.pause(delay)
        if attempt >= self._retries or not is_retried:
            raise error
        if self._monotonic() + delay > deadline:
            raise error
        log.info(
            "Trying again after a failed call",
            source=self.source,
            reason=error.message,
            attempt=attempt + 1,
            delay_seconds=round(delay, 2),
        )
        self._sleep(delay)

    def _delay(self, status: int | None, attempt: int) -> float:
        """Return the time before the next attempt, a quarter more or less than what is due."""
        base = self._backoff_seconds if status in RETRIED_STATUSES else BACKOFF_BASE_SECONDS
        ceiling = min(BACKOFF_CAP_SECONDS, base * 2**attempt)
        return (0.75 + 0.5 * self._random()) * ceiling

    def _transient(self, what: str, url: str, error: Exception) -> TransientError:
        return TransientError(
            f"{self.source} {what}.",
            {
                "source": self.source,
                "url": redact_url(url),
                "status": None,
                "reason": redact_text(f"{type(error).__name__}: {error}")[:EXCERPT_CHARS],
            },
        )

    def _context(self, fetched: Fetched) -> dict[str, Any]:
        return {
            "source": self.source,
            "url": fetched.url,
            "status": fetched.status,
            "excerpt": redact_text(fetched.text[: 4 * EXCERPT_CHARS])[:EXCERPT_CHARS],
            **_problem(fetched),
        }


def _keepable(text: str) -> str:
    """Return JSON in which the characters that no database keeps are replacement characters."""
    return _UNKEEPABLE.sub(lambda match: match["kept"] or "\\ufffd", text)


class _NotFiniteError(ValueError):
    pass


def _refuse_constant(name: str) -> NoReturn:
    raise _NotFiniteError(name)


def _problem(fetched: Fetched) -> dict[str, str]:
    """Return what a problem document (RFC 9457) calls its kind, and the number to quote.

    A type is an address or a URN; its last element stays the same when a service moves from one to
    the other (``https://…/problems/ForecastGridExpired``, ``urn:…:ForecastGridExpired``).
    """
    if not fetched.content_type.endswith("json") or fetched.status < 400:
        return {}
    try:
        body = json.loads(fetched.text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    kind = re.split(r"[/:]", str(body.get("type") or "").rstrip("/:"))[-1]
    correlation = str(body.get("correlationId") or fetched.headers.get("x-correlation-id", ""))
    found = {"problem": "" if kind == "blank" else kind, "correlation_id": correlation}
    return {name: redact_text(text)[:PROBLEM_CHARS] for name, text in found.items() if text}


def _retry_after_seconds(header: str, now: dt.datetime) -> float | None:
    """Read Retry-After, which is a number of seconds or a date (RFC 9110 section 10.2.3).

    Returns:
        The seconds, an hour at the most; None when it says nothing that can be read.
    """
    text = header.strip()
    if text.isdecimal():
        return min(float(text), LONGEST_ASKED_PAUSE_SECONDS)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    return min(max(0.0, (at - now).total_seconds()), LONGEST_ASKED_PAUSE_SECONDS)


def _without_secrets(body: bytes, params: Params | None) -> bytes:
    """Return a body in which the service does not repeat the key that it was asked with."""
    for name, value in (params or {}).items():
        if value and is_secret_name(name):
            body = body.replace(str(value).encode(), REDACTED.encode())
    return body


@functools.lru_cache(maxsize=1)
def ssl_context() -> ssl.SSLContext:
    """Load the certificates once per process; it takes tens of milliseconds."""
    return httpx.create_ssl_context()
