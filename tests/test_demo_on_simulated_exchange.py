"""Orders for the demo against the simulated exchange over HTTP: signed, executed, faulty, paid."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import override_settings

from boz.core.agents import run_agent
from boz.core.models import JobRun
from boz.core.schemas import Side
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.faults import Fault, FaultKind, Source
from boz.sandbox.recordings.loader import RECORDINGS, load_recordings
from boz.sandbox.scenarios import SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.world import Services, World
from markets.models import ExchangeAccount, Market
from markets.selectors import latest_book
from markets.services.accounts import open_account, replace_key
from markets.venues import PlacedOrder, VenueOrder, closing_order, get_venue
from markets.venues.kalshi import venue as venue_module
from trading import selectors
from trading.choices import Mode, OrderStatus, TradeStatus, Venue
from trading.models import Fill, Portfolio, Trade
from trading.services.orders import execute_trade
from trading.services.portfolios import choose_venue, open_portfolio
from trading.services.reconcile import book_differences, grace, reconcile
from trading.tests.factories import UserFactory, make_prediction
from weather.models import Station
from weather.services.stations import sync_stations

pytestmark = pytest.mark.django_db(transaction=True)

EVENING = dt.datetime(2024, 11, 14, 1, 0, tzinfo=dt.UTC)
ORDERS = "/portfolio/events/orders"


@functools.cache
def services() -> Services:
    return Services.of(SCENARIOS["recorded"].apply(load_recordings(RECORDINGS)))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A simulated exchange, its markets read, and an account of ours at its demo."""
    monkeypatch.setattr("boz.core.http.BACKOFF_CAP_SECONDS", 0.001)
    monkeypatch.setattr(venue_module, "LOOKS", (0.0, 0.01))
    sync_stations()
    Station.objects.exclude(code="NY").update(is_active=False)
    world = World(services(), SimulatedClock(EVENING), SCENARIOS["recorded"])
    with SandboxServer(world) as running:
        addresses = {
            "KALSHI_API_URL": running.rest_url,
            "KALSHI_DEMO_API_URL": running.rest_url,
            "KALSHI_RATE_LIMIT_PER_SECOND": 10_000.0,
        }
        with override_settings(**addresses):
            assert run_agent("markets", now=EVENING).status == JobRun.Status.OK
            key = running.keys[0]
            open_account(
                name="simulated",
                environment="demo",
                key_id=key.key_id,
                pem=key.private_file.read_text(),
                actor="ann",
                now=EVENING,
            )
            yield running


@pytest.fixture
def trade(server: SandboxServer) -> Trade:
    """An approved trade of one contract or more in a market with a real ask."""
    opened = open_portfolio(
        name="Test",
        owner=UserFactory(username="owner"),
        deposit_dollars=Decimal("100"),
        now=EVENING,
        mode=Mode.MANUAL,
    )
    choose_venue(
        portfolio=opened, user=opened.owner, venue=Venue.DEMO, reason="to try it", now=EVENING
    )
    market = _liquid_market()
    make_prediction(market.event, mean_f=float(market.low_f or 50), sd_f=2.0, as_of=EVENING)
    run_agent("trade", now=EVENING)
    chosen = Trade.objects.order_by("pk").first()
    assert chosen is not None, "the belief sees no value in the recorded book"
    chosen.status, chosen.decided_at = TradeStatus.APPROVED, EVENING
    chosen.save()
    return chosen


def _liquid_market() -> Market:
    for market in Market.objects.filter(low_f__isnull=False, high_f__isnull=False):
        book = latest_book(market=market, as_of=EVENING)
        if book is not None and book.yes_bids and book.no_bids:
            return market
    raise AssertionError("no recorded market has a book on both sides")


def _break(server: SandboxServer, kind: FaultKind, **facts: Any) -> None:
    server.world.faults.order(Source.KALSHI, Fault(kind, **facts), count=1)


def _later(server: SandboxServer) -> dt.datetime:
    moment = EVENING + grace() + dt.timedelta(minutes=2)
    server.world.clock.set(moment)
    return moment


def _require_books_agree(server: SandboxServer, now: dt.datetime) -> None:
    for portfolio in Portfolio.objects.all():
        assert selectors.ledger_drift_dollars(portfolio) == 0
        assert book_differences(portfolio) == []
    venue = get_venue("demo")
    theirs = venue.fills(since=EVENING - dt.timedelta(days=1), now=now)
    ours = Fill.objects.values_list("venue_trade_id", "count", "fee_dollars")
    assert sorted(ours) == sorted(
        (item.fill.venue_trade_id, item.fill.count, item.fill.fee_dollars) for item in theirs
    )


def test_an_order_is_signed_executed_booked_and_the_same_on_both_sides(server, trade):
    order = execute_trade(trade_id=trade.pk, now=EVENING)

    assert order.status in (OrderStatus.FILLED, OrderStatus.CANCELLED)
    assert order.filled_count > 0
    _require_books_agree(server, EVENING)
    result = reconcile(now=_later(server))
    assert [item.reason for item in result.skipped] == []
    account = ExchangeAccount.objects.get()
    assert account.scopes
    assert account.exchange_user_id == server.keys[0].user_id


