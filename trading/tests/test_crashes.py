"""What a crash, a second worker or a lying venue must not be able to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import transaction

from boz.core.errors import (
    BozBaseException,
    CooldownActiveError,
    InsufficientBalanceError,
    InvalidOrderError,
)
from boz.core.models import Notification
from markets.models import BookSnapshot, Event, Market
from markets.tests.factories import NOW, EventFactory, make_ladder
from markets.venues import VenueFill, VenueReport, get_venue
from trading import selectors
from trading.choices import Mode, OrderStatus, TradeStatus, Venue
from trading.models import Fill, KillSwitch, LedgerEntry, Order, Portfolio, Position, Trade
from trading.services import orders as order_service
from trading.services import reconcile as reconcile_service
from trading.services.booking import book_report, mark_not_sent
from trading.services.cycle import run_trading_cycle
from trading.services.ledger import post_deposit
from trading.services.orders import execute_trade
from trading.services.protections import set_kill_switch
from trading.services.reconcile import grace, reconcile
from trading.services.risk import locked_portfolio, require_admission
from trading.services.settling import settle_trades
from trading.tests.factories import (
    make_books,
    make_portfolio,
    make_prediction,
    make_tradeable_event,
)

pytestmark = pytest.mark.django_db
LATER = NOW + dt.timedelta(minutes=20)


@pytest.fixture
def approved() -> Trade:
    """A trade that was approved and for which no order was made yet."""
    make_tradeable_event()
    make_portfolio(mode=Mode.MANUAL)
    run_trading_cycle(now=NOW)
    trade = Trade.objects.order_by("pk").first()
    trade.status, trade.decided_at = TradeStatus.APPROVED, NOW
    trade.save()
    return trade


class Scripted:
    """A venue that answers what it is told."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = 0

    def place(self, *, order, now):
        self.asked += 1
        return self.answer(order, now)

    def orders(self, *, placed, now):
        self.asked += 1
        return {item.order.client_order_id: self.answer(item.order, now) for item in placed}


def silent(order, now):
    raise TimeoutError("no answer")


def use(monkeypatch, venue) -> None:
    monkeypatch.setattr(order_service, "get_venue", lambda name, **_: venue)
    monkeypatch.setattr(reconcile_service, "get_venue", lambda name, **_: venue)


def report(order, status="filled", fills=(), **changes) -> VenueReport:
    made = VenueReport("accepted", f"venue-{order.client_order_id}", status, tuple(fills))
    return replace(made, **changes)


def fill(order, count=None, price=None, name="a") -> VenueFill:
    return VenueFill(
        venue_trade_id=f"{order.client_order_id}-{name}",
        at=NOW,
        price_dollars=order.price_dollars if price is None else Decimal(price),
        count=order.count if count is None else Decimal(count),
        fee_dollars=Decimal("0.01"),
        is_taker=True,
    )


# --- between intent and answer -------------------------------------------------------------------


def test_an_order_taken_back_before_sending_never_reaches_the_venue(approved, monkeypatch):
    venue = Scripted(lambda order, now: report(order, fills=[fill(order)]))
    use(monkeypatch, venue)
    commit = order_service._commit_intent

    def commit_and_lose_the_race(**kwargs):
        order = commit(**kwargs)
        assert mark_not_sent(
            order_id=order.pk, proven_from=OrderStatus.INTENT, reason="taken back", now=NOW
        )
        return order

    monkeypatch.setattr(order_service, "_commit_intent", commit_and_lose_the_race)

    with pytest.raises(InvalidOrderError, match="taken back"):
        execute_trade(trade_id=approved.pk, now=NOW)

    assert venue.asked == 0
    assert not Fill.objects.exists()


def test_a_proof_about_an_intent_says_nothing_once_it_is_being_sent(approved, monkeypatch):
    use(monkeypatch, Scripted(silent))
    order = execute_trade(trade_id=approved.pk, now=NOW)
    assert order.status == OrderStatus.UNKNOWN

    held = mark_not_sent(
        order_id=order.pk, proven_from=OrderStatus.INTENT, reason="never sent", now=LATER
    )

    assert not held
    order.refresh_from_db()
    assert order.status == OrderStatus.UNKNOWN
    assert selectors.exposure_dollars(approved.portfolio) > 0


def test_nothing_is_proven_before_a_job_must_have_ended():
    assert grace() > dt.timedelta(seconds=settings.Q_CLUSTER["timeout"])


def test_the_kill_switch_stops_an_order_between_intent_and_sending(approved, monkeypatch):
    venue = Scripted(lambda order, now: report(order, fills=[fill(order)]))
    use(monkeypatch, venue)
    commit = order_service._commit_intent

    def commit_then_alarm(**kwargs):
        order = commit(**kwargs)
        set_kill_switch(is_on=True, actor="ann", reason="alarm", now=NOW)
        return order

    monkeypatch.setattr(order_service, "_commit_intent", commit_then_alarm)

    with pytest.raises(CooldownActiveError):
        execute_trade(trade_id=approved.pk, now=NOW)

    assert venue.asked == 0
    approved.refresh_from_db()
    assert approved.status == TradeStatus.CANCELLED
    assert selectors.exposure_dollars(approved.portfolio) == sum(
        Trade.objects.filter(status=TradeStatus.PENDING).values_list("reserved_dollars", flat=True)
    )


