from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import connection, transaction

from boz.core.errors import DataUnavailable
from boz.core.models import Notification
from markets.models import Event, Market
from markets.tests.factories import NOW
from prediction.models import Verification
from prediction.tests.factories import EngineBeliefFactory
from settlement.models import PostMortem, Settlement
from settlement.services import settle as settle_module
from settlement.services.post_mortem import write_post_mortem
from settlement.services.settle import settle_all
from settlement.tests.factories import (
    MORNING,
    determine,
    make_event,
    make_report,
    make_trade,
)
from trading import selectors as trading_reads
from trading.choices import TradeStatus
from trading.models import LedgerEntry, Trade
from trading.tests.factories import make_portfolio

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture
def portfolio():
    return make_portfolio()


def test_a_determined_event_is_paid_scored_and_explained(portfolio):
    event, markets = make_event()
    won = make_trade(portfolio, markets[2])
    lost = make_trade(portfolio, markets[4])
    make_report(event, 55)
    determine(event, value_f=55)

    result = settle_all(now=MORNING)

    assert result.skipped == []
    assert result.done == {
        "settled": 1,
        "mismatches": 0,
        "reading_differences": 0,
        "trades": 2,
        "postmortems": 2,
        "verified": 1,
        "changed": 0,
    }
    won.refresh_from_db()
    lost.refresh_from_db()
    event.refresh_from_db()
    assert (won.status, won.pnl_dollars) == (TradeStatus.WON, Decimal("6.85"))
    assert (lost.status, lost.pnl_dollars) == (TradeStatus.LOST, Decimal("-3.15"))
    assert event.status == Event.Status.SETTLED
    assert trading_reads.ledger_drift_dollars(portfolio) == 0
    settlement = Settlement.objects.get()
    assert settlement.version == 1
    assert settlement.our_reading_f == 55
    assert "NWS" in settlement.authority
    assert Verification.objects.get().observed_high_f == 55


def test_settling_twice_changes_nothing(portfolio):
    event, markets = make_event()
    make_trade(portfolio, markets[2])
    determine(event, value_f=55)
    settle_all(now=MORNING)
    counts = [model.objects.count() for model in (Settlement, PostMortem, LedgerEntry)]

    again = settle_all(now=MORNING + DAY)

    assert [model.objects.count() for model in (Settlement, PostMortem, LedgerEntry)] == counts
    assert set(again.done.values()) == {0}


def test_trades_settle_by_climate_day_not_by_timestamp(portfolio):
    """Bought after the event of the day before was settled, or long before: the event decides."""
    first, first_markets = make_event(climate_day=dt.date(2024, 11, 15))
    second, second_markets = make_event(climate_day=dt.date(2024, 11, 16))
    late = make_trade(portfolio, first_markets[2], at=MORNING - dt.timedelta(hours=9))
    early = make_trade(portfolio, second_markets[2], at=NOW - 3 * DAY)
    determine(first, value_f=55)

    settle_all(now=MORNING)

    late.refresh_from_db()
    early.refresh_from_db()
    assert late.status == TradeStatus.WON
    assert early.status == TradeStatus.EXECUTED
    determine(second, value_f=40, at=MORNING + DAY)
    settle_all(now=MORNING + DAY)
    early.refresh_from_db()
    assert early.status == TradeStatus.LOST


def test_the_exchange_governs_money_and_our_other_reading_is_recorded(portfolio):
    """As Miami on 2024-11-27: settled on 84, the final report says 81."""
    event, markets = make_event("MIA")
    trade = make_trade(portfolio, markets[3])
    make_report(event, 53)
    determine(event, value_f=56)

    result = settle_all(now=MORNING)

    trade.refresh_from_db()
    settlement = Settlement.objects.get()
    assert trade.status == TradeStatus.WON
    assert result.done["reading_differences"] == 1
    assert result.done["mismatches"] == 0
    assert settlement.exchange_value_f == 56
    assert settlement.our_reading_f == 53
    assert "governs money" in settlement.mismatches[0]
    assert Notification.objects.get().title.endswith("settled with a mismatch")
    assert Verification.objects.get().observed_high_f == 56


def test_a_climate_report_corrected_after_settling_is_recorded_and_moves_no_money(portfolio):
    """Miami, 2024-11-27: 84 in the first final report, 81 in a later one; the exchange paid 84."""
    event, markets = make_event("MIA")
    make_trade(portfolio, markets[3])
    make_report(event, 56)
    determine(event, value_f=56)
    first = settle_all(now=MORNING)
    entries = LedgerEntry.objects.count()
    make_report(event, 53, issued_at=MORNING + dt.timedelta(minutes=56), is_correction=True)

    later = settle_all(now=MORNING + dt.timedelta(hours=1))

    newest = Settlement.objects.get(version=2)
    assert (first.done["settled"], first.done["reading_differences"]) == (1, 0)
    assert (later.done["settled"], later.done["reading_differences"]) == (0, 1)
    assert newest.our_reading_f == 53
    assert newest.exchange_value_f == 56
    assert "it said 56°, now 53°" in newest.mismatches[-1]
    assert LedgerEntry.objects.count() == entries
    assert settle_all(now=MORNING + DAY).done["reading_differences"] == 0


