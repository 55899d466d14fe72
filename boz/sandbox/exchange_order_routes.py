"""Orders over HTTP: create, amend, decrease, cancel, in batches, and order groups."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boz.core.clock import UTC
from boz.core.money import ZERO, to_decimal
from boz.sandbox.exchange_auth import guard_member
from boz.sandbox.faults import Source
from boz.sandbox.floor.floor import FloorRefusedError, Ticket
from boz.sandbox.floor.records import GroupRecord, count_fp, milliseconds
from boz.sandbox.wire import Handler, WireError, endpoint, json_content
from boz.sandbox.world import World
from markets.matching.orders import BookSide, SelfTradePrevention, TimeInForce

#: The exchange's words for what every order must say.
_REQUIRED = ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type")
_V1_WRITES = (
    ("/portfolio/orders", "POST"),
    ("/portfolio/orders/batched", "POST"),
    ("/portfolio/orders/batched", "DELETE"),
    ("/portfolio/orders/{order}", "DELETE"),
    ("/portfolio/orders/{order}/amend", "POST"),
    ("/portfolio/orders/{order}/decrease", "POST"),
)
_LARGEST_LIMIT = 1_000_000


def order_routes(world: World) -> list[Route]:
    """Return the routes below ``/trade-api/v2`` that change something."""
    table: list[tuple[str, str, Handler]] = [
        ("/portfolio/events/orders", "POST", _create),
        ("/portfolio/events/orders", "DELETE", _cancel_all),
        ("/portfolio/events/orders/batched", "POST", _create_batch),
        ("/portfolio/events/orders/batched", "DELETE", _cancel_batch),
        ("/portfolio/events/orders/{order}", "DELETE", _cancel),
        ("/portfolio/events/orders/{order}/amend", "POST", _amend),
        ("/portfolio/events/orders/{order}/decrease", "POST", _decrease),
        ("/portfolio/order_groups/create", "POST", _create_group),
        ("/portfolio/order_groups/{group}", "DELETE", _delete_group),
        ("/portfolio/order_groups/{group}/limit", "PUT", _limit_group),
        ("/portfolio/order_groups/{group}/reset", "PUT", _reset_group),
        ("/portfolio/order_groups/{group}/trigger", "PUT", _trigger_group),
        *((path, method, _deprecated) for path, method in _V1_WRITES),
    ]
    return [
        Route(
            path,
            endpoint(world, Source.KALSHI, handler, guard=guard_member, takes_effect=True),
            methods=[method],
        )
        for path, method, handler in table
    ]


# Orders ---------------------------------------------------------------------------------------


def _create(world: World, request: Request, now: dt.datetime) -> Response:
    return JSONResponse(_created(world, request, json_content(request), now), status_code=201)


def _created(
    world: World, request: Request, body: dict[str, Any], now: dt.datetime
) -> dict[str, Any]:
    try:
        record = world.floor.create(request.state.user_id, read_ticket(body), now)
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None
    return record.acknowledged(now)


def read_ticket(body: dict[str, Any]) -> Ticket:
    """Read an order as it arrives.

    Raises:
        WireError: 400, if it is malformed.
    """
    missing = [name for name in _REQUIRED if body.get(name) in (None, "")]
    if missing:
        raise WireError(400, "missing_parameters", f"missing: {', '.join(missing)}")
    try:
        side = BookSide(body["side"])
        in_force = TimeInForce(body["time_in_force"])
        prevention = SelfTradePrevention(body["self_trade_prevention_type"])
    except ValueError as error:
        raise WireError(400, "invalid_order", str(error)) from None
    return Ticket(
        ticker=str(body["ticker"]),
        client_order_id=_text(body, "client_order_id"),
        side=side,
        price=_decimal(body, "price", "invalid_price"),
        count=_decimal(body, "count", "invalid_order_size"),
        time_in_force=in_force,
        self_trade_prevention=prevention,
        expires_at=_expiry(body),
        post_only=_flag(body, "post_only"),
        reduce_only=_flag(body, "reduce_only"),
        cancel_on_pause=_flag(body, "cancel_order_on_pause"),
        group_id=_text(body, "order_group_id"),
    )


def _amend(world: World, request: Request, now: dt.datetime) -> Response:
    body = json_content(request)
    missing = [name for name in ("ticker", "side", "price", "count") if not body.get(name)]
    if missing:
        raise WireError(400, "missing_parameters", f"missing: {', '.join(missing)}")
    with_expiry = "expiration_time" in body
    try:
        record = world.floor.amend(
            request.state.user_id,
            request.path_params["order"],
            now,
            ticker=str(body["ticker"]),
            side=str(body["side"]),
            price=_decimal(body, "price", "invalid_price"),
            count=_decimal(body, "count", "invalid_order_size"),
            client_order_id=_text(body, "client_order_id"),
            renamed=_text(body, "updated_client_order_id"),
            changes_expiry=with_expiry,
            expires_at=_expiry(body) if with_expiry else None,
        )
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None
    return JSONResponse(record.acknowledged(now))


def _decrease(world: World, request: Request, now: dt.datetime) -> Response:
    body = json_content(request)
    given = {name: body[name] for name in ("reduce_by", "reduce_to") if body.get(name) is not None}
    if len(given) != 1:
        raise WireError(400, "invalid_order", "exactly one of reduce_by and reduce_to is required")
    (name,) = given
    size = _decimal(body, name, "invalid_order_size")
    try:
        record = world.floor.decrease(
            request.state.user_id,
            request.path_params["order"],
            now,
            by=size if name == "reduce_by" else None,
            to=size if name == "reduce_to" else None,
        )
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None
    return JSONResponse(
        {
            "order_id": record.order_id,
            **record.named(),
            "remaining_count": count_fp(ZERO if record.has_ended else record.state.remaining),
            "ts_ms": milliseconds(now),
        }
    )


def _cancel(world: World, request: Request, now: dt.datetime) -> Response:
    order_id = request.path_params["order"]
    ticker = request.query_params.get("market_ticker", "")
    return JSONResponse(_canceled(world, request, order_id, now, ticker=ticker))


def _canceled(
    world: World, request: Request, order_id: str, now: dt.datetime, *, ticker: str = ""
) -> dict[str, Any]:
    try:
        record, reduced = world.floor.cancel(request.state.user_id, order_id, now, ticker=ticker)
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None
    return {
        "order_id": order_id,
        **record.named(),
        "reduced_by": count_fp(reduced),
        "ts_ms": milliseconds(now),
    }


def _cancel_all(world: World, request: Request, now: dt.datetime) -> Response:
    try:
        world.floor.cancel_everything(request.state.user_id, now)
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None
    return Response(status_code=204)


def _create_batch(world: World, request: Request, now: dt.datetime) -> Response:
    items = []
    for body in _batch(request):
        try:
            items.append(_created(world, request, body, now))
        except WireError as error:
            items.append(_refused_item(body, error))
    return JSONResponse({"orders": items}, status_code=201)


def _cancel_batch(world: World, request: Request, now: dt.datetime) -> Response:
    items = []
    for body in _batch(request):
        order_id, ticker = str(body.get("order_id", "")), str(body.get("market_ticker", ""))
        try:
            items.append(_canceled(world, request, order_id, now, ticker=ticker))
        except WireError as error:
            nothing = {"order_id": order_id, "reduced_by": "0.00"}
            items.append(nothing | _refused_item(body, error))
    return JSONResponse({"orders": items})


def _refused_item(body: dict[str, Any], error: WireError) -> dict[str, Any]:
    """Return the answer to one order of a batch that is refused; the others are not touched."""
    named = {"client_order_id": body["client_order_id"]} if "client_order_id" in body else {}
    return {**named, "error": error.body()}


def _batch(request: Request) -> list[dict[str, Any]]:
    orders = json_content(request).get("orders")
    if not isinstance(orders, list) or not orders:
        raise WireError(400, "invalid_request_body", "orders must be a list of orders")
    if any(not isinstance(order, dict) for order in orders):
        raise WireError(400, "invalid_request_body", "orders must be a list of orders")
    return orders


def _deprecated(world: World, request: Request, now: dt.datetime) -> Response:
    """Refuse an order of the first version as was seen: a success status, and no order."""
    error = WireError(200, "deprecated_v1_order_endpoint", "Please switch to the V2 endpoints")
    return error.response()


# Order groups ---------------------------------------------------------------------------------


def _create_group(world: World, request: Request, now: dt.datetime) -> Response:
    group = world.floor.create_group(request.state.user_id, _limit(json_content(request)), now)
    return JSONResponse(
        {"order_group_id": group.group_id, "subaccount": 0, "exchange_index": 0}, status_code=201
    )


def _group_of(world: World, request: Request) -> GroupRecord:
    try:
        return world.floor.group(request.state.user_id, request.path_params["group"])
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None


def _delete_group(world: World, request: Request, now: dt.datetime) -> Response:
    world.floor.delete_group(_group_of(world, request), now)
    return JSONResponse({})


def _limit_group(world: World, request: Request, now: dt.datetime) -> Response:
    group = _group_of(world, request)
    world.floor.limit_group(group, _limit(json_content(request)), now)
    return JSONResponse({})


def _reset_group(world: World, request: Request, now: dt.datetime) -> Response:
    world.floor.reset_group(_group_of(world, request), now)
    return JSONResponse({})


def _trigger_group(world: World, request: Request, now: dt.datetime) -> Response:
    world.floor.trigger_group(_group_of(world, request), now)
    return JSONResponse({})


def _limit(body: dict[str, Any]) -> Decimal:
    given = body.get("contracts_limit_fp", body.get("contracts_limit"))
    try:
        limit = to_decimal(given, name="contracts_limit") if given is not None else ZERO
    except ValueError:
        limit = ZERO
    if not 1 <= limit <= _LARGEST_LIMIT:
        raise WireError(400, "invalid_parameter", "contracts_limit must lie in 1..1000000")
    return limit


# Reading --------------------------------------------------------------------------------------


def wire_error(refusal: FloorRefusedError) -> WireError:
    """Return a refusal of the floor as the exchange writes it."""
    return WireError(refusal.status, refusal.code, str(refusal))


def _decimal(body: dict[str, Any], name: str, code: str) -> Decimal:
    value = body.get(name)
    if not isinstance(value, str):
        raise WireError(400, code, f"{name} must be a decimal string")
    try:
        return to_decimal(value, name=name)
    except ValueError as error:
        raise WireError(400, code, str(error)) from None


def _expiry(body: dict[str, Any]) -> dt.datetime | None:
    """Return the moment of ``expiration_time`` in Unix seconds; absent and 0 are none."""
    value = body.get("expiration_time")
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**11:
        raise WireError(400, "invalid_order", "expiration_time must be Unix seconds")
    return dt.datetime.fromtimestamp(value, tz=UTC)


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool | None):
        raise WireError(400, "invalid_order", f"{name} must be true or false")
    return bool(value)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str | None):
        raise WireError(400, "invalid_order", f"{name} must be a string")
    return value or ""
