"""Sending orders: intent committed, then the venue called, then the answer booked.

:func:`execute_trade` is the only path on which an order leaves. No database transaction is open
while the venue is asked; what becomes of the answer is in :mod:`trading.services.booking`.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.conf import settings
from django.db import transaction

from boz.core.agents import running_for
from boz.core.errors import (
    BozBaseException,
    CooldownActiveError,
    InvalidOrderError,
    OperatorActionRequired,
)
from boz.core.schemas import Side
from markets.venues import Venue as VenueProtocol
from markets.venues import VenueOrder, get_venue
from trading import selectors
from trading.choices import LIVE_ORDER_STATUSES, OrderStatus, TradeStatus, Venue
from trading.models import Order, Portfolio, Trade
from trading.services.booking import book_report, cancel_trade, mark_not_sent, mark_unknown
from trading.services.risk import locked_portfolio, require_admission, require_venue

#: Later than this after its start no job sends to a real venue: whoever takes a missing order for
#: never sent reckons that a job and all its waiting have ended within the queue's timeout.
SEND_WITHIN = dt.timedelta(seconds=settings.Q_CLUSTER["timeout"] / 3)
ORDER_NAMESPACE = uuid.UUID("6f1f6d1e-43c8-5c0e-9b0e-5b1a1f3c7a10")


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
    venue = _venue_for(order, now=now)
    _mark_sending(order, now=now)
    try:
        report = venue.place(order=venue_order(order), now=now)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the outcome is not known
        return mark_unknown(
            order_id=order.pk,
            reason=f"The venue's answer is not known: {type(error).__name__}.",
            now=now,
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
    require_venue(trade.portfolio, trade.venue)
    if trade.venue != Venue.PAPER and running_for() > SEND_WITHIN:
        raise InvalidOrderError(
            "The job that decided on this has been at work for too long; it is decided anew."
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


def _venue_for(order: Order, *, now: dt.datetime) -> VenueProtocol:
    """Return the venue that the order is bound to; without one nothing is sent.

    Raises:
        BozBaseException: If the venue cannot be used any more; the order is then taken back.
    """
    try:
        return get_venue(order.venue)
    except BozBaseException as error:
        _take_back(order, error.message, now)
        raise


def _take_back(order: Order, reason: str, now: dt.datetime) -> None:
    mark_not_sent(order_id=order.pk, proven_from=OrderStatus.INTENT, reason=reason, now=now)


def _mark_sending(order: Order, *, now: dt.datetime) -> None:
    """Claim the intent for sending; whoever cannot claim it must not call the venue.

    Raises:
        InvalidOrderError: If it was taken back meanwhile.
        CooldownActiveError: If the kill switch was turned on meanwhile.
        OperatorActionRequired: If the permission for real money was withdrawn meanwhile.
    """
    refusal: BozBaseException | None = None
    with transaction.atomic():
        portfolio = locked_portfolio(order.trade.portfolio_id)
        try:
            _require_still_wanted(order, portfolio)
        except BozBaseException as error:
            refusal = error
            _take_back(order, error.message, now)
        claimed = Order.objects.filter(pk=order.pk, status=OrderStatus.INTENT).update(
            status=OrderStatus.SENDING, sent_at=now
        )
    if refusal is not None:
        raise refusal
    if not claimed:
        raise InvalidOrderError("The order was taken back before it was sent; nothing left.")
    order.refresh_from_db()


def _require_still_wanted(order: Order, portfolio: Portfolio) -> None:
    """Look once more at what may have changed since the gate, right before the order leaves."""
    if selectors.kill_switch_is_on():
        raise CooldownActiveError("The kill switch was turned on before the order left.")
    require_venue(portfolio, order.venue)


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
