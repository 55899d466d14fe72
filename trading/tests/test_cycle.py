from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.errors import CooldownActiveError, InvalidOrderError, RiskLimitError
from boz.core.models import AuditEvent
from markets.models import Event
from markets.tests.factories import NOW, EventFactory, make_ladder
from trading import selectors
from trading.choices import Mode, OrderStatus, TradeStatus
from trading.domain.kernel import decide
from trading.domain.snapshot import Snapshot, stable_hash
from trading.models import Decision, Fill, LedgerEntry, Order, Position, Signal, Trade
from trading.services import orders as order_service
from trading.services.approvals import approve_trade, expire_approvals, reject_trade
from trading.services.booking import book_report
from trading.services.cycle import run_trading_cycle
from trading.services.orders import execute_trade
from trading.services.portfolios import change_limits
from trading.services.protections import set_kill_switch
from trading.services.reconcile import reconcile
from trading.tests.factories import (
    UserFactory,
    make_books,
    make_portfolio,
    make_prediction,
    make_tradeable_event,
    strategy_of,
)

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(minutes=15)


def test_a_cheap_bracket_becomes_a_filled_trade_and_the_books_agree():
    make_tradeable_event()
    portfolio = make_portfolio()

    result = run_trading_cycle(now=NOW)

    assert result.skipped == []
    trade = Trade.objects.filter(status=TradeStatus.EXECUTED).first()
    assert trade is not None
    order = trade.orders.get()
    assert order.status == OrderStatus.FILLED
    position = Position.objects.get(market=trade.market)
    assert (position.count, position.side) == (order.filled_count, trade.side)
    spent = sum(fill.cost_dollars + fill.fee_dollars for fill in Fill.objects.all())
    assert selectors.cash_dollars(portfolio) == Decimal("1000") - spent
    assert selectors.ledger_drift_dollars(portfolio) == 0


def test_the_cycle_run_twice_for_one_moment_decides_once():
    make_tradeable_event()
    make_portfolio()

    run_trading_cycle(now=NOW)
    counts = (Decision.objects.count(), Trade.objects.count(), LedgerEntry.objects.count())
    run_trading_cycle(now=NOW)

    assert (Decision.objects.count(), Trade.objects.count(), LedgerEntry.objects.count()) == counts


def test_the_same_bracket_is_not_bought_again_in_the_next_cycle():
    _, markets = make_tradeable_event()
    make_portfolio()
    run_trading_cycle(now=NOW)
    bought = set(Trade.objects.values_list("market__ticker", flat=True))

    make_books(markets, at=LATER)
    run_trading_cycle(now=LATER)

    assert bought
    later = Trade.objects.filter(created_at=LATER).values_list("market__ticker", flat=True)
    assert bought.isdisjoint(later)
    assert Order.objects.count() == Trade.objects.count()


def test_one_unfilled_order_does_not_roll_back_the_books_of_the_others(monkeypatch):
    make_tradeable_event()
    portfolio = make_portfolio()
    real_place, calls = order_service.get_venue("paper").place, []

    class SecondFails:
        def place(self, *, order, now):
            calls.append(order.client_order_id)
            if len(calls) == 2:
                raise TimeoutError("no answer")
            return real_place(order=order, now=now)

    monkeypatch.setattr(order_service, "get_venue", lambda name, **_: SecondFails())

    run_trading_cycle(now=NOW)

    statuses = set(Order.objects.values_list("status", flat=True))
    assert statuses == {OrderStatus.FILLED, OrderStatus.UNKNOWN}
    assert Position.objects.filter(count__gt=0).count() == 1
    assert selectors.ledger_drift_dollars(portfolio) == 0


