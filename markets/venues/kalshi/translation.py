"""Our orders in the exchange's words, and its orders and fills in ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from boz.core.schemas import Side
from markets.clients.kalshi.account import ExchangeFill, ExchangeOrder
from markets.clients.kalshi.orders import NewOrder, TimeInForce
from markets.venues.base import (
    AccountFill,
    AccountOrder,
    OrderStatus,
    VenueFill,
    VenueOrder,
    VenueReport,
)

STATUSES: dict[str, OrderStatus] = {
    "resting": "resting",
    "executed": "filled",
    "canceled": "cancelled",
}


def as_new_order(order: VenueOrder) -> NewOrder:
    """Return an order as the exchange's client takes it.

    An order of ours that would trade with another one of ours is cancelled, and one that may rest
    is taken out when trading pauses: what comes after a pause was not decided on.

    Raises:
        InvalidOrderError: If it cannot be an order.
    """
    time_in_force = TimeInForce(order.time_in_force)
    return NewOrder(
        ticker=order.market_ticker,
        side=order.side.value,
        price=order.price_dollars,
        count=order.count,
        client_order_id=order.client_order_id,
        time_in_force=time_in_force,
        post_only=order.post_only,
        reduce_only=order.closes,
        cancel_on_pause=time_in_force is TimeInForce.GOOD_TILL_CANCELED,
    )


def differences(order: VenueOrder, theirs: ExchangeOrder) -> list[str]:
    """Return in what the exchange's order is not the one that we sent; empty when in nothing."""
    compared = {
        "client order id": (order.client_order_id, theirs.client_order_id),
        "market": (order.market_ticker, theirs.ticker),
        "side": (order.side.value, theirs.outcome_side),
        "price": (order.price_dollars, theirs.price),
        "count": (order.count, theirs.initial_count_fp),
        "kind": ("limit", theirs.type),
    }
    return [
        f"its {name} is {found}, ours {wanted}"
        for name, (wanted, found) in compared.items()
        if wanted != found
    ]


def as_report(theirs: ExchangeOrder, fills: Iterable[ExchangeFill], *, venue: str) -> VenueReport:
    """Return the report of an order all of whose fills were read."""
    return VenueReport(
        outcome="accepted",
        venue_order_id=theirs.order_id,
        status=STATUSES[theirs.status],
        fills=tuple(as_fill(fill, venue=venue) for fill in sorted(fills, key=_by_time)),
        reason=_reason(theirs),
    )


def as_fill(fill: ExchangeFill, *, venue: str) -> VenueFill:
    """Return a fill in our words; its identity names the venue, since demo and live both count."""
    return VenueFill(
        venue_trade_id=f"{venue}:{fill.trade_id}",
        at=fill.at,
        price_dollars=fill.price,
        count=fill.count_fp,
        fee_dollars=fill.fee_cost,
        is_taker=fill.is_taker,
    )


def as_account_fill(fill: ExchangeFill, *, venue: str) -> AccountFill:
    """Return a fill of any order of the account."""
    return AccountFill(
        market_ticker=fill.ticker,
        side=Side(fill.outcome_side),
        venue_order_id=fill.order_id,
        fill=as_fill(fill, venue=venue),
    )


def as_account_order(theirs: ExchangeOrder) -> AccountOrder:
    """Return a resting order of the account."""
    return AccountOrder(
        venue_order_id=theirs.order_id,
        client_order_id=theirs.client_order_id,
        market_ticker=theirs.ticker,
        side=Side(theirs.outcome_side),
        price_dollars=theirs.price,
        remaining_count=theirs.remaining_count_fp,
    )


def _by_time(fill: ExchangeFill) -> tuple[dt.datetime, Decimal, str]:
    """Order fills as a book is walked: those of one moment from the cheapest on."""
    return fill.at, fill.price, fill.trade_id


def _reason(theirs: ExchangeOrder) -> str:
    if theirs.status != "canceled":
        return ""
    left = theirs.initial_count_fp - theirs.fill_count_fp
    return f"{left} contracts were not filled and are cancelled."
