"""Finding out what became of orders whose outcome was never booked, and whether the books agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from boz.core.agents import AgentResult, guarded
from boz.core.errors import InvalidDataError, TransientError
from boz.core.logging import get_logger
from boz.core.money import ZERO, format_dollars
from boz.core.schemas import SkippedSubject
from markets.venues import PlacedOrder, VenueReport, get_venue
from trading import selectors
from trading.choices import OrderStatus, TradeStatus
from trading.models import Fill, Order, Portfolio, Position, Trade
from trading.services.accounts import account_differences, account_venues
from trading.services.booking import book_report, cancel_trade, mark_not_sent
from trading.services.orders import venue_order
from trading.services.risk import locked_portfolio

log = get_logger("ORDER")

UNPROVEN = (OrderStatus.INTENT, OrderStatus.SENDING, OrderStatus.UNKNOWN)
RESTING = (OrderStatus.RESTING, OrderStatus.PARTLY_FILLED)
GRACE_MARGIN = dt.timedelta(minutes=1)


def grace() -> dt.timedelta:
    """Return how long a job may still be on its way with an order; before that nothing is proven.

    The queue ends a job at its timeout, and an order's time is that of its job's start.
    """
    return dt.timedelta(seconds=settings.Q_CLUSTER["timeout"]) + GRACE_MARGIN


def reconcile(*, now: dt.datetime) -> AgentResult:
    """Resolve unproven orders with the venue's word, follow resting ones, and check the books.

    An order that the venue can prove absent is marked *not sent*; "could not ask" proves nothing.
    """
    done = dict.fromkeys(
        ("adopted", "not_sent", "still_unknown", "followed", "never_ordered", "drifting"), 0
    )
    skipped: list[SkippedSubject] = []
    orders = Order.objects.filter(_worth_asking(now)).select_related("trade__market")
    for order in orders.order_by("pk"):
        outcome = "followed" if order.status in RESTING else "still_unknown"
        with guarded(order.client_order_id, skipped, log=log):
            outcome = _follow(order, now) if order.status in RESTING else _resolve(order, now)
        done[outcome] += 1
    done["never_ordered"] = _end_never_ordered(now)
    for portfolio in Portfolio.objects.order_by("pk"):
        _tell(book_differences(portfolio), portfolio.name, done, skipped)
    for venue in account_venues():
        with guarded(f"account {venue}", skipped, log=log):
            _tell(account_differences(venue, now=now), f"account {venue}", done, skipped)
    return AgentResult(done=done, skipped=skipped)


def _worth_asking(now: dt.datetime) -> Q:
    """Return which orders to ask about: nobody is at work on them any more.

    An order that is known to be unknown was given up by whoever sent it, so it is asked about at
    once; what is found is adopted, while absence is believed only after the grace.
    """
    left_behind = Q(status__in=UNPROVEN, created_at__lte=now - grace())
    return left_behind | Q(status=OrderStatus.UNKNOWN) | Q(status__in=RESTING)


def _tell(
    differences: list[str], subject: str, done: dict[str, int], skipped: list[SkippedSubject]
) -> None:
    for difference in differences:
        done["drifting"] += 1
        log.error(difference, subject=subject)
        skipped.append(SkippedSubject(subject=subject, reason=difference))


def _resolve(order: Order, now: dt.datetime) -> str:
    status = OrderStatus(order.status)
    if status is OrderStatus.INTENT:
        return _not_sent(order, status, "The process ended before the order was sent.", now)
    report = _asked(order, now)
    if report is None:
        if order.created_at > now - grace():
            return "still_unknown"
        return _not_sent(order, status, "The venue proves that the order never arrived.", now)
    if report.outcome == "unknown":
        return "still_unknown"
    booked = book_report(order_id=order.pk, report=report, now=now)
    return "still_unknown" if booked.status in UNPROVEN else "adopted"


def _follow(order: Order, now: dt.datetime) -> str:
    """Book what became of a resting order since.

    Raises:
        InvalidDataError: If the venue no longer knows an order that it had accepted.
    """
    report = _asked(order, now)
    if report is None:
        raise InvalidDataError("The venue no longer knows an order that it had accepted.")
    if report.outcome == "unknown":
        raise TransientError(f"The resting order could not be read: {report.reason}")
    book_report(order_id=order.pk, report=report, now=now)
    return "followed"


def _asked(order: Order, now: dt.datetime) -> VenueReport | None:
    placed = PlacedOrder(
        order=venue_order(order),
        placed_at=order.sent_at or order.created_at,
        venue_order_id=order.venue_order_id,
    )
    venue = get_venue(order.venue, may_place=False)
    return venue.orders(placed=[placed], now=now).get(order.client_order_id)


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
