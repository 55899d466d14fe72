"""What a member sees of its own: orders, fills, positions, cash, settlements, limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boz.core.clock import format_utc
from boz.core.money import CENT, ZERO, round_down
from boz.sandbox.exchange_auth import guard_member
from boz.sandbox.exchange_order_routes import wire_error
from boz.sandbox.faults import Source
from boz.sandbox.floor.floor import FloorRefusedError
from boz.sandbox.floor.limits import DEFAULT_COST, ENDPOINT_COSTS
from boz.sandbox.floor.records import (
    SHARD,
    FillRecord,
    OrderRecord,
    SettlementRecord,
    count_fp,
    dollars,
)
from boz.sandbox.pages import FAR_FUTURE, comma_list, cursor, position
from boz.sandbox.wire import Handler, WireError, endpoint, query_int
from boz.sandbox.world import World

Record = TypeVar("Record", OrderRecord, FillRecord, SettlementRecord)
_ORDER_STATUSES = ("resting", "canceled", "executed")
_MOST_EVENTS = 10


def portfolio_routes(world: World) -> list[Route]:
    """Return the routes below ``/trade-api/v2`` that need a member's signature to read."""
    table: list[tuple[str, Handler]] = [
        ("/portfolio/balance", _balance),
        ("/portfolio/orders", _orders),
        ("/portfolio/orders/queue_positions", _queue_positions),
        ("/portfolio/orders/{order}", _order),
        ("/portfolio/orders/{order}/queue_position", _queue_position),
        ("/portfolio/fills", _fills),
        ("/portfolio/positions", _positions),
        ("/portfolio/settlements", _settlements),
        ("/portfolio/summary/total_resting_order_value", _resting_value),
        ("/portfolio/order_groups", _groups),
        ("/portfolio/order_groups/{group}", _group),
        ("/portfolio/subaccounts/balances", _subaccount_balances),
        ("/portfolio/subaccounts/netting", _netting),
        ("/historical/orders", _historical_orders),
        ("/historical/fills", _historical_fills),
        ("/historical/positions", _historical_positions),
        ("/account/limits", _limits),
        ("/api_keys", _api_keys),
    ]
    return [
        Route(path, endpoint(world, Source.KALSHI, handler, guard=guard_member), methods=["GET"])
        for path, handler in table
    ]


# Orders and fills -----------------------------------------------------------------------------