def test_an_unknown_order_keeps_its_exposure_until_the_venue_tells(monkeypatch):
    make_tradeable_event()
    portfolio = make_portfolio()
    real = order_service.get_venue("paper")

    class Silent:
        def place(self, *, order, now):
            raise TimeoutError("no answer")

    monkeypatch.setattr(order_service, "get_venue", lambda name, **_: Silent())
    run_trading_cycle(now=NOW)
    reserved = sum(Trade.objects.values_list("reserved_dollars", flat=True))

    assert reserved > 0
    assert selectors.exposure_dollars(portfolio) == reserved
    assert not Fill.objects.exists()

    monkeypatch.setattr(order_service, "get_venue", lambda name, **_: real)
    result = reconcile(now=LATER)

    assert result.done["adopted"] == Order.objects.count()
    assert set(Trade.objects.values_list("status", flat=True)) == {TradeStatus.EXECUTED}
    assert selectors.ledger_drift_dollars(portfolio) == 0


def test_an_intent_that_was_never_sent_is_proven_so_and_decided_anew(monkeypatch):
    make_tradeable_event()
    make_portfolio()
    monkeypatch.setattr(
        order_service, "_mark_sending", lambda order, *, now: (_ for _ in ()).throw(SystemExit(9))
    )
    with pytest.raises(SystemExit):
        run_trading_cycle(now=NOW)
    assert Order.objects.get().status == OrderStatus.INTENT
    monkeypatch.undo()

    result = reconcile(now=LATER)

    assert result.done["not_sent"] == 1
    assert Order.objects.get().status == OrderStatus.NOT_SENT
    assert not Fill.objects.exists()


def test_a_fill_delivered_twice_is_booked_once():
    make_tradeable_event()
    portfolio = make_portfolio()
    run_trading_cycle(now=NOW)
    order = Order.objects.first()
    before = (Fill.objects.count(), selectors.cash_dollars(portfolio))

    report = order_service.get_venue("paper").place(
        order=order_service.venue_order(order), now=order.sent_at
    )
    book_report(order_id=order.pk, report=report, now=LATER)

    assert (Fill.objects.count(), selectors.cash_dollars(portfolio)) == before
    assert Position.objects.get(market=order.trade.market).count == order.filled_count


def test_a_stored_snapshot_replays_to_the_stored_decision():
    make_tradeable_event()
    make_portfolio()
    run_trading_cycle(now=NOW)
    decision = Decision.objects.get()

    snapshot = Snapshot.model_validate(decision.snapshot)

    assert stable_hash(snapshot) == decision.snapshot_hash
    assert stable_hash(decide(snapshot)) == decision.outcome_hash


def test_every_market_gets_a_signal_with_reasons():
    _, markets = make_tradeable_event()
    make_portfolio()

    run_trading_cycle(now=NOW)

    signals = list(Signal.objects.all())
    assert len(signals) == len(markets)
    assert all(signal.reasons for signal in signals)
    assert {signal.direction for signal in signals} == {"buy", "hold"}


def test_a_quarantined_event_is_left_alone_while_the_other_trades():
    make_tradeable_event()
    other = EventFactory(
        climate_day=dt.date(2024, 11, 16),
        status=Event.Status.QUARANTINED,
        quarantine_reason="There is a gap between 53 and 55.",
    )
    markets = make_ladder(event=other, open_time=NOW - dt.timedelta(hours=1))
    make_books(markets)
    make_prediction(other)
    make_portfolio()

    run_trading_cycle(now=NOW)

    assert Trade.objects.exists()
    assert not Trade.objects.filter(event=other).exists()


def test_without_a_prediction_the_event_is_skipped_with_the_reason():
    make_books(make_ladder())
    make_portfolio()

    run_trading_cycle(now=NOW)

    assert "no prediction" in Decision.objects.get().stand_down
    assert not Trade.objects.exists()


def test_an_old_prediction_is_not_acted_on():
    make_tradeable_event(as_of=NOW - dt.timedelta(hours=3))
    make_portfolio()

    run_trading_cycle(now=NOW)

    assert "180 minutes old" in Decision.objects.get().stand_down


def test_nothing_trades_blind_once_the_day_is_visible():
    _, markets = make_tradeable_event()
    noon = dt.datetime(2024, 11, 15, 17, 0, tzinfo=dt.UTC)
    make_books(markets, at=noon)
    make_prediction(markets[0].event, as_of=noon)
    make_portfolio()

    run_trading_cycle(now=noon)

    assert "no observation" in Decision.objects.get().stand_down


