"""Finding out what became of orders whose outcome was never booked, and whether the books agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from boz.core.agents import AgentResult, guarded
from boz.core.logging import get_logger
from boz.core.money import ZERO, format_dollars
from boz.core.schemas import SkippedSubject
from markets.venues import PlacedOrder, get_venue
from trading import selectors
from trading.choices import OrderStatus, TradeStatus
from trading.models import Fill, Order, Portfolio, Position, Trade
from trading.services.booking import book_report, cancel_trade, mark_not_sent
from trading.services.orders import venue_order
from trading.services.risk import locked_portfolio

log = get_logger("ORDER")

UNPROVEN = (OrderStatus.INTENT, OrderStatus.SENDING, OrderStatus.UNKNOWN)
GRACE_MARGIN = dt.timedelta(minutes=1)


def grace() -> dt.timedelta:
    """Return how long a job may still be on its way with an order; before that nothing is proven.

    The queue ends a job at its timeout, and an order's time is that of its job's start.
    """
    return dt.timedelta(seconds=settings.Q_CLUSTER["timeout"]) + GRACE_MARGIN


def reconcile(*, now: dt.datetime) -> AgentResult:
    """Resolve unproven orders with the venue's word, and check every portfolio's books.

    An order that the venue can prove absent is marked *not sent*; "could not ask" proves nothing.
    """
    done = {"adopted": 0, "not_sent": 0, "still_unknown": 0, "never_ordered": 0, "drifting": 0}
    skipped: list[SkippedSubject] = []
    stuck = Order.objects.filter(status__in=UNPROVEN, created_at__lte=now - grace())
    for order in stuck.select_related("trade__market").order_by("pk"):
        outcome = "still_unknown"
        with guarded(order.client_order_id, skipped, log=log):
            outcome = _resolve(order, now)
        done[outcome] += 1
    done["never_ordered"] = _end_never_ordered(now)
    for portfolio in Portfolio.objects.order_by("pk"):
        for difference in book_differences(portfolio):
            done["drifting"] += 1
            log.error(difference, portfolio=portfolio.name)
            skipped.append(SkippedSubject(subject=portfolio.name, reason=difference))
    return AgentResult(done=done, skipped=skipped)


def _resolve(order: Order, now: dt.datetime) -> str:
    status = OrderStatus(order.status)
    if status is OrderStatus.INTENT:
        return _not_sent(order, status, "The process ended before the order was sent.", now)
    placed = PlacedOrder(order=venue_order(order), placed_at=order.sent_at or order.created_at)
    report = get_venue(order.venue).orders(placed=[placed], now=now).get(order.client_order_id)
    if report is None:
        return _not_sent(order, status, "The venue proves that the order never arrived.", now)
    if report.outcome == "unknown":
        return "still_unknown"
    booked = book_report(order_id=order.pk, report=report, now=now)
    return "still_unknown" if booked.status in UNPROVEN else "adopted"


def _not_sent(order: Order, status: OrderStatus, reason: str, now: dt.datetime) -> str:
    proven = mark_not_sent(order_id=order.pk, proven_from=status, reason=reason, now=now)
    return "not_sent" if proven else "still_unknown"


def _end_never_ordered(now: dt.datetime) -> int:
    """End approved trades for which no order was ever made; the next cycle decides anew."""
    stranded = Trade.objects.filter(
        status=TradeStatus.APPROVED, orders__isnull=True, decided_at__lte=now - grace()
    )
    ended = 0
    for trade_id, portfolio_id in list(stranded.values_list("pk", "portfolio_id")):
        with transaction.atomic():
            locked_portfolio(portfolio_id)
            trade = stranded.filter(pk=trade_id).first()
            if trade is not None:
                cancel_trade(trade, reason="The job ended before an order was made; decided anew.")
                ended += 1
    return ended


def book_differences(portfolio: Portfolio) -> list[str]:
    """Return what does not agree between ledger, fills and positions; empty when all does."""
    found = []
    drift = selectors.ledger_drift_dollars(portfolio)
    if drift != 0:
        found.append(
            f"The books of {portfolio.name} differ from its fills by {format_dollars(drift)}."
        )
    filled: dict[tuple[int, str], Decimal] = {}
    fills = Fill.objects.filter(order__trade__portfolio=portfolio)
    for market_id, side, count in fills.values_list("order__trade__market", "order__side", "count"):
        filled[market_id, side] = filled.get((market_id, side), ZERO) + count
    held = Position.objects.filter(portfolio=portfolio).select_related("market")
    for position in held:
        expected = filled.pop((position.market_id, position.side), ZERO)
        if position.count != expected:
            found.append(
                f"{portfolio.name} shows {position.count} {position.side} in"
                f" {position.market.ticker}, its fills make {expected}."
            )
    if filled:
        found.append(f"{portfolio.name} has fills in {len(filled)} markets without a position.")
    return found