def test_an_approved_trade_that_never_got_an_order_is_ended_and_frees_its_market(approved):
    assert reconcile(now=NOW + dt.timedelta(minutes=1)).done["never_ordered"] == 0

    done = reconcile(now=NOW + grace()).done

    approved.refresh_from_db()
    assert done["never_ordered"] == 1
    assert (approved.status, approved.reserved_dollars) == (TradeStatus.CANCELLED, 0)


def test_one_refused_trade_does_not_strand_the_next_one(monkeypatch):
    make_tradeable_event()
    make_portfolio()
    real, asked = order_service.require_admission, []

    def refuse_the_first(**kwargs):
        asked.append(1)
        if len(asked) == 1:
            raise BozBaseException("Not this one.")
        return real(**kwargs)

    monkeypatch.setattr(order_service, "require_admission", refuse_the_first)

    result = run_trading_cycle(now=NOW)

    assert [item.reason for item in result.skipped] == ["Not this one."]
    assert set(Trade.objects.values_list("status", flat=True)) == {
        TradeStatus.CANCELLED,
        TradeStatus.EXECUTED,
    }


def test_settlement_ends_an_approved_trade_without_an_order(approved):
    settle_trades(event=approved.event, results={}, now=LATER)

    approved.refresh_from_db()
    assert approved.status == TradeStatus.CANCELLED


def test_a_fill_of_an_ended_trade_is_booked_told_and_paid(approved, monkeypatch):
    use(monkeypatch, Scripted(silent))
    order = execute_trade(trade_id=approved.pk, now=NOW)
    mark_not_sent(
        order_id=order.pk, proven_from=OrderStatus.UNKNOWN, reason="venue denied it", now=LATER
    )

    order.refresh_from_db()
    book_report(order_id=order.pk, report=report(order, fills=[fill(order)]), now=LATER)
    Market.objects.filter(pk=approved.market_id).update(result=approved.side)
    settled = settle_trades(
        event=approved.event,
        results={approved.market.ticker: approved.side == "yes"},
        now=LATER,
    )

    assert [trade.pk for trade in settled] == [approved.pk]
    assert settled[0].status == TradeStatus.WON
    assert selectors.ledger_drift_dollars(approved.portfolio) == 0
    assert Notification.objects.filter(subject_key=f"late-fill:{approved.pk}").exists()


# --- a venue that contradicts itself -------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda order, now: report(order, status="filled"),
        lambda order, now: report(order, fills=[fill(order, price="0.99")]),
        lambda order, now: report(order, fills=[fill(order, count=order.count + 1)]),
        lambda order, now: report(order, status="vanished"),
        lambda order, now: report(
            order, fills=[replace(fill(order), fee_dollars=Decimal("-0.0086"))]
        ),
    ],
    ids=[
        "filled without fills",
        "above the limit",
        "more than ordered",
        "unknown word",
        "a fee below nothing",
    ],
)
def test_a_report_that_cannot_be_true_leaves_the_order_unknown(approved, monkeypatch, answer):
    use(monkeypatch, Scripted(answer))

    order = execute_trade(trade_id=approved.pk, now=NOW)

    assert order.status == OrderStatus.UNKNOWN
    assert order.status_reason
    assert not Fill.objects.exists()
    approved.refresh_from_db()
    assert approved.reserved_dollars == approved.max_cost_dollars


def test_a_resting_order_of_which_the_venue_says_what_cannot_be_true_is_told(approved, monkeypatch):
    use(monkeypatch, Scripted(lambda order, now: report(order, "resting")))
    order = execute_trade(trade_id=approved.pk, now=NOW)
    assert order.status == OrderStatus.RESTING
    assert not Notification.objects.exists()
    use(monkeypatch, Scripted(lambda order, now: report(order, "filled")))

    reconcile(now=LATER)
    reconcile(now=LATER)

    order.refresh_from_db()
    assert order.status == OrderStatus.RESTING
    (told,) = Notification.objects.all()
    assert "only 0.00 of 6.00 contracts" in told.body


def test_the_same_partial_report_twice_does_not_shrink_the_reservation_twice(approved, monkeypatch):
    approved.count, approved.max_cost_dollars = Decimal("4"), Decimal("1.0000")
    approved.portfolio.max_trade_size_dollars = Decimal("5")
    approved.portfolio.save()
    approved.save()
    use(monkeypatch, Scripted(lambda o, now: report(o, "resting", [fill(o, count="1")])))
    order = execute_trade(trade_id=approved.pk, now=NOW)
    same = report(order, "resting", [fill(order, count="1")])

    book_report(order_id=order.pk, report=same, now=LATER)
    book_report(order_id=order.pk, report=same, now=LATER)

    approved.refresh_from_db()
    assert approved.reserved_dollars == Decimal("0.7500")


