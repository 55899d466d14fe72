"""Who sent a request: the check of its signature, scope and budget."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from boz.core.errors import BozBaseException
from boz.sandbox.floor.limits import cost_of
from boz.sandbox.floor.members import Key
from boz.sandbox.wire import WireError
from boz.sandbox.world import World
from markets.clients.kalshi.signing import KEY_HEADER, verify

REST_PREFIX: Final = "/trade-api/v2"
#: How far the signed time may be from the present; what REST allows is UNVERIFIED.
TOLERANCE_MS: Final = 30_000

_NOT_FOUND = "NOT_FOUND"
_BAD_SIGNATURE = "INCORRECT_API_KEY_SIGNATURE"


def key_of(world: World, headers: Mapping[str, str], method: str, path: str) -> Key:
    """Return the key that signed a request.

    The time signed is compared with the real one: a client signs with the clock of its machine,
    whatever the simulated now may be.

    Raises:
        WireError: 401, if no valid key signed it about now.
    """
    key = world.floor.members.key(headers.get(KEY_HEADER, ""))
    if key is None:
        raise _unauthorized(_NOT_FOUND)
    try:
        verify(
            key.public_pem,
            headers,
            method,
            path,
            now_ms=int(time.time() * 1000),
            tolerance_ms=TOLERANCE_MS,
        )
    except BozBaseException:
        raise _unauthorized(_BAD_SIGNATURE) from None
    return key


def guard_member(world: World, request: Request) -> None:
    """Let in members only; what they are is told to the handler.

    Raises:
        WireError: 401 without a valid signature, 403 without the scope, 429 over budget.
    """
    key = key_of(world, request.headers, request.method, request.url.path)
    request.state.user_id = key.user_id
    request.state.key = key
    path = request.url.path.removeprefix(REST_PREFIX)
    may_ask = key.may_read or (
        path == "/portfolio/balance" and "read::portfolio_balance" in key.scopes
    )
    if not (key.may_trade if request.method != "GET" else may_ask):
        raise WireError(403, "insufficient_scope", "the key lacks the scope for this request")
    if world.strict_limits:
        _charge(world, request, key.user_id, path)
    world.floor.advance(world.clock.now())


def _charge(world: World, request: Request, user_id: str, path: str) -> None:
    member = world.floor.members.member(user_id)
    bucket = member.read_bucket if request.method == "GET" else member.write_bucket
    if not bucket.take(cost_of(request.method, path, items=_items(request))):
        raise WireError(429, "too_many_requests", "too many requests")


def _items(request: Request) -> int:
    """Return how many orders a batch holds; each is billed."""
    if not request.url.path.endswith("/batched"):
        return 1
    try:
        orders = json.loads(request.state.content)["orders"]
    except (KeyError, TypeError, ValueError):
        return 1
    return len(orders) if isinstance(orders, list) else 1


def _unauthorized(details: str) -> WireError:
    return WireError(401, "authentication_error", "authentication_error", details=details)
