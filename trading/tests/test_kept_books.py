from __future__ import annotations

import datetime as dt

import pytest

from markets.models import BookSnapshot
from markets.services.retention import apply_retention
from markets.tests.factories import NOW, BookSnapshotFactory
from trading.models import Decision, Fill, Order
from trading.services.cycle import run_trading_cycle
from trading.tests.factories import make_portfolio, make_tradeable_event

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = dt.timedelta(minutes=1)


def _left(market):
    times = BookSnapshot.objects.filter(market=market).order_by("at").values_list("at", flat=True)
    return [(at - NOW) // MINUTE for at in times]


def test_books_of_decisions_orders_and_fills_outlive_the_others():
    _, markets = make_tradeable_event()
    make_portfolio(mode="auto")
    run_trading_cycle(now=NOW)
    fill = Fill.objects.all()[0]
    bought = fill.order.trade.market
    Order.objects.filter(pk=fill.order.pk).update(created_at=NOW + 1.5 * MINUTE)
    Fill.objects.filter(pk=fill.pk).update(at=NOW + 2.5 * MINUTE)
    assert Decision.objects.get().as_of == NOW
    other = next(
        market for market in markets if not Order.objects.filter(trade__market=market).exists()
    )
    for market in (bought, other):
        for n in range(1, 5):
            BookSnapshotFactory(market=market, at=NOW + n * MINUTE)

    apply_retention(now=NOW + dt.timedelta(days=10))

    # The decision's, the order's, the fill's and the last of five minutes.
    assert _left(bought) == [0, 1, 2, 4]
    assert _left(other) == [0, 4]
