from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.models import Notification
from markets.clients.kalshi import Listing
from markets.models import Event, Market
from markets.services.sync.results import pending_events, write_results
from markets.tests.factories import make_station
from settlement.models import PostMortem, Settlement
from settlement.services.settle import settle_all
from settlement.tests.factories import MORNING, determine, make_event, make_report, make_trade
from trading import selectors as trading_reads
from trading.choices import TradeStatus
from trading.models import LedgerEntry
from trading.tests.factories import make_portfolio

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


@pytest.fixture
def portfolio():
    return make_portfolio()


def publish(
    markets: list[Market], *, value_f: int, status: str = Market.Status.FINALIZED, **fields
) -> None:
    """Give these markets their results, and no others of the event."""
    for market in markets:
        is_yes = market.bracket.contains(value_f)
        market.result = Market.Result.YES if is_yes else Market.Result.NO
        market.status = status
        for name, value in fields.items():
            setattr(market, name, value)
        market.save()


def sync_results(now: dt.datetime) -> int:
    """Do what the sync does when the exchange says no more than what is stored."""
    return write_results(pending_events(listed=[]), Listing(()), now=now)[0]


def test_held_contracts_are_paid_when_a_sister_market_vanished(portfolio):
    event, markets = make_event()
    won = make_trade(portfolio, markets[2])
    lost = make_trade(portfolio, markets[4])
    reason = f"{markets[0].ticker} is no longer listed as it was."
    Event.objects.update(status=Event.Status.QUARANTINED, quarantine_reason=reason)
    publish(markets[1:], value_f=55)
    make_report(event, 55)
    assert sync_results(MORNING) == 0

    result = settle_all(now=MORNING)

    won.refresh_from_db()
    lost.refresh_from_db()
    assert (won.status, won.pnl_dollars) == (TradeStatus.WON, Decimal("6.85"))
    assert (lost.status, lost.pnl_dollars) == (TradeStatus.LOST, Decimal("-3.15"))
    assert trading_reads.ledger_drift_dollars(portfolio) == 0
    assert (result.done["trades"], result.done["postmortems"], result.done["settled"]) == (2, 2, 0)
    assert [item.subject for item in result.skipped] == [event.ticker]
    assert f"no final result for {markets[0].ticker}" in result.skipped[0].reason
    told = Notification.objects.get()
    assert (told.level, told.body) == ("WARNING", result.skipped[0].reason)
    settlement = Settlement.objects.get()
    assert settlement.results[markets[0].ticker] == ""
    assert settlement.mismatches == [told.body]
    assert pending_events(listed=[]) == [event], "the missing result is still asked for"


def test_paying_in_part_twice_changes_nothing(portfolio):
    _, markets = make_event()
    make_trade(portfolio, markets[2])
    publish(markets[1:], value_f=55)
    models = (Settlement, PostMortem, LedgerEntry, Notification)
    settle_all(now=MORNING)
    counts = [model.objects.count() for model in models]

    again = settle_all(now=MORNING + DAY)

    assert [model.objects.count() for model in models] == counts
    assert again.skipped == []
    assert set(again.done.values()) == {0}


def test_an_event_paid_in_part_is_settled_when_its_last_result_comes(portfolio):
    event, markets = make_event()
    make_trade(portfolio, markets[2])
    publish(markets[1:], value_f=55)
    settle_all(now=MORNING)
    entries = LedgerEntry.objects.count()
    determine(event, value_f=55, at=MORNING + HOUR)

    result = settle_all(now=MORNING + HOUR)

    event.refresh_from_db()
    newest = Settlement.objects.get(version=2)
    assert event.status == Event.Status.SETTLED
    assert (result.done["settled"], result.done["changed"], result.skipped) == (1, 0, [])
    assert newest.mismatches == []
    assert LedgerEntry.objects.count() == entries