def test_a_report_that_comes_after_the_result_completes_the_record_quietly(portfolio):
    event, _ = make_event()
    determine(event, value_f=55)
    settle_all(now=MORNING)
    make_report(event, 55, issued_at=MORNING + dt.timedelta(hours=1))

    settle_all(now=MORNING + DAY)

    newest = Settlement.objects.get(version=2)
    assert newest.our_reading_f == 55
    assert newest.mismatches == []
    assert not Notification.objects.exists()


def test_results_against_the_strikes_are_recorded_and_still_paid(portfolio):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[4])
    determine(event, value_f=55, winner_f=58)

    result = settle_all(now=MORNING)

    trade.refresh_from_db()
    assert trade.status == TradeStatus.WON
    assert result.done["mismatches"] == 1
    assert len(Settlement.objects.get().mismatches) == 2


def test_one_bad_event_does_not_stop_the_others(portfolio, monkeypatch):
    bad, bad_markets = make_event("MIA")
    good, good_markets = make_event("NY")
    for markets in (bad_markets, good_markets):
        make_trade(portfolio, markets[2])
    for event in (bad, good):
        determine(event, value_f=55)
    pay = settle_module.settle_trades

    def fails_for_miami(*, event, results, now):
        paid = pay(event=event, results=results, now=now)
        if event.pk == bad.pk:
            raise RuntimeError("the disk is full")
        return paid

    monkeypatch.setattr(settle_module, "settle_trades", fails_for_miami)
    result = settle_all(now=MORNING)

    assert result.done["settled"] == 1
    assert [item.subject for item in result.skipped] == [bad.ticker]
    assert "the disk is full" in result.skipped[0].reason
    assert Trade.objects.get(event=good).status == TradeStatus.WON
    assert Trade.objects.get(event=bad).status == TradeStatus.EXECUTED, "rolled back as a whole"
    assert not Settlement.objects.filter(event=bad).exists()

    monkeypatch.setattr(settle_module, "settle_trades", pay)
    assert settle_all(now=MORNING).done["settled"] == 1
    assert Trade.objects.get(event=bad).status == TradeStatus.WON


def test_results_known_later_settle_nothing_now(portfolio):
    event, _ = make_event()
    determine(event, value_f=55, at=MORNING)

    before = settle_all(now=MORNING - dt.timedelta(seconds=1))
    after = settle_all(now=MORNING)

    assert before.done["settled"] == 0
    assert after.done["settled"] == 1


def test_a_market_without_a_result_leaves_the_event_open_and_says_so(portfolio):
    event, markets = make_event()
    make_trade(portfolio, markets[0])
    determine(event, value_f=55)
    Market.objects.filter(pk=markets[0].pk).update(result="")

    result = settle_all(now=MORNING)

    assert result.done["settled"] == 0
    assert "no final result" in result.skipped[0].reason
    assert Trade.objects.get().status == TradeStatus.EXECUTED
    assert not Settlement.objects.exists()


def test_an_event_that_another_run_settled_meanwhile_is_not_settled_again(portfolio, monkeypatch):
    event, markets = make_event()
    make_trade(portfolio, markets[2])
    determine(event, value_f=55)
    read = settle_module.readings_as_of
    others = []

    def meanwhile(events, *, now):
        monkeypatch.setattr(settle_module, "readings_as_of", read)
        readings = read(events, now=now)
        others.append(settle_all(now=MORNING))
        return readings

    monkeypatch.setattr(settle_module, "readings_as_of", meanwhile)
    result = settle_all(now=MORNING)

    assert [others[0].done[name] for name in ("settled", "trades", "postmortems")] == [1, 1, 1]
    assert set(result.done.values()) == {0}
    assert Settlement.objects.get().version == 1
    assert trading_reads.ledger_drift_dollars(portfolio) == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_overlapping_runs_settle_each_event_once():
    if connection.vendor != "postgresql":
        pytest.skip("an SQLite database in memory has one connection")
    portfolio = make_portfolio()
    for days in range(3):
        event, markets = make_event(climate_day=dt.date(2024, 11, 13 + days))
        with transaction.atomic():
            make_trade(portfolio, markets[2], at=NOW - 9 * DAY)
        determine(event, value_f=55)
    results = []
    start = threading.Barrier(3)

    def run():
        try:
            start.wait(timeout=10)
            results.append(settle_all(now=MORNING))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [item for result in results for item in result.skipped] == []
    assert sum(result.done["settled"] for result in results) == 3
    assert sum(result.done["trades"] for result in results) == 3
    assert Settlement.objects.count() == PostMortem.objects.count() == 3
    assert trading_reads.ledger_drift_dollars(portfolio) == 0


