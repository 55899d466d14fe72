"""Controls of the exchange: pauses, results, history, members and their keys."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boz.core.clock import format_utc
from boz.core.errors import BozBaseException
from boz.core.money import to_decimal
from boz.sandbox.floor.floor import STARTING_CASH
from boz.sandbox.floor.hours import Pause
from boz.sandbox.floor.members import ALL_SCOPES, Key, KeyKind
from boz.sandbox.world import World


def exchange_controls(world: World) -> list[Route]:
    """Return the routes below ``/sandbox`` that steer the exchange."""

    async def read(request: Request) -> Response:
        return JSONResponse(_body(world))

    async def steer(request: Request) -> Response:
        body = await json_object(request)
        try:
            _steer(world, body)
        except (TypeError, ValueError, BozBaseException) as error:
            return refused(400, "invalid_parameter", str(error))
        return JSONResponse(_body(world))

    async def add_account(request: Request) -> Response:
        body = await json_object(request)
        try:
            key = _add_key(world, body)
        except (TypeError, ValueError, BozBaseException) as error:
            return refused(400, "invalid_parameter", str(error))
        return JSONResponse(_key_body(key), status_code=201)

    return [
        Route("/exchange", read, methods=["GET"]),
        Route("/exchange", steer, methods=["POST"]),
        Route("/exchange/accounts", add_account, methods=["POST"]),
    ]


def _steer(world: World, body: dict[str, Any]) -> None:
    """Do what a body says.

    Raises:
        TypeError: If a part has the wrong type.
        ValueError: If it makes no sense.
    """
    unknown = sorted(set(body) - {"pause", "determine", "result", "history_days", "revoke"})
    if unknown or not body:
        raise ValueError("give pause, determine with result, history_days or revoke")
    now = world.clock.now()
    if "pause" in body:
        world.floor.pause(Pause(str(body["pause"])), now)
    if "history_days" in body:
        days = body["history_days"]
        if days is not None and (isinstance(days, bool) or not isinstance(days, int) or days < 0):
            raise ValueError(f"history_days must be a whole number or null, was {days!r}")
        world.floor.history_days = days
    if "determine" in body:
        if body.get("result") not in ("yes", "no"):
            raise ValueError("result must be yes or no")
        world.floor.determine(str(body["determine"]), won=body["result"] == "yes", now=now)
    if "revoke" in body:
        world.floor.members.revoke(str(body["revoke"]))


def _add_key(world: World, body: dict[str, Any]) -> Key:
    """Return a key of a new member, or another one of a member that is there.

    Raises:
        TypeError: If a part has the wrong type.
        ValueError: If it makes no sense.
    """
    unknown = sorted(set(body) - {"user_id", "cash", "kind", "scopes", "name"})
    if unknown:
        raise ValueError(f"there is no such part of an account: {', '.join(unknown)}")
    kind, scopes = KeyKind(str(body.get("kind", "rsa"))), body.get("scopes", list(ALL_SCOPES))
    if not isinstance(scopes, list):
        raise ValueError("scopes must be a list")
    user_id = body.get("user_id")
    if user_id is None:
        cash: Decimal = to_decimal(body.get("cash", str(STARTING_CASH)), name="cash")
        user_id = world.floor.join(cash).user_id
    return world.floor.members.make_key(
        str(user_id), kind=kind, scopes=tuple(scopes), name=str(body.get("name", "sandbox"))
    )


def _body(world: World) -> dict[str, Any]:
    floor = world.floor
    return {
        "now": format_utc(world.clock.now()),
        "pause": floor.hours.ordered.value,
        "history_days": floor.history_days,
        "accounts": [
            {
                "user_id": member.user_id,
                "cash": str(floor.accounts.balance(member.user_id).cash),
                "keys": [_key_body(key) for key in floor.members.keys_of(member.user_id)],
            }
            for member in floor.members.everybody()
        ],
    }


def _key_body(key: Key) -> dict[str, Any]:
    return {
        "user_id": key.user_id,
        "key_id": key.key_id,
        "private_key_file": str(key.private_file),
        "scopes": list(key.scopes),
    }


async def json_object(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request carries, an empty one when it carries none."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def refused(status: int, code: str, message: str) -> Response:
    """Return the answer to an order that makes no sense."""
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
