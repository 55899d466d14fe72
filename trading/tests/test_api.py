from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine

from boz.core.models import AuditEvent
from boz.core.tests.api_helpers import assert_queries_do_not_grow, client_of, make_user, rows
from markets.tests.factories import NOW
from trading.choices import LockKind, Mode, Role, TradeStatus
from trading.models import (
    Backtest,
    BacktestRun,
    KillSwitch,
    Lock,
    Portfolio,
    PortfolioMember,
    Trade,
)
from trading.selectors import trade_record
from trading.services.cycle import run_trading_cycle
from trading.services.protections import set_kill_switch
from trading.tests.factories import make_portfolio, make_tradeable_event

pytestmark = pytest.mark.django_db

SCOPED = (
    "portfolios",
    "portfolio-members",
    "strategies",
    "strategy-events",
    "decisions",
    "signals",
    "trades",
    "orders",
    "fills",
    "ledger",
    "positions",
    "locks",
)


def make_desk(name: str = "Test", mode: str = Mode.AUTO) -> Portfolio:
    """A portfolio that has decided once, with a member and a lock that is over."""
    portfolio = make_portfolio(name=name, mode=mode)
    run_trading_cycle(now=NOW)
    PortfolioMember.objects.create(
        portfolio=portfolio, user=make_user(f"viewer of {name}"), role=Role.VIEWER
    )
    Lock.objects.create(
        portfolio=portfolio,
        kind=LockKind.COOLDOWN,
        reason="Cooling down.",
        starts_at=NOW - dt.timedelta(hours=2),
        until=NOW - dt.timedelta(hours=1),
        reference=f"{name}-lock",
    )
    return portfolio


@pytest.fixture
def desk():
    make_tradeable_event()
    return make_desk()


@pytest.fixture
def owner(desk):
    return client_of(desk.owner)


@pytest.fixture
def waiting():
    """A trade that waits for a person."""
    make_tradeable_event()
    portfolio = make_desk(mode=Mode.MANUAL)
    return Trade.objects.filter(portfolio=portfolio, status=TradeStatus.PENDING).first()


def member_client(portfolio: Portfolio, role: Role):
    user = make_user(f"a {role}")
    PortfolioMember.objects.create(portfolio=portfolio, user=user, role=role)
    return client_of(user)


@pytest.mark.parametrize("path", SCOPED)
def test_owner_and_members_see_rows_and_a_stranger_sees_none(client, desk, owner, path):
    found = rows(owner, path)
    assert found
    address = f"/api/v1/{path}/{found[0]['id']}/"
    viewer = member_client(desk, Role.VIEWER)
    stranger = client_of(make_user("stranger", is_staff=True))

    assert owner.get(address).status_code == 200
    assert viewer.get(address).status_code == 200
    assert client_of(make_user("root", is_superuser=True)).get(address).status_code == 200
    assert rows(stranger, path) == []
    assert stranger.get(address).status_code == 404
    assert client.get(address).status_code in (401, 403)


@pytest.mark.parametrize("path", SCOPED)
def test_lists_need_as_many_queries_for_many_rows_as_for_one(desk, owner, path):
    assert_queries_do_not_grow(
        owner, path, lambda: [make_desk(name) for name in ("B", "C", "D")], at_most=4
    )


def test_a_member_twice_over_sees_each_row_once(desk):
    PortfolioMember.objects.create(portfolio=desk, user=desk.owner, role=Role.VIEWER)

    assert len(rows(client_of(desk.owner), "portfolios")) == 1


@pytest.mark.parametrize("path", ["backtests", "backtest-runs", "kill-switch-turns"])
def test_research_and_the_kill_switch_are_open_to_every_user(client, path):
    question = Backtest.objects.create(
        name="q",
        strategy_kind="value",
        first_day=dt.date(2024, 11, 14),
        last_day=dt.date(2024, 12, 16),
        created_at=NOW,
    )
    BacktestRun.objects.create(backtest=question, started_at=NOW, inputs_hash="0" * 64)
    set_kill_switch(is_on=True, actor="x", reason="y", now=NOW)

    assert len(rows(client_of(make_user("someone")), path)) == 1
    assert client.get(f"/api/v1/{path}/").status_code in (401, 403)


def test_money_and_prices_are_exact_strings(owner):
    fill = rows(owner, "fills")[0]

    assert isinstance(fill["price_dollars"], str)
    assert isinstance(fill["fee_dollars"], str)
    assert isinstance(rows(owner, "ledger")[0]["amount_dollars"], str)
    assert rows(owner, "trades")[0]["pnl_dollars"] is None