def test_a_changed_result_makes_a_version_warns_and_moves_no_money(portfolio):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    settle_all(now=determine(event, value_f=55).determined_at)
    entries = LedgerEntry.objects.count()
    determine(event, value_f=60, at=MORNING)

    result = settle_all(now=MORNING + DAY)

    trade.refresh_from_db()
    newest = Settlement.objects.get(version=2)
    assert result.done["changed"] == 1
    assert trade.status == TradeStatus.WON
    assert LedgerEntry.objects.count() == entries
    assert "no money was moved" in " ".join(newest.mismatches)
    assert Notification.objects.filter(level="WARNING", title__contains="changed").count() == 1
    assert Verification.objects.get().observed_high_f == 60
    assert settle_all(now=MORNING + DAY).done["settled"] == 0


def test_a_trade_whose_fill_became_known_late_is_still_paid(portfolio):
    event, markets = make_event()
    determine(event, value_f=55)
    settle_all(now=MORNING)
    trade = make_trade(portfolio, markets[2])

    result = settle_all(now=MORNING + DAY)

    trade.refresh_from_db()
    assert trade.status == TradeStatus.WON
    assert result.done["trades"] == result.done["postmortems"] == 1
    assert Settlement.objects.count() == 1


def test_a_quarantined_event_is_paid_once_it_is_determined(portfolio):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    determine(event, value_f=55)
    Event.objects.update(status=Event.Status.QUARANTINED, quarantine_reason="A gap was listed.")

    settle_all(now=MORNING)

    trade.refresh_from_db()
    assert trade.status == TradeStatus.WON


def test_a_score_that_cannot_be_made_holds_up_no_payment(portfolio, monkeypatch):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    determine(event, value_f=55)

    def fails(**kwargs):
        raise DataUnavailable("There is no ladder.")

    monkeypatch.setattr(settle_module, "verify_event", fails)
    result = settle_all(now=MORNING)

    trade.refresh_from_db()
    assert trade.status == TradeStatus.WON
    assert [item.subject for item in result.skipped] == [f"verification of {event.ticker}"]


def test_a_score_that_failed_is_made_in_a_later_run(portfolio, monkeypatch):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    EngineBeliefFactory(prediction=trade.decision.prediction)
    determine(event, value_f=55)

    def fails(**kwargs):
        raise DataUnavailable("There is no ladder.")

    with monkeypatch.context() as patched:
        patched.setattr(settle_module, "verify_event", fails)
        settle_all(now=MORNING)
    later = settle_all(now=MORNING + dt.timedelta(minutes=15))
    again = settle_all(now=MORNING + dt.timedelta(minutes=30))

    assert later.done["verified"] > 0
    assert Verification.objects.filter(event=event, engine="blend").exists()
    assert again.done["verified"] == 0
    assert (later.skipped, again.skipped) == ([], [])


def test_every_settled_trade_has_a_post_mortem_even_after_a_failure(portfolio, monkeypatch):
    event, markets = make_event()
    for market in markets[1:4]:
        make_trade(portfolio, market)
    determine(event, value_f=55)

    def fails(**kwargs):
        raise RuntimeError("no words")

    with monkeypatch.context() as patch:
        patch.setattr(settle_module, "write_post_mortem", fails)
        result = settle_all(now=MORNING)
    assert result.done["trades"] == 3
    assert len(result.skipped) == 3
    assert not PostMortem.objects.exists()

    assert settle_all(now=MORNING).done["postmortems"] == 3
    assert set(PostMortem.objects.values_list("trade", flat=True)) == set(
        Trade.objects.filter(settled_at__isnull=False).values_list("pk", flat=True)
    )


def test_post_mortem_keeps_error_and_luck(portfolio):
    event, markets = make_event()
    make_trade(portfolio, markets[2])
    determine(event, value_f=55)
    settle_all(now=MORNING)

    told = PostMortem.objects.get()

    assert told.forecast_error_f == pytest.approx(-0.6)
    assert told.luck_dollars == Decimal("6.85") - Decimal("1.05")
    assert "42%" in told.why_we_took_it


def test_an_open_trade_gets_no_post_mortem(portfolio):
    event, markets = make_event()
    trade = make_trade(portfolio, markets[2])
    settlement = Settlement.objects.create(
        event=event, version=1, authority="x", results={}, settled_at=MORNING
    )

    with pytest.raises(DataUnavailable, match="only a settled one"):
        write_post_mortem(trade=trade, settlement=settlement, now=MORNING)


def test_a_trade_without_a_prediction_on_record_is_explained_too(portfolio):
    event, markets = make_event()
    make_trade(portfolio, markets[2], with_prediction=False)
    determine(event, value_f=None, winner_f=55)

    result = settle_all(now=MORNING)

    told = PostMortem.objects.get()
    assert told.forecast_error_f is None
    assert "without a temperature" in told.what_happened
    assert result.skipped[0].subject.startswith("verification")


def test_an_unchanged_world_costs_few_queries(portfolio, django_assert_max_num_queries):
    for days in range(6):
        event, markets = make_event(climate_day=dt.date(2024, 11, 10 + days))
        make_trade(portfolio, markets[2], at=NOW - 9 * DAY)
        determine(event, value_f=55)
    settle_all(now=MORNING)

    with django_assert_max_num_queries(7):
        settle_all(now=MORNING)