def test_a_result_that_changes_after_a_part_was_paid_warns_and_moves_no_money(portfolio):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    publish(markets[1:], value_f=55)
    settle_all(now=MORNING)
    determine(event, value_f=51, at=MORNING + HOUR)

    result = settle_all(now=MORNING + HOUR)

    trade.refresh_from_db()
    assert result.done["changed"] == 1
    assert trade.status == TradeStatus.WON
    assert "no money was moved" in " ".join(Settlement.objects.get(version=2).mismatches)


def test_contracts_whose_own_market_has_no_result_are_told_until_they_are_paid(portfolio):
    event, markets = make_event()
    held = make_trade(portfolio, markets[2])
    other = make_trade(portfolio, markets[4])
    publish([*markets[:2], *markets[3:]], value_f=55)

    first = settle_all(now=MORNING)
    second = settle_all(now=MORNING + HOUR)

    for result in (first, second):
        assert [item.subject for item in result.skipped] == [event.ticker]
        assert f"no final result for {markets[2].ticker}" in result.skipped[0].reason
    told = Notification.objects.get()
    assert (told.level, told.title) == (
        "ERROR",
        f"{event.ticker} holds contracts without a result",
    )
    for trade in (held, other):
        trade.refresh_from_db()
        assert trade.status == TradeStatus.EXECUTED
    assert not Settlement.objects.exists()

    determine(event, value_f=55, at=MORNING + 2 * HOUR)
    assert settle_all(now=MORNING + 2 * HOUR).done["settled"] == 1
    held.refresh_from_db()
    assert held.status == TradeStatus.WON


def test_the_usual_wait_for_results_is_not_told_until_it_is_overdue(portfolio):
    event, markets = make_event()
    make_trade(portfolio, markets[2])

    assert settle_all(now=MORNING).skipped == []
    assert not Notification.objects.exists()

    overdue = settle_all(now=MORNING + 2 * DAY)

    assert [item.subject for item in overdue.skipped] == [event.ticker]
    assert Notification.objects.get().level == "ERROR"


def test_results_that_may_still_be_revised_pay_nothing(portfolio):
    _, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    publish(markets[1:], value_f=55, status=Market.Status.DETERMINED)

    result = settle_all(now=MORNING)

    trade.refresh_from_db()
    assert (trade.status, result.skipped) == (TradeStatus.EXECUTED, [])


def test_a_part_of_the_results_known_later_pays_nothing_now(portfolio):
    _, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    publish(markets[1:], value_f=55, settled_at=MORNING + HOUR)

    settle_all(now=MORNING)

    trade.refresh_from_db()
    assert trade.status == TradeStatus.EXECUTED
    assert settle_all(now=MORNING + HOUR).done["trades"] == 1


def test_a_part_of_the_results_before_the_close_of_the_others_pays_nothing(portfolio):
    _, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    publish(markets[1:], value_f=55)

    result = settle_all(now=markets[0].close_time - HOUR)

    trade.refresh_from_db()
    assert (trade.status, result.skipped) == (TradeStatus.EXECUTED, [])


def test_missing_results_of_an_event_that_holds_nothing_are_no_news(portfolio):
    _, markets = make_event()
    publish(markets[1:], value_f=55)

    assert settle_all(now=MORNING + 9 * DAY).skipped == []
    assert not Notification.objects.exists()


def test_no_winner_among_a_part_of_the_results_contradicts_nothing(portfolio):
    event, markets = make_event()
    make_trade(portfolio, markets[2])
    publish(markets[1:], value_f=50)
    make_report(event, 50)

    result = settle_all(now=MORNING)

    settlement = Settlement.objects.get()
    assert result.done["mismatches"] == 0
    assert len(settlement.mismatches) == 1
    assert "no final result" in settlement.mismatches[0]


def test_contracts_in_a_city_that_was_switched_off_are_paid(portfolio):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    make_station("NY", is_active=False)
    determine(event, value_f=55)

    settle_all(now=MORNING)

    trade.refresh_from_db()
    assert trade.status == TradeStatus.WON
