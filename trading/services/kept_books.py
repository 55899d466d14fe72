"""Which books and quotes must outlive their time: those that something was decided or filled on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from markets.services.retention import Needed, register_keeper
from trading.models import Decision, Fill, Order


def needed_books(
    market_ids: Sequence[int], start: dt.datetime, end: dt.datetime
) -> Iterator[Needed]:
    """Yield market and moment of each decision, order and fill between two moments."""
    span = (start, end)
    decisions = Decision.objects.filter(as_of__range=span, event__markets__in=market_ids)
    yield from decisions.order_by().values_list("event__markets", "as_of").distinct()
    orders = Order.objects.filter(created_at__range=span, trade__market__in=market_ids)
    yield from orders.order_by().values_list("trade__market", "created_at")
    fills = Fill.objects.filter(at__range=span, order__trade__market__in=market_ids)
    yield from fills.order_by().values_list("order__trade__market", "at")


register_keeper("trading", needed_books)