def test_climatology_alone_is_not_traded_on():
    make_tradeable_event(weight_present=0.0)
    make_portfolio()

    run_trading_cycle(now=NOW)

    assert "no forecast of this day" in Decision.objects.get().stand_down
    assert not Trade.objects.exists()


@pytest.mark.parametrize(("sd_f", "acts"), [(2.5, False), (1.0, True)])
def test_without_a_forecast_only_a_day_that_observations_have_settled_is_traded(sd_f, acts):
    _, markets = make_tradeable_event()
    afternoon = dt.datetime(2024, 11, 15, 20, 0, tzinfo=dt.UTC)
    make_books(markets, at=afternoon)
    make_prediction(
        markets[0].event,
        as_of=afternoon,
        mean_f=54.5,
        sd_f=sd_f,
        weight_present=0.0,
        observed_max_low_f=54,
        observed_until=afternoon - dt.timedelta(minutes=9),
    )
    make_portfolio()

    run_trading_cycle(now=afternoon)

    assert Trade.objects.exists() == acts


def test_a_thermometer_that_fell_silent_is_no_observation_of_the_day():
    _, markets = make_tradeable_event()
    afternoon = dt.datetime(2024, 11, 15, 20, 0, tzinfo=dt.UTC)
    make_books(markets, at=afternoon)
    make_prediction(
        markets[0].event,
        as_of=afternoon,
        observed_max_low_f=50,
        observed_until=dt.datetime(2024, 11, 15, 6, 51, tzinfo=dt.UTC),
    )
    make_portfolio()

    run_trading_cycle(now=afternoon)

    assert "no observation of it since 06:51 UTC" in Decision.objects.get().stand_down
    assert not Trade.objects.exists()


def test_a_book_from_the_future_is_not_seen():
    markets = make_ladder()
    make_prediction(markets[0].event)
    make_books(markets, at=LATER)
    make_portfolio()

    run_trading_cycle(now=NOW)

    assert not Trade.objects.exists()
    assert "no fresh book" in Decision.objects.get().stand_down


# --- approval -----------------------------------------------------------------------------------


@pytest.fixture
def waiting() -> Trade:
    make_tradeable_event()
    make_portfolio(mode=Mode.MANUAL)
    run_trading_cycle(now=NOW)
    trade = Trade.objects.filter(status=TradeStatus.PENDING).first()
    assert trade is not None
    return trade


def test_in_manual_mode_nothing_leaves_before_a_person_approves(waiting):
    assert not Order.objects.exists()

    trade = approve_trade(trade_id=waiting.pk, user=waiting.portfolio.owner, now=NOW)

    assert trade.status == TradeStatus.EXECUTED
    assert trade.decided_by == waiting.portfolio.owner
    assert AuditEvent.objects.filter(action="trade.approve").count() == 1


def test_approval_clicked_twice_places_one_order(waiting):
    approve_trade(trade_id=waiting.pk, user=waiting.portfolio.owner, now=NOW)

    with pytest.raises(InvalidOrderError, match="no longer waits"):
        approve_trade(trade_id=waiting.pk, user=waiting.portfolio.owner, now=NOW)

    assert Order.objects.filter(trade=waiting).count() == 1


def test_approval_is_refused_when_the_price_has_moved(waiting):
    make_books(
        list(waiting.event.markets.all()),
        at=LATER,
        cents=((1, 98), (4, 95), (12, 87), (38, 60), (36, 62), (8, 90)),
    )
    make_prediction(waiting.event, as_of=LATER)

    with pytest.raises(RiskLimitError):
        approve_trade(trade_id=waiting.pk, user=waiting.portfolio.owner, now=LATER)

    assert not Order.objects.exists()


