"""Booking what became of an order: fills, state, or that nobody knows.

An outcome that is not proven stays unknown, and an unknown order keeps its reservation.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction

from boz.core.logging import get_logger
from boz.core.money import ZERO, round_up
from boz.core.services.notifications import notify
from markets.venues import VenueReport
from trading import selectors
from trading.choices import LIVE_ORDER_STATUSES, OrderStatus, TradeStatus
from trading.models import Fill, Order, Trade
from trading.services.ledger import post_fill
from trading.services.risk import locked_portfolio

log = get_logger("ORDER")

#: An order's state only moves to the right; a stale report is ignored.
PROGRESS = {
    OrderStatus.INTENT: 0,
    OrderStatus.SENDING: 1,
    OrderStatus.UNKNOWN: 2,
    OrderStatus.RESTING: 3,
    OrderStatus.PARTLY_FILLED: 4,
    OrderStatus.FILLED: 5,
    OrderStatus.CANCELLED: 5,
    OrderStatus.REJECTED: 5,
    OrderStatus.NOT_SENT: 5,
}
FINAL = PROGRESS[OrderStatus.FILLED]
REPORTED = {
    "resting": OrderStatus.RESTING,
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
}


@transaction.atomic
def mark_unknown(
    *, order_id: int, reason: str, now: dt.datetime, venue_order_id: str = ""
) -> Order:
    """Record that nobody knows what became of an order, and tell people.

    Its exposure stays reserved. The venue's identity of it is kept when it was told.
    """
    order = Order.objects.select_for_update().select_related("trade__market").get(pk=order_id)
    if PROGRESS[OrderStatus(order.status)] < PROGRESS[OrderStatus.UNKNOWN]:
        order.status = OrderStatus.UNKNOWN
        order.status_reason = reason
        order.venue_order_id = order.venue_order_id or venue_order_id
        order.save(update_fields=["status", "status_reason", "venue_order_id"])
        log.error(
            "Outcome of an order is unknown", client_order_id=order.client_order_id, reason=reason
        )
        notify(
            level="ERROR",
            title="Nobody knows what became of an order",
            body=f"{order.count} {order.get_side_display()} {order.trade.market.ticker}: {reason}"
            " Its cost stays reserved until the venue's lists prove what happened.",
            now=now,
            subject_key=f"unknown-order:{order.client_order_id}",
        )
    return order


@transaction.atomic
def mark_not_sent(
    *, order_id: int, proven_from: OrderStatus, reason: str, now: dt.datetime
) -> bool:
    """Record the proof that an order never reached the venue, and end its trade.

    Args:
        order_id: Which order.
        proven_from: The status that the proof is about; an order that has moved on since is left
            alone, because the proof no longer speaks of it.
        reason: For people.
        now: The present.

    Returns:
        Whether the proof still held.
    """
    portfolio_id = Order.objects.values_list("trade__portfolio_id", flat=True).get(pk=order_id)
    locked_portfolio(portfolio_id)
    order = Order.objects.select_for_update().select_related("trade").get(pk=order_id)
    if order.status != proven_from or order.filled_count > 0:
        return False
    _finish(order, OrderStatus.NOT_SENT, reason, now)
    cancel_trade(order.trade, reason=reason)
    return True


@transaction.atomic
def book_report(*, order_id: int, report: VenueReport, now: dt.datetime) -> Order:
    """Book fills and state from a venue's report; a second delivery changes nothing.

    A report that contradicts the order or itself is not believed: the order becomes unknown.
    """
    portfolio_id = Order.objects.values_list("trade__portfolio_id", flat=True).get(pk=order_id)
    locked_portfolio(portfolio_id)
    order = (
        Order.objects.select_for_update()
        .select_related("trade__portfolio", "trade__market")
        .get(pk=order_id)
    )
    if report.outcome == "unknown":
        return mark_unknown(
            order_id=order_id,
            reason=report.reason,
            now=now,
            venue_order_id=report.venue_order_id,
        )
    contradiction = _contradiction(order, report)
    if contradiction:
        log.error(contradiction, client_order_id=order.client_order_id)
        if PROGRESS[OrderStatus(order.status)] > PROGRESS[OrderStatus.UNKNOWN]:
            _tell_contradiction(order, contradiction, now)
        return mark_unknown(
            order_id=order_id,
            reason=contradiction,
            now=now,
            venue_order_id=report.venue_order_id,
        )
    _book_fills(order, report)
    reported = REPORTED[report.status]
    if reported is OrderStatus.RESTING and order.filled_count > 0:
        reported = OrderStatus.PARTLY_FILLED
    if PROGRESS[reported] > PROGRESS[OrderStatus(order.status)]:
        order.venue_order_id = report.venue_order_id
        if PROGRESS[reported] == FINAL:
            _finish(order, reported, report.reason, now)
        else:
            order.status = reported
            order.save(update_fields=["status", "venue_order_id"])
    _follow_order(order, now=now)
    return order


def _contradiction(order: Order, report: VenueReport) -> str:
    """Return why a report cannot be true, in one sentence; empty when it can."""
    if report.status not in REPORTED:
        return f"The venue reports an order state '{report.status}' that we do not know."
    known = set(order.fills.values_list("venue_trade_id", flat=True))
    fresh = [fill for fill in report.fills if fill.venue_trade_id not in known]
    foreign = Fill.objects.filter(venue_trade_id__in=[fill.venue_trade_id for fill in fresh])
    if foreign.exists():
        return "The venue reports a fill that belongs to another order already."
    total = order.filled_count + sum((fill.count for fill in fresh), ZERO)
    if total > order.count:
        return f"The venue reports {total} contracts filled of an order for {order.count}."
    for fill in fresh:
        if fill.price_dollars > order.price_dollars:
            return (
                f"The venue reports a fill at {fill.price_dollars}, above the limit of"
                f" {order.price_dollars}."
            )
        if fill.fee_dollars < 0:
            return f"The venue reports a fill with a fee of {fill.fee_dollars}, below nothing."
    if report.status == "filled" and total != order.count:
        return f"The venue reports the order filled, but only {total} of {order.count} contracts."
    return ""


def _book_fills(order: Order, report: VenueReport) -> None:
    for reported in report.fills:
        fill, created = Fill.objects.get_or_create(
            venue_trade_id=reported.venue_trade_id,
            defaults={
                "order": order,
                "at": reported.at,
                "price_dollars": reported.price_dollars,
                "count": reported.count,
                "fee_dollars": reported.fee_dollars,
                "is_taker": reported.is_taker,
            },
        )
        if created:
            order.filled_count += fill.count
            order.save(update_fields=["filled_count"])
            post_fill(fill=fill, trade=order.trade)
            log.info(
                "Filled",
                market=order.trade.market.ticker,
                side=order.side,
                count=str(fill.count),
                price=str(fill.price_dollars),
                fee=str(fill.fee_dollars),
            )


def _finish(order: Order, status: OrderStatus, reason: str, now: dt.datetime) -> None:
    order.status = status
    order.status_reason = reason
    order.finished_at = now
    order.save(update_fields=["status", "status_reason", "finished_at", "venue_order_id"])


def _follow_order(order: Order, *, now: dt.datetime) -> None:
    """Move the trade along with its order, and release what is no longer reserved."""
    trade = order.trade
    if trade.status in selectors.SETTLED:
        return
    if trade.is_final:
        if order.filled_count > 0:
            _tell_late_fill(trade, now)
        return
    still_open = order.status in LIVE_ORDER_STATUSES
    if not still_open and order.filled_count == 0:
        cancel_trade(trade, reason=order.status_reason or "The order was not filled.")
        return
    share = order.remaining_count / order.count if still_open else Decimal("0")
    trade.reserved_dollars = round_up(trade.max_cost_dollars * share)
    if order.filled_count > 0:
        trade.status = TradeStatus.EXECUTED
    trade.save(update_fields=["status", "reserved_dollars"])


def _tell_late_fill(trade: Trade, now: dt.datetime) -> None:
    """A fill wins over a cancellation: the contracts are ours and settlement pays them."""
    reason = f"Trade {trade.pk} in {trade.market.ticker} was ended, yet its order was filled."
    log.error(reason, trade=trade.pk)
    notify(
        level="ERROR",
        title="A trade that was ended has been filled",
        body=f"{reason} The contracts are held and will be paid out; look at the market.",
        now=now,
        subject_key=f"late-fill:{trade.pk}",
    )


def _tell_contradiction(order: Order, contradiction: str, now: dt.datetime) -> None:
    """An order that is known keeps its state, but what the venue says now is not booked."""
    notify(
        level="ERROR",
        title="What the venue says of an order cannot be true",
        body=f"{order.count} {order.get_side_display()} {order.trade.market.ticker}:"
        f" {contradiction} Nothing of it is booked; compare the order with the venue's own page.",
        now=now,
        subject_key=f"contradiction:{order.client_order_id}",
    )


def cancel_trade(trade: Trade, *, reason: str) -> None:
    """End a trade that never became contracts, and free what it reserved."""
    trade.status = TradeStatus.CANCELLED
    trade.status_reason = reason
    trade.reserved_dollars = ZERO
    trade.save(update_fields=["status", "status_reason", "reserved_dollars"])