def test_trades_are_filtered_by_portfolio_station_day_status_and_ticker(desk, owner):
    other = make_desk("Other")
    trade = desk.trades.filter(status=TradeStatus.EXECUTED).first()

    found = rows(
        owner,
        "trades",
        portfolio=desk.pk,
        station="NY",
        climate_day=trade.event.climate_day.isoformat(),
        status="executed",
        ticker=trade.market.ticker,
    )

    assert [row["id"] for row in found] == [trade.pk]
    assert {row["portfolio"]["id"] for row in rows(owner, "trades")} == {desk.pk, other.pk}
    assert rows(owner, "trades", station="MIA") == []
    assert rows(owner, "decisions", is_stand_down="true") == []


def test_the_summary_gives_the_figures_of_the_ledger(desk, owner):
    answer = owner.get(f"/api/v1/portfolios/{desk.pk}/summary/").json()

    spent = sum(
        Decimal(row["amount_dollars"]) for row in rows(owner, "ledger") if row["credit"] == "cash"
    )
    assert Decimal(answer["cash_dollars"]) == Decimal("1000") - spent
    assert answer["hit_rate"] is None
    assert answer["portfolio"] == {"id": desk.pk, "name": desk.name}
    stranger = client_of(make_user("stranger"))
    assert stranger.get(f"/api/v1/portfolios/{desk.pk}/summary/").status_code == 404


@time_machine.travel(NOW + dt.timedelta(minutes=1), tick=False)
def test_an_approver_approves_a_waiting_trade_and_it_is_executed(waiting):
    approver = member_client(waiting.portfolio, Role.APPROVER)

    response = approver.post(f"/api/v1/trades/{waiting.pk}/approve/")

    assert response.status_code == 200, response.content
    assert response.json()["status"] == "executed"
    assert response.json()["decided_by"] == "a approver"
    again = approver.post(f"/api/v1/trades/{waiting.pk}/approve/")
    assert (again.status_code, again.json()["error"]) == (409, "InvalidOrderError")
    assert waiting.orders.count() == 1


@time_machine.travel(NOW + dt.timedelta(minutes=1), tick=False)
def test_a_refused_approval_says_why_and_leaves_the_trade_waiting(waiting):
    set_kill_switch(is_on=True, actor="x", reason="maintenance", now=NOW)

    response = client_of(waiting.portfolio.owner).post(f"/api/v1/trades/{waiting.pk}/approve/")

    assert response.status_code == 409
    assert response.json()["message"]
    waiting.refresh_from_db()
    assert waiting.status == TradeStatus.PENDING


@time_machine.travel(NOW + dt.timedelta(minutes=1), tick=False)
def test_a_rejection_needs_a_reason_and_keeps_it(waiting):
    approver = member_client(waiting.portfolio, Role.APPROVER)
    address = f"/api/v1/trades/{waiting.pk}/reject/"

    assert approver.post(address, {}, format="json").status_code == 400
    response = approver.post(address, {"reason": "Too warm for me."}, format="json")

    assert response.status_code == 200
    assert response.json()["status"] == "rejected"
    assert response.json()["status_reason"] == "Too warm for me."


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_viewers_may_not_decide_and_strangers_do_not_find_the_trade(client, waiting, verb):
    address = f"/api/v1/trades/{waiting.pk}/{verb}/"
    body = {"reason": "x"}

    viewer = member_client(waiting.portfolio, Role.VIEWER)
    assert viewer.post(address, body, format="json").status_code == 403
    stranger = client_of(make_user("stranger", is_staff=True))
    assert stranger.post(address, body, format="json").status_code == 404
    assert client.post(address, body).status_code in (401, 403)
    waiting.refresh_from_db()
    assert waiting.status == TradeStatus.PENDING


def test_a_manager_changes_limits_with_a_reason_and_zero_stays_zero(desk):
    manager = member_client(desk, Role.MANAGER)

    response = manager.patch(
        f"/api/v1/portfolios/{desk.pk}/limits/",
        {"max_trade_size_dollars": "0", "cooldown_minutes": 0, "reason": "a break"},
        format="json",
    )

    assert response.status_code == 200, response.content
    assert response.json()["max_trade_size_dollars"] == "0.0000"
    assert response.json()["role"] == "manager"
    desk.refresh_from_db()
    assert (desk.max_trade_size_dollars, desk.cooldown_minutes) == (0, 0)
    kept = AuditEvent.objects.get(action="portfolio.limits")
    assert kept.reason == "a break"
    assert Decimal(kept.after["max_trade_size_dollars"]) == 0
    assert kept.after["cooldown_minutes"] == "0"