def test_approval_is_refused_when_a_limit_was_used_up_meanwhile(waiting):
    change_limits(
        portfolio=waiting.portfolio,
        user=waiting.portfolio.owner,
        now=NOW,
        reason="less risk",
        max_daily_exposure_dollars=Decimal("0"),
    )

    with pytest.raises(RiskLimitError, match="exposure"):
        approve_trade(trade_id=waiting.pk, user=waiting.portfolio.owner, now=NOW)

    assert not Order.objects.exists()


def test_approval_is_refused_on_stale_books(waiting):
    with pytest.raises(RiskLimitError, match="no fresh book"):
        approve_trade(
            trade_id=waiting.pk,
            user=waiting.portfolio.owner,
            now=NOW + dt.timedelta(minutes=25),
        )


def test_a_trade_expires_unapproved_and_frees_what_it_reserved(waiting):
    assert selectors.exposure_dollars(waiting.portfolio) > 0
    late = waiting.expires_at

    with pytest.raises(InvalidOrderError, match="expired"):
        approve_trade(trade_id=waiting.pk, user=waiting.portfolio.owner, now=late)
    expire_approvals(now=late)

    waiting.refresh_from_db()
    assert waiting.status == TradeStatus.EXPIRED
    assert selectors.exposure_dollars(waiting.portfolio) == 0


def test_a_rejected_trade_is_not_proposed_again_for_that_day(waiting):
    reject_trade(trade_id=waiting.pk, user=waiting.portfolio.owner, now=NOW, reason="no")
    make_books(list(waiting.event.markets.all()), at=LATER)

    run_trading_cycle(now=LATER)

    assert not Trade.objects.filter(market=waiting.market).exclude(pk=waiting.pk).exists()
    later = Decision.objects.get(as_of=LATER)
    assert "rejected" in {item["code"] for item in later.outcome["stand_downs"]}


def test_a_stranger_may_neither_approve_nor_reject(waiting):
    stranger = UserFactory(username="stranger")

    for verdict in (approve_trade, reject_trade):
        extra = {} if verdict is approve_trade else {"reason": "no"}
        with pytest.raises(Exception, match="may not"):
            verdict(trade_id=waiting.pk, user=stranger, now=NOW, **extra)

    waiting.refresh_from_db()
    assert waiting.status == TradeStatus.PENDING


# --- the gate -----------------------------------------------------------------------------------


def test_the_kill_switch_stops_a_trade_approved_before_it(waiting):
    Trade.objects.filter(pk=waiting.pk).update(status=TradeStatus.APPROVED)
    set_kill_switch(is_on=True, actor="owner", reason="alarm", now=NOW)

    with pytest.raises(CooldownActiveError, match="kill switch"):
        execute_trade(trade_id=waiting.pk, now=NOW)

    waiting.refresh_from_db()
    assert waiting.status == TradeStatus.CANCELLED
    assert not Order.objects.exists()


def test_waiting_trades_count_as_exposure_so_a_second_cycle_cannot_pass_the_limit():
    _, markets = make_tradeable_event()
    portfolio = make_portfolio(mode=Mode.MANUAL, max_daily_exposure_dollars=Decimal("1.50"))
    run_trading_cycle(now=NOW)
    make_books(markets, at=LATER)

    run_trading_cycle(now=LATER)

    assert 0 < selectors.exposure_dollars(portfolio) <= Decimal("1.50")


def test_no_positions_count_as_exposure_like_yes_positions():
    make_tradeable_event(mean_f=50.0)
    portfolio = make_portfolio()
    run_trading_cycle(now=NOW)

    held = Position.objects.filter(side="no")

    assert held.exists()
    assert selectors.exposure_dollars(portfolio) == sum(
        position.cost_dollars for position in Position.objects.all()
    )


def test_a_strategy_with_unusable_parameters_is_skipped_and_says_so():
    make_tradeable_event()
    portfolio = make_portfolio()
    strategy = strategy_of(portfolio)
    strategy.parameters = {"kelly_fraction": 7}
    strategy.save()

    result = run_trading_cycle(now=NOW)

    assert [item.subject for item in result.skipped] == [str(strategy)]
    assert "kelly_fraction" in result.skipped[0].reason
