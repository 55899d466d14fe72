"""Orders: intent committed, then the venue called, then the answer booked.

:func:`execute_trade` is the only path on which an order leaves. No database transaction is open
while the venue is asked, and an outcome that is not proven stays unknown.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

from django.db import transaction

from boz.core.errors import (
    BozBaseException,
    CooldownActiveError,
    InvalidOrderError,
    OperatorActionRequired,
)
from boz.core.logging import get_logger
from boz.core.money import ZERO, round_up
from boz.core.schemas import Side
from boz.core.services.notifications import notify
from markets.venues import VenueOrder, VenueReport, get_venue
from trading import selectors
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
FINAL = PROGRESS[OrderStatus.FILLED]
REPORTED = {
    "resting": OrderStatus.RESTING,
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
}


def execute_trade(*, trade_id: int, now: dt.datetime) -> Order:
    """Send the order of an approved trade and book what the venue says.

    Raises:
        InvalidOrderError: If the trade is not approved, its order is already under way, or it was
            taken back before it was sent.
        RiskLimitError: If the gate refuses; the trade is then cancelled with the reason.
        OperatorActionRequired: If the venue cannot be used, or would be called inside a
            transaction.
    """
    order = _commit_intent(trade_id=trade_id, now=now)
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
    _require_no_transaction(trade_id)
    refusal: BozBaseException | None = None
    with transaction.atomic():
        trade = _approved_trade(trade_id)
        try:
            _require_sendable(trade, now)
        except BozBaseException as error:
            refusal = error
            cancel_trade(trade, reason=error.message)
        else:
            order = Order.objects.create(
                trade=trade,
                client_order_id=_client_order_id(trade, trade.orders.count()),
                venue=trade.venue,
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


def _require_no_transaction(trade_id: int) -> None:
    """Refuse to call a real venue inside a transaction: a rollback would forget a real order.

    A dry run is such a transaction. The paper venue is our own arithmetic and may be rolled back.
    """
    venue = Trade.objects.values_list("venue", flat=True).get(pk=trade_id)
    if venue != Venue.PAPER and transaction.get_connection().in_atomic_block:
        raise OperatorActionRequired(
            "An order for a real venue cannot leave inside a transaction or a dry run.",
            {"trade": trade_id},
        )


def _approved_trade(trade_id: int) -> Trade:
    """Return the trade with its portfolio locked, if an order may be made for it."""
    portfolio_id = Trade.objects.values_list("portfolio_id", flat=True).get(pk=trade_id)
    portfolio = locked_portfolio(portfolio_id)
    trade = Trade.objects.select_related("market").get(pk=trade_id)
    trade.portfolio = portfolio
    if trade.status != TradeStatus.APPROVED:
        raise InvalidOrderError(
            f"Trade {trade.pk} is {trade.get_status_display()}, so no order may leave for it.",
            {"trade": trade.pk, "status": trade.status},
        )
    if trade.orders.filter(status__in=LIVE_ORDER_STATUSES).exists():
        raise InvalidOrderError(
            f"An order of trade {trade.pk} is already under way.", {"trade": trade.pk}
        )
    return trade


def _require_sendable(trade: Trade, now: dt.datetime) -> None:
    if trade.venue != trade.portfolio.venue:
        raise InvalidOrderError(
            f"The trade was decided for {trade.get_venue_display()} and the portfolio has moved to"
            f" {trade.portfolio.get_venue_display()} since; no order leaves."
        )
    if not trade.market.is_open(now):
        raise InvalidOrderError(f"Market {trade.market.ticker} is not open.")
    require_admission(
        portfolio=trade.portfolio,
        cost_dollars=trade.max_cost_dollars,
        now=now,
        own_trade_id=trade.pk,
    )


def _client_order_id(trade: Trade, attempts: int) -> str:
    """Return an identity that one attempt of one trade always gets, and nothing else ever."""
    name = f"{trade.portfolio_id}/{trade.pk}/{trade.created_at.isoformat()}/{attempts}"
    return str(uuid.uuid5(ORDER_NAMESPACE, name))


def _mark_sending(order: Order, *, now: dt.datetime) -> None:
    """Claim the intent for sending; whoever cannot claim it must not call the venue.

    Raises:
        InvalidOrderError: If it was taken back meanwhile.
        CooldownActiveError: If the kill switch was turned on meanwhile.
    """
    with transaction.atomic():
        locked_portfolio(order.trade.portfolio_id)
        stopped = selectors.kill_switch_is_on()
        if stopped:
            mark_not_sent(
                order_id=order.pk,
                proven_from=OrderStatus.INTENT,
                reason="The kill switch was turned on before the order left.",
                now=now,
            )
        claimed = Order.objects.filter(pk=order.pk, status=OrderStatus.INTENT).update(
            status=OrderStatus.SENDING, sent_at=now
        )
    if stopped:
        raise CooldownActiveError("The kill switch was turned on before the order left.")
    if not claimed:
        raise InvalidOrderError("The order was taken back before it was sent; nothing left.")
    order.refresh_from_db()


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
        log.error(
            "Outcome of an order is unknown", client_order_id=order.client_order_id, reason=reason
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
        return mark_unknown(order_id=order_id, reason=report.reason)
    contradiction = _contradiction(order, report)
    if contradiction:
        log.error(contradiction, client_order_id=order.client_order_id)
        return mark_unknown(order_id=order_id, reason=contradiction)
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
    total = order.filled_count + sum((fill.count for fill in fresh), ZERO)
    if total > order.count:
        return f"The venue reports {total} contracts filled of an order for {order.count}."
    for fill in fresh:
        if fill.price_dollars > order.price_dollars:
            return (
                f"The venue reports a fill at {fill.price_dollars}, above the limit of"
                f" {order.price_dollars}."
            )
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


def cancel_trade(trade: Trade, *, reason: str) -> None:
    """End a trade that never became contracts, and free what it reserved."""
    trade.status = TradeStatus.CANCELLED
    trade.status_reason = reason
    trade.reserved_dollars = ZERO
    trade.save(update_fields=["status", "status_reason", "reserved_dollars"])