# --- limits --------------------------------------------------------------------------------------


def test_orders_of_unknown_outcome_are_cash_already_spoken_for(monkeypatch):
    make_tradeable_event()
    portfolio = make_portfolio(deposit="20.00")
    use(monkeypatch, Scripted(silent))
    run_trading_cycle(now=NOW)
    assert Order.objects.filter(status=OrderStatus.UNKNOWN).exists()
    free = selectors.free_cash_dollars(portfolio)
    assert free < selectors.cash_dollars(portfolio) == 20
    Portfolio.objects.update(max_trade_size_dollars=30, max_daily_exposure_dollars=100)

    with pytest.raises(InsufficientBalanceError), transaction.atomic():
        require_admission(
            portfolio=locked_portfolio(portfolio.pk), cost_dollars=free + 1, now=LATER
        )


def test_a_book_that_moves_up_to_the_limit_cannot_cost_more_than_was_reserved(approved):
    BookSnapshot.objects.all().delete()
    limit = approved.limit_price_dollars
    other = [[f"{1 - limit:.4f}", "500.00"]]
    sides = (
        {"yes_bids": [], "no_bids": other}
        if approved.side == "yes"
        else {
            "yes_bids": other,
            "no_bids": [],
        }
    )
    BookSnapshot.objects.create(market=approved.market, at=NOW, available_at=NOW, **sides)

    execute_trade(trade_id=approved.pk, now=NOW)

    spent = sum(item.cost_dollars + item.fee_dollars for item in Fill.objects.all())
    assert 0 < spent <= approved.max_cost_dollars <= Decimal("1.00")


def test_turning_the_kill_switch_on_counts_even_when_a_clock_ran_ahead():
    KillSwitch.objects.create(is_on=False, reason="was off", actor="a", at=LATER)

    set_kill_switch(is_on=True, actor="ann", reason="alarm", now=NOW)

    assert selectors.kill_switch_is_on()


def test_a_venue_that_cannot_be_used_here_is_a_refusal_and_not_an_unknown_order(approved):
    Portfolio.objects.update(venue=Venue.DEMO)
    Trade.objects.filter(pk=approved.pk).update(venue=Venue.DEMO)

    with pytest.raises(BozBaseException):
        execute_trade(trade_id=approved.pk, now=NOW)

    assert not Order.objects.exists()


def test_a_trade_decided_on_paper_never_becomes_an_order_elsewhere(approved):
    Portfolio.objects.update(venue=Venue.DEMO)

    with pytest.raises(InvalidOrderError, match="moved to"):
        execute_trade(trade_id=approved.pk, now=NOW)

    assert not Order.objects.exists()


# --- one bad subject -----------------------------------------------------------------------------


def test_a_malformed_book_costs_one_event_and_not_the_cycle():
    _, broken = make_tradeable_event()
    BookSnapshot.objects.filter(market=broken[0]).update(yes_bids=[["nonsense", "1"]])
    sound = EventFactory(climate_day=dt.date(2024, 11, 16))
    markets = make_ladder(event=sound, open_time=NOW - dt.timedelta(hours=1))
    make_books(markets)
    make_prediction(sound)
    make_portfolio()

    result = run_trading_cycle(now=NOW)

    assert len(result.skipped) == 1
    assert Trade.objects.filter(event=sound).exists()
    assert Event.objects.count() == 2


def test_one_order_that_cannot_be_asked_about_does_not_stop_the_others(monkeypatch):
    make_tradeable_event()
    make_portfolio()
    use(monkeypatch, Scripted(silent))
    run_trading_cycle(now=NOW)
    assert Order.objects.count() == 2
    paper, first = get_venue("paper"), Order.objects.order_by("pk").first().client_order_id

    class Flaky:
        def orders(self, *, placed, now):
            if placed[0].order.client_order_id == first:
                raise TimeoutError("no answer")
            return paper.orders(placed=placed, now=now)

    use(monkeypatch, Flaky())

    result = reconcile(now=LATER)

    assert (result.done["adopted"], result.done["still_unknown"]) == (1, 1)
    assert [item.subject for item in result.skipped] == [first]


def test_a_position_that_differs_from_its_fills_is_told():
    make_tradeable_event()
    make_portfolio()
    run_trading_cycle(now=NOW)
    Position.objects.update(count=Decimal("99"))

    result = reconcile(now=LATER)

    assert result.done["drifting"] == Position.objects.count()
    assert "its fills make" in result.skipped[0].reason


def test_thousands_of_odd_amounts_add_up_without_a_trace_of_binary_fractions():
    portfolio = make_portfolio(deposit="0")
    for number in range(3000):
        post_deposit(
            portfolio=portfolio,
            amount_dollars=Decimal("33.333333") + Decimal(number) / 1_000_000,
            at=NOW,
            reference=str(number),
        )

    exact = sum(LedgerEntry.objects.values_list("amount_dollars", flat=True))
    assert selectors.cash_dollars(portfolio) == exact
    assert selectors.ledger_drift_dollars(portfolio) == 0