@pytest.mark.parametrize(
    "body",
    [
        {"max_trade_size_dollars": "1"},
        {"reason": "nothing to change"},
        {"reason": "x", "max_trade_sise_dollars": "1"},
        {"reason": "x", "max_trade_size_dollars": "-1"},
        {"reason": "x", "max_trade_size_dollars": "NaN"},
        {"reason": "x", "owner": 1, "mode": "auto"},
        {"reason": "x", "venue": "live"},
        [],
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(desk, owner, body):
    before = Portfolio.objects.filter(pk=desk.pk).values().get()

    response = owner.patch(f"/api/v1/portfolios/{desk.pk}/limits/", body, format="json")

    assert response.status_code == 400
    assert set(response.json()) == {"error", "message", "context"}
    assert Portfolio.objects.filter(pk=desk.pk).values().get() == before


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.APPROVER, 403)])
def test_only_managers_change_limits(desk, role, status):
    response = member_client(desk, role).patch(
        f"/api/v1/portfolios/{desk.pk}/limits/",
        {"mode": "manual", "reason": "x"},
        format="json",
    )

    assert response.status_code == status
    desk.refresh_from_db()
    assert desk.mode == Mode.AUTO


def test_the_kill_switch_is_turned_by_those_who_may_with_a_reason():
    root = client_of(make_user("root", is_superuser=True))
    address = "/api/v1/kill-switch/"

    refused = client_of(make_user("staff", is_staff=True)).post(
        address, {"is_on": True, "reason": "x"}, format="json"
    )
    assert refused.status_code == 403
    assert root.post(address, {"is_on": True}, format="json").status_code == 400
    assert root.post(address, {"reason": "x"}, format="json").status_code == 400
    assert not KillSwitch.objects.exists()

    response = root.post(address, {"is_on": True, "reason": "storm"}, format="json")

    assert response.status_code == 200
    assert response.json()["is_on"] is True
    assert KillSwitch.objects.get().actor == "root"
    assert AuditEvent.objects.filter(action="kill_switch").count() == 1


def test_trades_portfolios_and_money_have_no_other_write(desk):
    root = client_of(make_user("root", is_superuser=True))
    for path in SCOPED:
        first = rows(root, path)[0]["id"]
        assert root.post(f"/api/v1/{path}/", {}).status_code == 405
        for method in ("put", "patch", "delete"):
            assert getattr(root, method)(f"/api/v1/{path}/{first}/", {}).status_code == 405


def test_the_record_of_a_trade_is_told_to_those_who_see_the_trade(
    desk, owner, django_assert_max_num_queries
):
    trade = desk.trades.filter(status=TradeStatus.EXECUTED).first()
    address = f"/api/v1/trades/{trade.pk}/record/"

    with django_assert_max_num_queries(2):
        response = owner.get(address)

    assert response.status_code == 200
    told = response.json()
    assert told == trade_record(trade).model_dump(mode="json")
    assert told["trade_id"] == trade.pk
    assert isinstance(told["average_price_dollars"], str)
    assert (told["pnl_dollars"], told["settled_high_f"]) == (None, None)
    assert member_client(desk, Role.VIEWER).get(address).status_code == 200


def test_the_settings_of_a_portfolio_are_told_with_zeros_and_cities(
    desk, owner, django_assert_max_num_queries
):
    desk.max_trade_size_dollars = Decimal(0)
    desk.cooldown_minutes = 0
    desk.save()
    desk.stations.add(desk.trades.first().event.series.station)

    with django_assert_max_num_queries(4):
        response = owner.get(f"/api/v1/portfolios/{desk.pk}/settings/")

    assert response.status_code == 200
    assert response.json() == {
        "mode": "auto",
        "max_trade_size_dollars": "0.0000",
        "daily_loss_limit_dollars": "10.0000",
        "max_daily_exposure_dollars": "25.0000",
        "min_ev_dollars": "0.0500",
        "cooldown_minutes": 0,
        "consecutive_loss_limit": 3,
        "active_cities": ["NY"],
    }


@pytest.mark.parametrize("verb", ["record", "settings"])
def test_strangers_find_neither_record_nor_settings(client, desk, verb):
    row, path = {"record": (desk.trades.first(), "trades"), "settings": (desk, "portfolios")}[verb]
    address = f"/api/v1/{path}/{row.pk}/{verb}/"

    stranger = client_of(make_user("stranger", is_staff=True))
    assert stranger.get(address).status_code == 404
    assert client.get(address).status_code in (401, 403)
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client_of(desk.owner), method)(address, {}).status_code == 405