def _orders(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = world.floor.cutoff(now)
    return _order_page(
        world, request, lambda record: not record.has_ended or record.updated_at >= cutoff
    )


def _historical_orders(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = world.floor.cutoff(now)
    return _order_page(
        world, request, lambda record: record.has_ended and record.updated_at < cutoff
    )


def _order_page(
    world: World, request: Request, is_in_tier: Callable[[OrderRecord], bool]
) -> Response:
    query = request.query_params
    status, ticker = query.get("status") or None, query.get("ticker") or None
    if status is not None and status not in _ORDER_STATUSES:
        raise WireError(400, "invalid_parameter", f"status must be one of {_ORDER_STATUSES}")
    events, in_time = _events(request), _time_filter(request)
    chosen = [
        record
        for record in world.floor.journal.orders_of(request.state.user_id)
        if is_in_tier(record)
        and (status is None or record.status == status)
        and (ticker is None or record.ticker == ticker)
        and (events is None or record.event_ticker in events)
        and in_time(record.created_at)
    ]
    return _page(request, "orders", chosen)


def _order(world: World, request: Request, now: dt.datetime) -> Response:
    return JSONResponse({"order": _own_order(world, request, now).body()})


def _own_order(world: World, request: Request, now: dt.datetime) -> OrderRecord:
    try:
        return world.floor.order(request.state.user_id, request.path_params["order"], now)
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None


def _queue_position(world: World, request: Request, now: dt.datetime) -> Response:
    record = _own_order(world, request, now)
    if record.has_ended:
        raise WireError(404, "not_found", "the order does not rest")
    return JSONResponse({"queue_position_fp": count_fp(world.floor.queue_position(record))})


def _queue_positions(world: World, request: Request, now: dt.datetime) -> Response:
    tickers = comma_list(request.query_params.get("market_tickers"))
    events = comma_list(request.query_params.get("event_ticker"))
    if tickers is None and events is None:
        raise WireError(400, "invalid_parameter", "market_tickers or event_ticker is required")
    resting = [
        record
        for record in world.floor.journal.orders_of(request.state.user_id)
        if not record.has_ended
        and (tickers is None or record.ticker in tickers)
        and (events is None or record.event_ticker in events)
    ]
    return JSONResponse(
        {
            "queue_positions": [
                {
                    "order_id": record.order_id,
                    "market_ticker": record.ticker,
                    "queue_position_fp": count_fp(world.floor.queue_position(record)),
                }
                for record in resting
            ]
        }
    )


def _fills(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = world.floor.cutoff(now)
    return _fill_page(world, request, lambda record: record.at >= cutoff)


def _historical_fills(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = world.floor.cutoff(now)
    return _fill_page(world, request, lambda record: record.at < cutoff)


def _fill_page(
    world: World, request: Request, is_in_tier: Callable[[FillRecord], bool]
) -> Response:
    ticker = request.query_params.get("ticker") or None
    order = request.query_params.get("order_id") or None
    in_time = _time_filter(request)
    chosen = [
        record
        for record in world.floor.journal.fills_of(request.state.user_id)
        if is_in_tier(record)
        and (ticker is None or record.ticker == ticker)
        and (order is None or record.order_id == order)
        and in_time(record.at)
    ]
    return _page(request, "fills", chosen)


# Positions, cash, settlements -----------------------------------------------------------------


def _positions(world: World, request: Request, now: dt.datetime) -> Response:
    wanted = request.query_params.get("settlement_status") or "unsettled"
    if wanted not in ("unsettled", "settled", "all"):
        raise WireError(400, "invalid_parameter", "settlement_status is unsettled, settled or all")
    cutoff = world.floor.cutoff(now)

    def is_meant(ticker: str) -> bool:
        settled = world.floor.settled_at(ticker, now)
        if settled is None:
            return wanted != "settled"
        return wanted != "unsettled" and settled >= cutoff

    return _position_page(world, request, now, is_meant)


def _historical_positions(world: World, request: Request, now: dt.datetime) -> Response:
    cutoff = world.floor.cutoff(now)

    def is_meant(ticker: str) -> bool:
        settled = world.floor.settled_at(ticker, now)
        return settled is not None and settled < cutoff

    return _position_page(world, request, now, is_meant)


def _position_page(
    world: World, request: Request, now: dt.datetime, is_meant: Callable[[str], bool]
) -> Response:
    query = request.query_params
    ticker, events = query.get("ticker") or None, _events(request)
    nonzero = comma_list(query.get("count_filter")) or set()
    bodies = [
        body
        for body in world.floor.journal.position_bodies(request.state.user_id)
        if is_meant(body["ticker"])
        and (ticker is None or body["ticker"] == ticker)
        and (events is None or world.floor.event_of(body["ticker"]) in events)
        and ("position" not in nonzero or Decimal(body["position_fp"]) != 0)
        and ("total_traded" not in nonzero or Decimal(body["total_traded_dollars"]) != 0)
    ]
    limit = query_int(query, "limit", low=1, high=1000, default=100) or 100
    start = position(query.get("cursor"), "positions") or 0
    page = bodies[start : start + limit]
    more = start + limit if start + limit < len(bodies) else None
    return JSONResponse(
        {
            "market_positions": page,
            "event_positions": _event_positions(world, page),
            "cursor": cursor(more, "positions"),
        }
    )


def _event_positions(world: World, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    by_event: dict[str, list[dict[str, Any]]] = {}
    for body in bodies:
        by_event.setdefault(world.floor.event_of(body["ticker"]), []).append(body)

    def total(items: Iterable[dict[str, Any]], name: str) -> str:
        return dollars(sum((Decimal(item[name]) for item in items), ZERO))

    return [
        {
            "event_ticker": event,
            "total_cost_dollars": total(items, "total_traded_dollars"),
            "total_cost_shares_fp": count_fp(
                sum((abs(Decimal(item["position_fp"])) for item in items), ZERO)
            ),
            "event_exposure_dollars": total(items, "market_exposure_dollars"),
            "realized_pnl_dollars": total(items, "realized_pnl_dollars"),
            "fees_paid_dollars": total(items, "fees_paid_dollars"),
        }
        for event, items in by_event.items()
    ]


def _balance(world: World, request: Request, now: dt.datetime) -> Response:
    held = world.floor.accounts.balance(request.state.user_id)
    value = world.floor.portfolio_value(request.state.user_id, now)
    return JSONResponse(
        {
            "balance": _cents(held.available),
            "balance_dollars": dollars(held.available),
            "portfolio_value": _cents(value),
            "updated_ts": int(now.timestamp()),
            "balance_breakdown": [{"exchange_index": SHARD, "balance": dollars(held.available)}],
        }
    )


def _resting_value(world: World, request: Request, now: dt.datetime) -> Response:
    reserved = world.floor.accounts.balance(request.state.user_id).reserved
    return JSONResponse(
        {
            "total_resting_order_value": _cents(reserved),
            "resting_order_value_breakdown": [
                {"exchange_index": SHARD, "balance": dollars(reserved)}
            ],
        }
    )


def _settlements(world: World, request: Request, now: dt.datetime) -> Response:
    ticker, events = request.query_params.get("ticker") or None, _events(request)
    in_time = _time_filter(request)
    chosen = [
        record
        for record in world.floor.journal.settlements_of(request.state.user_id)
        if (ticker is None or record.ticker == ticker)
        and (events is None or record.event_ticker in events)
        and in_time(record.at)
    ]
    return _page(request, "settlements", chosen)


# Groups, subaccounts, the account itself ------------------------------------------------------


def _groups(world: World, request: Request, now: dt.datetime) -> Response:
    groups = world.floor.journal.groups_of(request.state.user_id)
    return JSONResponse({"order_groups": [group.body() for group in groups]})


def _group(world: World, request: Request, now: dt.datetime) -> Response:
    try:
        group = world.floor.group(request.state.user_id, request.path_params["group"])
    except FloorRefusedError as refusal:
        raise wire_error(refusal) from None
    body = group.body()
    del body["id"]
    orders = [
        record.order_id for record in world.floor.journal.orders_in(group) if not record.has_ended
    ]
    return JSONResponse({**body, "orders": orders})


def _subaccount_balances(world: World, request: Request, now: dt.datetime) -> Response:
    held = world.floor.accounts.balance(request.state.user_id)
    body = {
        "subaccount_number": 0,
        "exchange_index": SHARD,
        "balance": dollars(held.available),
        "updated_ts": int(now.timestamp()),
    }
    return JSONResponse({"subaccount_balances": [body]})


def _netting(world: World, request: Request, now: dt.datetime) -> Response:
    """Return that collateral of one event's markets is not netted."""
    body = {"subaccount_number": 0, "enabled": False, "exchange_index": SHARD}
    return JSONResponse({"netting_configs": [body]})


def _limits(world: World, request: Request, now: dt.datetime) -> Response:
    tier = world.floor.members.member(request.state.user_id).tier
    return JSONResponse(
        {
            "usage_tier": tier.name,
            "read": {"refill_rate": tier.read.rate, "bucket_capacity": tier.read.capacity},
            "write": {"refill_rate": tier.write.rate, "bucket_capacity": tier.write.capacity},
            "grants": [],
        }
    )


def endpoint_costs(world: World, request: Request, now: dt.datetime) -> Response:
    """Answer what requests cost that do not cost the default."""
    costs = [
        {"method": method, "path": path, "cost": cost} for method, path, cost in ENDPOINT_COSTS
    ]
    return JSONResponse({"default_cost": DEFAULT_COST, "endpoint_costs": costs})


def user_data_timestamp(world: World, request: Request, now: dt.datetime) -> Response:
    """Answer as of when portfolios are told: here there is no delay."""
    return JSONResponse({"as_of_time": format_utc(now)})


def _api_keys(world: World, request: Request, now: dt.datetime) -> Response:
    keys = world.floor.members.keys_of(request.state.user_id)
    return JSONResponse(
        {
            "api_keys": [
                {"api_key_id": key.key_id, "name": key.name, "scopes": list(key.scopes)}
                for key in keys
            ]
        }
    )


# Pages ----------------------------------------------------------------------------------------


def _page(request: Request, name: str, records: Sequence[Record]) -> Response:
    """Return one page of records, newest first; what comes meanwhile does not shift the rest."""
    limit = query_int(request.query_params, "limit", low=1, high=1000, default=100) or 100
    before = position(request.query_params.get("cursor"), name)
    older = [record for record in reversed(records) if before is None or record.number < before]
    page = older[:limit]
    following = page[-1].number if len(older) > limit else None
    return JSONResponse(
        {name: [record.body() for record in page], "cursor": cursor(following, name)}
    )


def _time_filter(request: Request) -> Callable[[dt.datetime], bool]:
    low, high = (
        query_int(request.query_params, name, low=0, high=FAR_FUTURE, default=None)
        for name in ("min_ts", "max_ts")
    )

    def is_inside(moment: dt.datetime) -> bool:
        seconds = moment.timestamp()
        return (low is None or seconds >= low) and (high is None or seconds <= high)

    return is_inside


def _events(request: Request) -> set[str] | None:
    events = comma_list(request.query_params.get("event_ticker"))
    if events is not None and len(events) > _MOST_EVENTS:
        raise WireError(400, "invalid_parameter", f"at most {_MOST_EVENTS} events may be asked for")
    return events


def _cents(amount: Decimal) -> int:
    return int(round_down(amount, CENT) * 100)