def test_what_the_exchange_pays_is_what_our_books_say(server, trade):
    venue = get_venue("demo")
    theirs_before = venue.balance_dollars(now=EVENING)
    execute_trade(trade_id=trade.pk, now=EVENING)

    morning = EVENING + dt.timedelta(days=3)
    server.world.clock.set(morning)
    for agent in ("markets", "settle"):
        assert run_agent(agent, now=morning).status == JobRun.Status.OK

    trade.refresh_from_db()
    assert trade.status in (TradeStatus.WON, TradeStatus.LOST)
    theirs = venue.balance_dollars(now=morning) - theirs_before
    assert selectors.cash_dollars(trade.portfolio) - Decimal(100) == theirs
    assert venue.positions(now=morning) == ()
    assert [item.reason for item in reconcile(now=morning).skipped] == []


AFTER = [
    FaultKind.HTTP_500,
    FaultKind.HTTP_503,
    FaultKind.HTML,
    FaultKind.TRUNCATED,
    FaultKind.NO_ORDER,
    FaultKind.RENAMED_FIELD,
]


@pytest.mark.parametrize("kind", AFTER)
def test_an_order_executed_behind_a_broken_answer_is_found(server, trade, kind):
    _break(server, kind, after=True, method="POST", path=ORDERS)

    order = execute_trade(trade_id=trade.pk, now=EVENING)

    assert order.filled_count > 0
    _require_books_agree(server, EVENING)


@pytest.mark.parametrize("kind", [FaultKind.HTTP_500, FaultKind.HTTP_503])
def test_an_order_that_never_arrived_is_released_with_proof_only(server, trade, kind):
    _break(server, kind, method="POST", path=ORDERS)

    order = execute_trade(trade_id=trade.pk, now=EVENING)
    assert order.status == OrderStatus.UNKNOWN
    assert reconcile(now=EVENING).done["still_unknown"] == 1

    later = _later(server)
    assert reconcile(now=later).done["not_sent"] == 1
    assert not Fill.objects.exists()
    _require_books_agree(server, later)


def test_a_rate_limit_is_a_refusal_and_the_next_decision_may_order_again(server, trade):
    _break(server, FaultKind.HTTP_429, method="POST", path=ORDERS)

    order = execute_trade(trade_id=trade.pk, now=EVENING)

    assert order.status == OrderStatus.REJECTED
    assert not Fill.objects.exists()


def test_a_resting_order_is_found_cancelled_and_the_position_closed(server):
    market = _liquid_market()
    book = latest_book(market=market, as_of=EVENING)
    assert book is not None
    venue, ask = get_venue("demo"), 1 - book.no_bids[0].price_dollars
    taking = VenueOrder("take-1", market.ticker, Side.YES, ask, Decimal(1))
    rests = dataclasses.replace(
        taking,
        client_order_id="rest-1",
        price_dollars=Decimal("0.01"),
        time_in_force="good_till_canceled",
        post_only=True,
    )

    taken = venue.place(order=taking, now=EVENING)
    resting = venue.place(order=rests, now=EVENING)
    again = venue.place(order=rests, now=EVENING)
    cancelled = venue.cancel(placed=PlacedOrder(rests, EVENING), now=EVENING)
    twice = venue.cancel(placed=PlacedOrder(rests, EVENING), now=EVENING)

    assert (taken.status, taken.filled_count) == ("filled", Decimal(1))
    assert (resting.outcome, resting.status) == ("accepted", "resting")
    assert again == resting
    assert (cancelled.status, twice.status) == ("cancelled", "cancelled")
    (held,) = venue.positions(now=EVENING)
    closing = closing_order(held, client_order_id="close-1", least_dollars=Decimal("0.01"))
    closed = venue.place(order=closing, now=EVENING)
    assert closed.status == "filled"
    assert venue.positions(now=EVENING) == ()


def test_a_key_is_replaced_while_trading_and_the_old_one_may_go(server, trade):
    members = server.world.floor.members
    first = server.keys[0]
    second = members.make_key(first.user_id)
    account = ExchangeAccount.objects.get()
    replace_key(
        account_id=account.pk,
        key_id=second.key_id,
        pem=second.private_file.read_text(),
        actor="ann",
        reason="rotation",
        now=EVENING,
    )

    assert execute_trade(trade_id=trade.pk, now=EVENING).filled_count > 0


def test_a_key_that_the_exchange_does_not_know_halts(server, trade):
    account = ExchangeAccount.objects.get()
    ExchangeAccount.objects.update(key_id="unknown")

    order = execute_trade(trade_id=trade.pk, now=EVENING)

    assert order.status == OrderStatus.REJECTED
    account.refresh_from_db()
    assert "401" in account.halted_reason
