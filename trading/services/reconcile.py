"""Finding out what became of orders whose outcome was never booked."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult
from boz.core.errors import BozBaseException
from boz.core.logging import get_logger
from boz.core.money import format_dollars
from boz.core.schemas import SkippedSubject
from markets.venues import PlacedOrder, get_venue
from trading import selectors
from trading.choices import OrderStatus
from trading.models import Order, Portfolio
from trading.services.orders import book_report, mark_not_sent, venue_order

log = get_logger("ORDER")

#: An order may be on its way in another process this long; before that nothing is concluded.
GRACE = dt.timedelta(minutes=2)
UNPROVEN = (OrderStatus.INTENT, OrderStatus.SENDING, OrderStatus.UNKNOWN)


def reconcile(*, now: dt.datetime) -> AgentResult:
    """Resolve unproven orders with the venue's word, and check every portfolio's books.

    An order that the venue can prove absent is marked *not sent*; "could not ask" proves nothing.
    """
    done = {"adopted": 0, "not_sent": 0, "still_unknown": 0, "drifting_portfolios": 0}
    skipped: list[SkippedSubject] = []
    stuck = Order.objects.filter(status__in=UNPROVEN, created_at__lte=now - GRACE)
    for order in stuck.select_related("trade__market").order_by("pk"):
        try:
            done[_resolve(order, now)] += 1
        except BozBaseException as error:
            done["still_unknown"] += 1
            skipped.append(SkippedSubject(subject=order.client_order_id, reason=error.message))
    for portfolio in Portfolio.objects.order_by("pk"):
        drift = selectors.ledger_drift_dollars(portfolio)
        if drift != 0:
            done["drifting_portfolios"] += 1
            reason = (
                f"The books of {portfolio.name} differ from its fills by {format_dollars(drift)}."
            )
            log.error(reason, portfolio=portfolio.name)
            skipped.append(SkippedSubject(subject=portfolio.name, reason=reason))
    return AgentResult(done=done, skipped=skipped)


def _resolve(order: Order, now: dt.datetime) -> str:
    if order.status == OrderStatus.INTENT:
        mark_not_sent(
            order_id=order.pk, reason="The process ended before the order was sent.", now=now
        )
        return "not_sent"
    placed = PlacedOrder(order=venue_order(order), placed_at=order.sent_at or order.created_at)
    report = get_venue(order.venue).orders(placed=[placed], now=now).get(order.client_order_id)
    if report is None:
        mark_not_sent(
            order_id=order.pk, reason="The venue proves that the order never arrived.", now=now
        )
        return "not_sent"
    if report.outcome == "unknown":
        return "still_unknown"
    book_report(order_id=order.pk, report=report, now=now)
    return "adopted"
