from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from boz.core.models import AuditEvent
from markets.tests.factories import NOW
from trading import selectors
from trading.models import Portfolio, Trade
from trading.services.cycle import run_trading_cycle
from trading.tests.factories import UserFactory, make_portfolio, make_tradeable_event

pytestmark = pytest.mark.django_db


def run(*words: str) -> dict:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_portfolio_opened_at_the_prompt_is_on_paper_and_manual():
    UserFactory(username="ann")

    answer = run("open_portfolio", "Mine", "--owner", "ann", "--deposit", "100.00")

    assert (answer["venue"], answer["mode"]) == ("paper", "manual")
    portfolio = Portfolio.objects.get(name="Mine")
    assert selectors.cash_dollars(portfolio) == 100
    assert portfolio.strategies.count() == 1


@pytest.mark.parametrize(
    ("owner", "deposit"),
    [
        ("nobody", "100"),
        ("ann", "-1"),
        ("ann", "much"),
        ("ann", "1e400"),
        ("ann", "99999999999"),
        ("ann", "0.001"),
    ],
)
def test_an_unusable_portfolio_is_refused_with_a_sentence(owner, deposit):
    UserFactory(username="ann")

    with pytest.raises(CommandError):
        call_command("open_portfolio", "Mine", "--owner", owner, f"--deposit={deposit}")

    assert not Portfolio.objects.exists()


@pytest.mark.parametrize(("verdict", "status"), [("approve", "executed"), ("reject", "rejected")])
def test_a_waiting_trade_is_reviewed_at_the_prompt_in_the_worlds_own_time(verdict, status):
    make_tradeable_event()
    make_portfolio(mode="manual")
    run_trading_cycle(now=NOW)
    trade = Trade.objects.order_by("pk").first()
    words = ("review_trade", str(trade.pk), verdict, "--user", "owner")

    answer = run(*words, "--as-of", "2024-11-14T20:00:00Z")

    assert answer["status"] == status
    with pytest.raises(CommandError, match="no longer waits"):
        call_command(*words)


def test_the_kill_switch_turns_both_ways_and_remembers_why():
    assert run("kill_switch", "status")["is_on"] is False

    assert run("kill_switch", "on", "--reason", "odd prices")["reason"] == "odd prices"
    assert selectors.kill_switch_is_on()
    assert run("kill_switch", "off", "--reason", "explained")["is_on"] is False

    assert AuditEvent.objects.filter(action="kill_switch").count() == 2


def test_the_kill_switch_turns_on_at_once_but_off_only_with_a_reason():
    call_command("kill_switch", "on", stdout=StringIO())
    assert selectors.kill_switch_is_on()

    with pytest.raises(CommandError, match="reason"):
        call_command("kill_switch", "off")

    assert selectors.kill_switch_is_on()
