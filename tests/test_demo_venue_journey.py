"""Orders for the exchange's demo: they leave once, whatever breaks, and end in books that agree."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.test import override_settings

from boz.core.errors import (
    BozBaseException,
    CooldownActiveError,
    InvalidDataError,
    InvalidOrderError,
    OperatorActionRequired,
)
from boz.core.models import AuditEvent, Notification
from boz.core.schemas import Side
from markets.models import Market
from markets.tests.account_exchange import AccountExchange, install_fake
from markets.tests.factories import NOW
from markets.venues import VenueReport
from trading import selectors
from trading.choices import Mode, OrderStatus, TradeStatus, Venue
from trading.models import Fill, Order, Portfolio, Position, Trade
from trading.services import booking
from trading.services import orders as order_service
from trading.services import reconcile as reconcile_service
from trading.services.booking import book_report
from trading.services.cycle import run_trading_cycle
from trading.services.orders import execute_trade
from trading.services.portfolios import change_limits, choose_venue, open_portfolio
from trading.services.protections import set_kill_switch
from trading.services.reconcile import grace, reconcile
from trading.services.settling import settle_trades
from trading.tests.factories import UserFactory, make_portfolio, make_tradeable_event

# Orders for a real venue leave outside of any transaction only.
pytestmark = pytest.mark.django_db(transaction=True)

SOON = NOW + dt.timedelta(minutes=1)
LATER = NOW + grace() + dt.timedelta(minutes=1)


class Killed(BaseException):
    """The process ends here: nothing catches it, as nothing catches kill -9."""


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch, db: Any) -> AccountExchange:
    made = AccountExchange()
    install_fake(monkeypatch, made)
    return made


@pytest.fixture
def portfolio(exchange: AccountExchange) -> Portfolio:
    made = make_portfolio(mode=Mode.MANUAL, deposit="100")
    return choose_venue(
        portfolio=made, user=made.owner, venue=Venue.DEMO, reason="to try it", now=NOW
    )


@pytest.fixture
def trade(portfolio: Portfolio) -> Trade:
    """An approved trade for the demo, with no order yet."""
    make_tradeable_event()
    run_trading_cycle(now=NOW)
    chosen = Trade.objects.order_by("pk").first()
    assert chosen is not None
    chosen.status, chosen.decided_at = TradeStatus.APPROVED, NOW
    chosen.save()
    return chosen


@pytest.fixture(autouse=True)
def _books_agree(db: Any) -> Iterator[None]:
    """Whatever a test does: no drift, positions as filled, at most one order at the exchange."""
    yield
    for portfolio in Portfolio.objects.all():
        assert selectors.ledger_drift_dollars(portfolio) == 0
        assert reconcile_service.book_differences(portfolio) == []


def _is_create(request: httpx.Request) -> bool:
    return request.method == "POST"


def _no_answer(*_: Any) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


def _answers_lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return _no_answer() if _is_create(request) else response


def _nothing_answers(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """Everything that is signed gets lost; what was sent is executed all the same."""
    return response if "exchange/" in request.url.path else _no_answer()


def _require_one_order(exchange: AccountExchange, trade: Trade) -> Order:
    """The exchange has one order, we have it too, filled, paid and held."""
    assert len(exchange.orders) == len(exchange.writes()) == 1
    (order,) = Order.objects.all()
    (theirs,) = exchange.orders.values()
    assert (order.status, order.venue_order_id) == (OrderStatus.FILLED, theirs["order_id"])
    assert order.filled_count == Decimal(theirs["fill_count_fp"]) == order.count
    assert Fill.objects.count() == len(exchange.fills)
    paid = sum(fill.cost_dollars + fill.fee_dollars for fill in Fill.objects.all())
    assert selectors.cash_dollars(trade.portfolio) == Decimal(100) - paid
    (position,) = Position.objects.all()
    assert (position.count, position.side) == (order.count, theirs["outcome_side"])
    trade.refresh_from_db()
    assert (trade.status, trade.reserved_dollars) == (TradeStatus.EXECUTED, 0)
    return order


def _state_at_venue(order: Order) -> VenueReport:
    """Return the present state of an order as a venue would report it."""
    return order_service.get_venue("demo").orders(
        placed=[
            reconcile_service.PlacedOrder(
                order_service.venue_order(order), NOW, order.venue_order_id
            )
        ],
        now=NOW,
    )[order.client_order_id]


# --- the way of an order -------------------------------------------------------------------------


def test_an_order_leaves_is_filled_booked_compared_and_settled(exchange, trade):
    execute_trade(trade_id=trade.pk, now=NOW)

    _require_one_order(exchange, trade)
    assert reconcile(now=LATER).skipped == []
    Market.objects.filter(pk=trade.market_id).update(result=trade.side)
    results = {trade.market.ticker: trade.side == "yes"}
    (settled,) = settle_trades(event=trade.event, results=results, now=LATER)
    assert settled.status == TradeStatus.WON
    assert settled.pnl_dollars > 0


def test_a_partial_fill_leaves_the_rest_cancelled(exchange, trade):
    Trade.objects.filter(pk=trade.pk).update(
        count=Decimal(60), max_cost_dollars=Decimal(60), reserved_dollars=Decimal(60)
    )
    Portfolio.objects.update(max_trade_size_dollars=90, max_daily_exposure_dollars=90)

    order = execute_trade(trade_id=trade.pk, now=NOW)

    assert (order.status, order.filled_count) == (OrderStatus.CANCELLED, Decimal(50))
    trade.refresh_from_db()
    assert (trade.status, trade.reserved_dollars) == (TradeStatus.EXECUTED, 0)
    assert reconcile(now=LATER).skipped == []


# --- the process ends ----------------------------------------------------------------------------


def _killed(*args: Any, **kwargs: Any) -> Any:
    raise Killed


def test_killed_between_intent_and_sending_nothing_was_ordered(exchange, trade, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(order_service, "_mark_sending", _killed)
        execute_trade(trade_id=trade.pk, now=NOW)

    assert reconcile(now=SOON).done["not_sent"] == 0
    done = reconcile(now=LATER).done

    assert done["not_sent"] == 1
    assert exchange.writes() == []
    trade.refresh_from_db()
    assert (trade.status, trade.reserved_dollars) == (TradeStatus.CANCELLED, 0)


def test_killed_right_before_the_request_absence_is_proven(exchange, trade, monkeypatch):
    venue = order_service.get_venue("demo")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(type(venue), "place", _killed)
        execute_trade(trade_id=trade.pk, now=NOW)

    assert Order.objects.get().status == OrderStatus.SENDING
    done = reconcile(now=LATER).done

    assert done["not_sent"] == 1
    assert Order.objects.get().status == OrderStatus.NOT_SENT
    assert selectors.reserved_dollars(trade.portfolio) == sum(
        other.reserved_dollars for other in Trade.objects.exclude(pk=trade.pk)
    )


@pytest.mark.parametrize("point", ["book_report", "_book_fills", "post_fill", "_follow_order"])
def test_killed_after_the_exchange_filled_the_order_is_adopted_once(
    exchange, trade, monkeypatch, point
):
    module = order_service if point == "book_report" else booking
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, point, _killed)
        execute_trade(trade_id=trade.pk, now=NOW)

    assert Order.objects.get().status == OrderStatus.SENDING
    assert not Fill.objects.exists()
    assert reconcile(now=SOON).done["adopted"] == 0
    first, second = reconcile(now=LATER), reconcile(now=LATER)

    assert (first.done["adopted"], second.done["adopted"]) == (1, 0)
    _require_one_order(exchange, trade)


# --- the answer is lost --------------------------------------------------------------------------


def test_a_lost_answer_is_found_out_at_once(exchange, trade):
    exchange.break_answer = _answers_lost

    execute_trade(trade_id=trade.pk, now=NOW)

    _require_one_order(exchange, trade)


def test_an_unknown_order_is_told_reserved_never_sent_again_and_adopted(exchange, trade):
    order_service.get_venue("demo")._connection.try_out(now=NOW)  # the outage begins after it
    exchange.break_answer = _nothing_answers
    reserved = selectors.exposure_dollars(trade.portfolio)

    order = execute_trade(trade_id=trade.pk, now=NOW)

    assert order.status == OrderStatus.UNKNOWN
    assert selectors.exposure_dollars(trade.portfolio) == reserved
    assert Notification.objects.filter(
        subject_key=f"unknown-order:{order.client_order_id}"
    ).exists()
    with pytest.raises(InvalidOrderError, match="already under way"):
        execute_trade(trade_id=trade.pk, now=SOON)
    outage = reconcile(now=LATER)
    assert (outage.done["still_unknown"], outage.done["not_sent"]) == (1, 0)

    exchange.break_answer = None
    assert reconcile(now=LATER).done["adopted"] == 1
    _require_one_order(exchange, trade)


def test_an_order_that_never_arrived_is_released_after_the_grace_only(exchange, trade):
    exchange.before = lambda request: _no_answer() if _is_create(request) else None

    order = execute_trade(trade_id=trade.pk, now=NOW)

    assert order.status == OrderStatus.UNKNOWN
    assert reconcile(now=SOON).done["still_unknown"] == 1
    assert reconcile(now=LATER).done["not_sent"] == 1
    trade.refresh_from_db()
    assert (trade.status, trade.reserved_dollars) == (TradeStatus.CANCELLED, 0)
    assert exchange.orders == {}


def test_a_list_with_a_hole_releases_nothing(exchange, trade):
    exchange.before = lambda request: _no_answer() if _is_create(request) else None
    execute_trade(trade_id=trade.pk, now=NOW)
    foreign = exchange.add_order(
        ticker=trade.market.ticker, side=Side.YES, count=Decimal(3), status="executed"
    )
    exchange.add_fill(foreign, count=Decimal(3), price=Decimal("0.3"), fee=Decimal(0))
    exchange.break_answer = lambda request, response: (
        httpx.Response(200, json={"fills": [], "cursor": ""})
        if request.url.path.endswith("/portfolio/fills")
        else response
    )

    assert reconcile(now=LATER).done["still_unknown"] == 1

    exchange.break_answer = None
    assert reconcile(now=LATER).done["not_sent"] == 1


# --- resting orders ------------------------------------------------------------------------------


def test_a_resting_order_is_followed_across_restarts_fill_by_fill(exchange, trade, monkeypatch):
    def rests(order: Order) -> Any:
        return dataclasses.replace(original(order), time_in_force="good_till_canceled")

    original = order_service.venue_order
    monkeypatch.setattr(order_service, "venue_order", rests)
    monkeypatch.setattr(reconcile_service, "venue_order", rests)
    Trade.objects.filter(pk=trade.pk).update(
        count=Decimal(60), max_cost_dollars=Decimal(60), reserved_dollars=Decimal(60)
    )
    Portfolio.objects.update(max_trade_size_dollars=90, max_daily_exposure_dollars=90)

    order = execute_trade(trade_id=trade.pk, now=NOW)
    assert (order.status, order.filled_count) == (OrderStatus.PARTLY_FILLED, Decimal(50))
    stale = _state_at_venue(order)
    for count in (Decimal(4), Decimal(6)):
        exchange.add_fill(
            order.venue_order_id,
            count=count,
            price=order.price_dollars,
            fee=Decimal(0),
            is_taker=False,
        )
        assert reconcile(now=SOON).done["followed"] == 1

    order.refresh_from_db()
    assert (order.status, order.filled_count) == (OrderStatus.FILLED, Decimal(60))
    assert Fill.objects.count() == 3
    fees = sum(Decimal(fill["fee_cost"]) for fill in exchange.fills)
    assert sum(fill.fee_dollars for fill in Fill.objects.all()) == fees
    # A page from before the last fills changes nothing any more.
    book_report(order_id=order.pk, report=stale, now=SOON)
    order.refresh_from_db()
    assert (order.status, order.filled_count) == (OrderStatus.FILLED, Decimal(60))


# --- the account ---------------------------------------------------------------------------------


def test_what_is_not_ours_in_the_account_is_told_and_left_alone(exchange, portfolio):
    _, markets = make_tradeable_event()
    ticker = markets[0].ticker
    filled = exchange.add_order(ticker=ticker, side=Side.NO, count=Decimal(3), status="executed")
    exchange.add_fill(filled, count=Decimal(3), price=Decimal("0.3"), fee=Decimal(0))
    exchange.add_order(ticker=ticker, side=Side.YES, count=Decimal(2))
    exchange.balance = Decimal("99.99")

    result = reconcile(now=LATER)

    said = [item.reason for item in result.skipped]
    assert result.done["drifting"] == 3
    assert any("3.00 NO" in reason and "our books nothing" in reason for reason in said)
    assert any("not ours rests" in reason for reason in said)
    assert any("$99.99" in reason for reason in said)
    assert exchange.writes() == []


def test_an_account_that_cannot_be_read_is_told_and_proves_nothing(exchange, portfolio):
    exchange.break_answer = lambda request, response: httpx.Response(503)

    result = reconcile(now=LATER)

    assert result.done["drifting"] == 0
    assert [item.subject for item in result.skipped] == ["account demo"]


def test_a_revoked_key_ends_the_trade_with_its_reason_and_stops_asking(exchange, trade):
    exchange.keys = set()

    order = execute_trade(trade_id=trade.pk, now=NOW)

    assert order.status == OrderStatus.REJECTED
    trade.refresh_from_db()
    assert trade.status == TradeStatus.CANCELLED
    assert "401" in trade.status_reason
    asked = len(exchange.requests)
    other = Trade.objects.filter(status=TradeStatus.PENDING).first()
    assert other is not None
    other.status = TradeStatus.APPROVED
    other.save()
    with pytest.raises(OperatorActionRequired, match="halted"):
        execute_trade(trade_id=other.pk, now=SOON)
    assert reconcile(now=LATER).skipped[0].subject == "account demo"
    assert len(exchange.requests) == asked


# --- permission ----------------------------------------------------------------------------------


def test_a_venue_that_fails_after_the_intent_takes_the_order_back(exchange, trade, monkeypatch):
    def gone(name: str, **_: Any) -> Any:
        raise OperatorActionRequired("The account is gone.")

    monkeypatch.setattr(order_service, "get_venue", gone)

    with pytest.raises(OperatorActionRequired):
        execute_trade(trade_id=trade.pk, now=NOW)

    assert Order.objects.get().status == OrderStatus.NOT_SENT
    assert exchange.writes() == []


def test_a_job_that_has_been_at_work_for_too_long_sends_nothing(exchange, trade, monkeypatch):
    monkeypatch.setattr(order_service, "running_for", lambda: order_service.SEND_WITHIN * 2)

    with pytest.raises(InvalidOrderError, match="decided anew"):
        execute_trade(trade_id=trade.pk, now=NOW)

    assert exchange.writes() == []
    trade.refresh_from_db()
    assert (trade.status, trade.reserved_dollars) == (TradeStatus.CANCELLED, 0)


@pytest.mark.parametrize("change", ["venue", "kill switch"])
def test_what_changes_after_the_gate_still_stops_the_order(exchange, trade, monkeypatch, change):
    commit = order_service._commit_intent

    def commit_then_change(**kwargs: Any) -> Order:
        order = commit(**kwargs)
        if change == "venue":
            Portfolio.objects.update(venue=Venue.PAPER)
        else:
            set_kill_switch(is_on=True, actor="ann", reason="alarm", now=NOW)
        return order

    monkeypatch.setattr(order_service, "_commit_intent", commit_then_change)

    with pytest.raises((InvalidOrderError, CooldownActiveError)):
        execute_trade(trade_id=trade.pk, now=NOW)

    assert exchange.writes() == []
    assert Order.objects.get().status == OrderStatus.NOT_SENT


def test_real_money_is_chosen_by_a_manager_on_an_installation_that_allows_it():
    made = make_portfolio(mode=Mode.AUTO)
    stranger = UserFactory()

    def choose(user: Any, reason: str = "It is time.") -> Portfolio:
        return choose_venue(portfolio=made, user=user, venue=Venue.LIVE, reason=reason, now=NOW)

    with pytest.raises(OperatorActionRequired, match="BOZ_ALLOW_LIVE"):
        choose(made.owner)
    with override_settings(BOZ_ALLOW_LIVE=True):
        with pytest.raises(OperatorActionRequired, match="manager"):
            choose(stranger)
        with pytest.raises(OperatorActionRequired, match="reason"):
            choose(made.owner, reason=" ")
        live = choose(made.owner)

    assert (live.venue, live.mode) == (Venue.LIVE, Mode.MANUAL)
    assert (live.live_confirmed_by, live.live_confirmed_at) == (made.owner, NOW)
    assert AuditEvent.objects.filter(action="portfolio.venue").count() == 1
    with pytest.raises(InvalidDataError, match="choose manual"):
        change_limits(portfolio=live, user=made.owner, now=NOW, reason="more", mode=Mode.AUTO)


def test_a_portfolio_that_has_traded_keeps_its_venue(exchange, trade):
    with pytest.raises(InvalidDataError, match="has traded"):
        choose_venue(
            portfolio=trade.portfolio,
            user=trade.portfolio.owner,
            venue=Venue.PAPER,
            reason="back",
            now=NOW,
        )


@pytest.mark.parametrize("field", ["venue", "live_confirmed_at", "live_confirmed_by"])
def test_a_portfolio_is_never_opened_on_another_venue(field):
    with pytest.raises(BozBaseException, match="cannot be set"):
        open_portfolio(
            name="odd",
            owner=UserFactory(),
            deposit_dollars=Decimal(1),
            now=NOW,
            **{field: None},
        )
