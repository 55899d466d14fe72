"""Where a portfolio trades is chosen in the admin, with a reason, by a manager."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from boz.core.models import AuditEvent
from trading.choices import Mode, Venue
from trading.models import Portfolio
from trading.tests.factories import make_portfolio

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    client.force_login(get_user_model().objects.create_superuser("ann", "ann@example.org", "pw"))
    return client


def _act(client, portfolio: Portfolio, action: str, reason: str) -> Portfolio:
    client.post(
        reverse("admin:trading_portfolio_changelist"),
        {"action": action, "_selected_action": [portfolio.pk], "reason": reason},
    )
    portfolio.refresh_from_db()
    return portfolio


def test_the_demo_is_chosen_and_left_again_with_a_reason(manager):
    portfolio = make_portfolio(mode=Mode.MANUAL)

    assert _act(manager, portfolio, "trade_on_demo", "").venue == Venue.PAPER
    assert _act(manager, portfolio, "trade_on_demo", "To try it.").venue == Venue.DEMO
    assert _act(manager, portfolio, "trade_on_paper", "Enough.").venue == Venue.PAPER
    assert list(AuditEvent.objects.filter(action="portfolio.venue").values_list("reason")) == [
        ("Enough.",),
        ("To try it.",),
    ]


def test_real_money_needs_the_installations_switch_as_well(manager, settings):
    portfolio = make_portfolio(mode=Mode.AUTO)

    assert _act(manager, portfolio, "trade_with_real_money", "Now.").venue == Venue.PAPER
    settings.BOZ_ALLOW_LIVE = True
    live = _act(manager, portfolio, "trade_with_real_money", "Now.")

    assert (live.venue, live.mode) == (Venue.LIVE, Mode.MANUAL)
    assert live.live_confirmed_by is not None
    assert live.live_confirmed_by.get_username() == "ann"


def test_automatic_trading_with_real_money_is_refused_in_the_form(manager, settings):
    settings.BOZ_ALLOW_LIVE = True
    portfolio = make_portfolio(mode=Mode.MANUAL)
    live = _act(manager, portfolio, "trade_with_real_money", "Now.")
    page = reverse("admin:trading_portfolio_change", args=[live.pk])
    form = manager.get(page).context["adminform"].form
    fields = {
        name: form.initial[name] for name in form.fields if form.initial.get(name) is not None
    }
    members = {f"members-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}

    answer = manager.post(
        page, {**fields, **members, "mode": Mode.AUTO.value, "reason": "faster", "stations": []}
    )

    assert answer.status_code == 200
    assert "approved by a person" in answer.content.decode()
    live.refresh_from_db()
    assert live.mode == Mode.MANUAL
