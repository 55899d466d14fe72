"""Orders: intent committed, then the venue called, then the answer booked.

:func:`execute_trade` is the only path on which an order leaves. No database transaction is open
while the venue is asked, and an outcome that is not proven stays unknown.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from django.db import transaction

from boz.core.errors import BozBaseException, InvalidOrderError, OperatorActionRequired
from boz.core.logging import get_logger
from boz.core.money import ZERO
from boz.core.schemas import Side
from markets.venues import VenueOrder, VenueReport, get_venue
from trading.choices import LIVE_ORDER_STATUSES, OrderStatus, TradeStatus, Venue
from trading.models import Fill, Order, Trade
from trading.services.ledger import post_fill
from trading.services.risk import locked_portfolio, require_admission

log = get_logger("ORDER")

ORDER_NAMESPACE = uuid.UUID("6f1f6d1e-43c8-5c0e-9b0e-5b1a1f3c7a10")

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
REPORTED = {
    "resting": OrderStatus.RESTING,
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
}


def execute_trade(*, trade_id: int, now: dt.datetime) -> Order:
    """Send the order of an approved trade and book what the venue says.

    Raises:
        InvalidOrderError: If the trade is not approved or its order is already under way.
        RiskLimitError: If the gate refuses; the trade is then cancelled with the reason.
    """
    order = _commit_intent(trade_id=trade_id, now=now)
    _require_no_transaction(order)
    _mark_sending(order, now=now)
    try:
        report = get_venue(order.venue).place(order=venue_order(order), now=now)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the outcome is not known
        return mark_unknown(
            order_id=order.pk,
            reason=f"The venue's answer is not known: {type(error).__name__}.",
        )
    return book_report(order_id=order.pk, report=report, now=now)


def _commit_intent(*, trade_id: int, now: dt.datetime) -> Order:
    """Pass the gate and commit the order before anything leaves; a refusal cancels the trade."""
    with transaction.atomic():
        trade = Trade.objects.select_related("market").get(pk=trade_id)
        portfolio = locked_portfolio(trade.portfolio_id)
        trade.refresh_from_db()
        if trade.status != TradeStatus.APPROVED:
            raise InvalidOrderError(
                f"Trade {trade.pk} is {trade.get_status_display()}, so no order may leave for it.",
                {"trade": trade.pk, "status": trade.status},
            )
        attempts = trade.orders.count()
        if trade.orders.filter(status__in=LIVE_ORDER_STATUSES).exists():
            raise InvalidOrderError(
                f"An order of trade {trade.pk} is already under way.", {"trade": trade.pk}
            )
        try:
            if not trade.market.is_open(now):
                raise InvalidOrderError(f"Market {trade.market.ticker} is not open.")
            require_admission(
                portfolio=portfolio,
                cost_dollars=trade.reserved_dollars,
                now=now,
                own_trade_id=trade.pk,
            )
        except BozBaseException as error:
            refusal: BozBaseException | None = error
            _cancel_trade(trade, reason=error.message)
        else:
            refusal = None
            order = Order.objects.create(
                trade=trade,
                client_order_id=_client_order_id(trade, attempts),
                venue=portfolio.venue,
                side=trade.side,
                price_dollars=trade.limit_price_dollars,
                count=trade.count,
                time_in_force=Order.TimeInForce.IOC,
                status=OrderStatus.INTENT,
                created_at=now,
            )
    if refusal is not None:
        raise refusal
    return order


def _client_order_id(trade: Trade, attempts: int) -> str:
    """Return an identity that one attempt of one trade always gets, and nothing else ever."""
    name = f"{trade.portfolio_id}/{trade.pk}/{trade.created_at.isoformat()}/{attempts}"
    return str(uuid.uuid5(ORDER_NAMESPACE, name))


def _require_no_transaction(order: Order) -> None:
    """Refuse to call a real venue inside a transaction: a rollback would forget a real order.

    A dry run is such a transaction. The paper venue is our own arithmetic and may be rolled back.
    """
    if order.venue != Venue.PAPER and transaction.get_connection().in_atomic_block:
        raise OperatorActionRequired(
            "An order for a real venue cannot leave inside a transaction or a dry run.",
            {"client_order_id": order.client_order_id},
        )


def _mark_sending(order: Order, *, now: dt.datetime) -> None:
    order.status = OrderStatus.SENDING
    order.sent_at = now
    order.save(update_fields=["status", "sent_at"])


def venue_order(order: Order) -> VenueOrder:
    """Return an order as the venue is told of it."""
    return VenueOrder(
        client_order_id=order.client_order_id,
        market_ticker=order.trade.market.ticker,
        side=Side(order.side),
        price_dollars=order.price_dollars,
        count=order.count,
        time_in_force=order.time_in_force,
        post_only=order.post_only,
    )


@transaction.atomic
def mark_unknown(*, order_id: int, reason: str) -> Order:
    """Record that nobody knows what became of an order; its exposure stays reserved."""
    order = Order.objects.select_for_update().get(pk=order_id)
    if PROGRESS[OrderStatus(order.status)] < PROGRESS[OrderStatus.UNKNOWN]:
        order.status = OrderStatus.UNKNOWN
        order.status_reason = reason
        order.save(update_fields=["status", "status_reason"])
        log.error("Outcome of an order is unknown", client_order_id=order.client_order_id)
    return order


@transaction.atomic
def mark_not_sent(*, order_id: int, reason: str, now: dt.datetime) -> Order:
    """Record the proof that an order never reached the venue; the trade is free to go again."""
    order = Order.objects.select_for_update().select_related("trade").get(pk=order_id)
    if order.status in LIVE_ORDER_STATUSES and order.filled_count == 0:
        _finish(order, OrderStatus.NOT_SENT, reason, now)
        _cancel_trade(order.trade, reason=reason)
    return order


@transaction.atomic
def book_report(*, order_id: int, report: VenueReport, now: dt.datetime) -> Order:
    """Book fills and state from a venue's report; a second delivery changes nothing."""
    portfolio_id = Order.objects.values_list("trade__portfolio_id", flat=True).get(pk=order_id)
    locked_portfolio(portfolio_id)
    order = (
        Order.objects.select_for_update()
        .select_related("trade__portfolio", "trade__market")
        .get(pk=order_id)
    )
    if report.outcome == "unknown":
        return mark_unknown(order_id=order_id, reason=report.reason)
    _book_fills(order, report)
    reported = REPORTED.get(report.status)
    if reported is None:
        raise OperatorActionRequired(
            f"The venue reports an order state '{report.status}' that we do not know.",
            {"client_order_id": order.client_order_id},
        )
    if reported is OrderStatus.RESTING and order.filled_count > 0:
        reported = OrderStatus.PARTLY_FILLED
    if PROGRESS[reported] > PROGRESS[OrderStatus(order.status)]:
        order.venue_order_id = report.venue_order_id
        if PROGRESS[reported] == PROGRESS[OrderStatus.FILLED]:
            _finish(order, reported, report.reason, now)
        else:
            order.status = reported
            order.save(update_fields=["status", "venue_order_id", "filled_count"])
    _follow_order(order)
    return order


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
    order.save(
        update_fields=["status", "status_reason", "finished_at", "venue_order_id", "filled_count"]
    )


def _follow_order(order: Order) -> None:
    """Move the trade along with its order, and release what is no longer reserved."""
    trade = order.trade
    if trade.is_final:
        return
    if order.status in LIVE_ORDER_STATUSES:
        remaining = order.remaining_count / order.count
        trade.reserved_dollars = (trade.reserved_dollars * remaining).quantize(Decimal("0.0001"))
        if order.filled_count > 0:
            trade.status = TradeStatus.EXECUTED
    elif order.filled_count > 0:
        trade.status = TradeStatus.EXECUTED
        trade.reserved_dollars = ZERO
    else:
        _cancel_trade(trade, reason=order.status_reason or "The order was not filled.")
        return
    trade.save(update_fields=["status", "reserved_dollars"])


def _cancel_trade(trade: Trade, *, reason: str) -> None:
    trade.status = TradeStatus.CANCELLED
    trade.status_reason = reason
    trade.reserved_dollars = ZERO
    trade.save(update_fields=["status", "status_reason", "reserved_dollars"])
