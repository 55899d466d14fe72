from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.tests.api_helpers import assert_queries_do_not_grow, client_of, make_user, rows
from markets.models import Event
from markets.tests.factories import NOW
from settlement.models import Digest, PostMortem, Settlement
from trading.models import Portfolio, Trade
from trading.services.cycle import run_trading_cycle
from trading.tests.factories import make_portfolio, make_tradeable_event

pytestmark = pytest.mark.django_db


def make_result(name: str = "Test") -> Portfolio:
    """A portfolio with a digest and a post-mortem, and a further version of the settlement."""
    portfolio = make_portfolio(name=name)
    run_trading_cycle(now=NOW)
    event = Event.objects.get()
    settlement = Settlement.objects.create(
        event=event,
        version=event.settlements.count() + 1,
        exchange_value_f=Decimal("58"),
        our_reading_f=58,
        authority="NWS",
        results={},
        settled_at=NOW,
    )
    PostMortem.objects.create(
        trade=Trade.objects.filter(portfolio=portfolio).first(),
        settlement=settlement,
        what_we_traded="10 YES",
        what_happened="58 °F",
        why_we_took_it="cheap",
        why_it_ended_so="warm",
        confidence_then="medium",
        luck_dollars=Decimal("-0.125"),
        written_at=NOW,
    )
    Digest.objects.create(
        portfolio=portfolio, day=dt.date(2024, 11, 15), title="A day", body="text", written_at=NOW
    )
    return portfolio


@pytest.fixture
def portfolio():
    make_tradeable_event()
    return make_result()


@pytest.mark.parametrize("path", ["post-mortems", "digests"])
def test_results_of_a_portfolio_are_for_those_who_may_see_it(client, portfolio, path):
    first = rows(client_of(portfolio.owner), path)[0]
    address = f"/api/v1/{path}/{first['id']}/"
    stranger = client_of(make_user("stranger", is_staff=True))

    assert client_of(portfolio.owner).get(address).json() == first
    assert rows(stranger, path) == []
    assert stranger.get(address).status_code == 404
    assert client.get(address).status_code in (401, 403)


def test_how_events_were_settled_is_open_to_every_user(client, portfolio):
    found = rows(client_of(make_user("someone")), "settlements", station="NY")

    assert found[0]["exchange_value_f"] == "58.00"
    assert rows(client_of(make_user("someone")), "settlements", station="MIA") == []
    assert client.get("/api/v1/settlements/").status_code in (401, 403)


@pytest.mark.parametrize("path", ["settlements", "post-mortems", "digests"])
def test_lists_need_as_many_queries_for_many_rows_as_for_one(portfolio, path):
    assert_queries_do_not_grow(
        client_of(portfolio.owner), path, lambda: [make_result(name) for name in ("B", "C")]
    )


def test_a_trade_is_read_with_its_post_mortem_and_without_one_it_is_null(portfolio):
    told = PostMortem.objects.get()

    found = {row["id"]: row for row in rows(client_of(portfolio.owner), "trades")}

    assert found[told.trade_id]["post_mortem"]["why_we_took_it"] == "cheap"
    assert found[told.trade_id]["post_mortem"]["luck_dollars"] == "-0.125000"
    others = [row for pk, row in found.items() if pk != told.trade_id]
    assert all(row["post_mortem"] is None for row in others)


def test_trades_with_post_mortems_need_no_further_query(portfolio):
    assert_queries_do_not_grow(
        client_of(portfolio.owner), "trades", lambda: [make_result(name) for name in ("B", "C")]
    )
