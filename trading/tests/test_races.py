"""Two workers at the same moment, on a database that lets them try."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection, connections

from boz.core.errors import BozBaseException
from markets.tests.factories import NOW
from trading import selectors
from trading.choices import Mode, TradeStatus
from trading.models import Order, Trade
from trading.services.approvals import approve_trade
from trading.services.cycle import run_trading_cycle
from trading.tests.factories import make_portfolio, make_tradeable_event

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="SQLite has one writer; run with DATABASE_URL on PostgreSQL, as CI does",
    ),
]


def at_once(workers: int, act: Callable[[], object]) -> list[str]:
    """Run ``act`` in several threads that start together; return what they refused with."""
    barrier, refusals = threading.Barrier(workers), []

    def work() -> None:
        try:
            barrier.wait(timeout=10)
            act()
        except BozBaseException as error:
            refusals.append(error.message)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return refusals


def test_cycles_at_the_same_moment_decide_once_and_stay_within_the_limit():
    make_tradeable_event()
    portfolio = make_portfolio(max_daily_exposure_dollars=Decimal("1.00"))

    at_once(4, lambda: run_trading_cycle(now=NOW))

    assert Trade.objects.count() == Order.objects.count() == 1
    assert selectors.exposure_dollars(portfolio) <= Decimal("1.00")
    assert selectors.ledger_drift_dollars(portfolio) == 0


def test_an_approval_clicked_by_four_people_at_once_places_one_order():
    make_tradeable_event()
    portfolio = make_portfolio(mode=Mode.MANUAL)
    run_trading_cycle(now=NOW)
    trade = Trade.objects.filter(status=TradeStatus.PENDING).first()

    refusals = at_once(4, lambda: approve_trade(trade_id=trade.pk, user=portfolio.owner, now=NOW))

    assert len(refusals) == 3
    assert Order.objects.filter(trade=trade).count() == 1
    assert selectors.ledger_drift_dollars(portfolio) == 0
