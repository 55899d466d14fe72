from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.errors import DataUnavailable
from markets.tests.factories import NOW
from trading import selectors
from trading.choices import Account, EntryKind, LockKind, TradeStatus
from trading.models import LedgerEntry, Lock, Position, Trade
from trading.services.cycle import run_trading_cycle
from trading.services.settling import settle_trades
from trading.tests.factories import make_portfolio, make_tradeable_event

pytestmark = pytest.mark.django_db
MORNING = dt.datetime(2024, 11, 16, 12, 15, tzinfo=dt.UTC)


@pytest.fixture
def event():
    event, _ = make_tradeable_event()
    make_portfolio()
    run_trading_cycle(now=NOW)
    assert Trade.objects.filter(status=TradeStatus.EXECUTED).exists()
    return event


def results(event, high_f: int) -> dict[str, bool]:
    found = {}
    for market in event.markets.all():
        found[market.ticker] = market.bracket.contains(high_f)
        market.result = "yes" if found[market.ticker] else "no"
        market.save()
    return found


def test_winners_are_paid_losers_are_not_and_the_books_agree(event):
    portfolio = Trade.objects.first().portfolio
    cash_before = selectors.cash_dollars(portfolio)

    settled = settle_trades(event=event, results=results(event, 58), now=MORNING)

    assert settled
    payout = sum(
        position.count
        for position in Position.objects.select_related("market")
        if (position.side == "yes") == position.market.bracket.contains(58)
    )
    assert selectors.cash_dollars(portfolio) == cash_before + payout
    assert selectors.ledger_drift_dollars(portfolio) == 0
    for trade in settled:
        pays = (trade.side == "yes") == trade.market.bracket.contains(58)
        assert trade.status == (TradeStatus.WON if pays else TradeStatus.LOST)
        fills = [fill for order in trade.orders.all() for fill in order.fills.all()]
        spent = sum(fill.cost_dollars + fill.fee_dollars for fill in fills)
        assert trade.pnl_dollars == (sum(f.count for f in fills) if pays else 0) - spent


def test_the_fee_is_lost_whether_the_trade_wins_or_loses(event):
    settled = settle_trades(event=event, results=results(event, 58), now=MORNING)

    result = sum(trade.pnl_dollars for trade in settled)
    fees = LedgerEntry.objects.filter(kind=EntryKind.FEE)
    assert sum(entry.amount_dollars for entry in fees) > 0
    gains = sum(e.amount_dollars for e in LedgerEntry.objects.filter(kind=EntryKind.GAIN))
    losses = sum(e.amount_dollars for e in LedgerEntry.objects.filter(kind=EntryKind.LOSS))
    assert result == gains - losses - sum(entry.amount_dollars for entry in fees)


def test_after_settlement_no_contract_is_left_at_cost(event):
    settle_trades(event=event, results=results(event, 50), now=MORNING)

    debits = LedgerEntry.objects.filter(debit=Account.CONTRACTS)
    credits = LedgerEntry.objects.filter(credit=Account.CONTRACTS)
    assert sum(e.amount_dollars for e in debits) == sum(e.amount_dollars for e in credits)
    assert not Position.objects.filter(settled_at__isnull=True).exists()


def test_settling_twice_pays_once(event):
    outcome = results(event, 58)
    settle_trades(event=event, results=outcome, now=MORNING)
    entries = LedgerEntry.objects.count()

    again = settle_trades(event=event, results=outcome, now=MORNING + dt.timedelta(minutes=15))

    assert again == []
    assert LedgerEntry.objects.count() == entries


def test_a_market_without_a_result_leaves_everything_as_it_was(event):
    entries = LedgerEntry.objects.count()

    with pytest.raises(DataUnavailable):
        settle_trades(event=event, results={}, now=MORNING)

    assert LedgerEntry.objects.count() == entries
    assert not Trade.objects.filter(status__in=selectors.SETTLED).exists()


def test_a_loss_counts_on_the_day_it_is_realised_not_on_the_day_of_entry(event):
    portfolio = Trade.objects.first().portfolio

    settled = settle_trades(event=event, results=results(event, 40), now=MORNING)

    lost = sum(trade.pnl_dollars for trade in settled)
    assert lost < 0
    assert selectors.realised_today_dollars(portfolio, now=MORNING) == lost
    assert selectors.realised_today_dollars(portfolio, now=NOW) == 0


def test_a_loss_starts_the_cooldown_and_the_cooldown_ends(event):
    portfolio = Trade.objects.first().portfolio

    settle_trades(event=event, results=results(event, 40), now=MORNING)

    lock = Lock.objects.get(kind=LockKind.COOLDOWN)
    assert lock.until == MORNING + dt.timedelta(minutes=60)
    assert selectors.locks_in_force(portfolio, now=MORNING)
    assert not selectors.locks_in_force(portfolio, now=lock.until)


def test_reaching_the_daily_loss_limit_locks_the_rest_of_the_exchange_day(event):
    portfolio = Trade.objects.first().portfolio
    portfolio.daily_loss_limit_dollars = Decimal("0.10")
    portfolio.save()

    settle_trades(event=event, results=results(event, 40), now=MORNING)

    lock = Lock.objects.get(kind=LockKind.DAILY_LOSS)
    # Midnight of Eastern standard time.
    assert lock.until == dt.datetime(2024, 11, 17, 5, 0, tzinfo=dt.UTC)


def test_a_cooldown_of_zero_minutes_is_no_cooldown(event):
    portfolio = Trade.objects.first().portfolio
    portfolio.cooldown_minutes = 0
    portfolio.save()

    settle_trades(event=event, results=results(event, 40), now=MORNING)

    assert not Lock.objects.filter(kind=LockKind.COOLDOWN).exists()


def test_ledger_entries_cannot_be_changed_or_removed(event):
    entry = LedgerEntry.objects.first()
    entry.amount_dollars = Decimal("99")

    with pytest.raises(TypeError, match="append only"):
        entry.save()
    with pytest.raises(TypeError, match="append only"):
        entry.delete()
    with pytest.raises(TypeError, match="append only"):
        LedgerEntry.objects.all().delete()
    with pytest.raises(TypeError, match="append only"):
        LedgerEntry.objects.update(amount_dollars=1)
