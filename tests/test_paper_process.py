"""No signed request can leave a process that trades on paper, whatever keys are stored."""

from __future__ import annotations

import ast
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from boz.core import encryption
from markets.clients.kalshi import signing
from markets.models import Market
from markets.services import accounts
from markets.tests.account_exchange import make_pem
from markets.tests.factories import NOW
from markets.venues import get_venue
from trading.choices import Mode, TradeStatus
from trading.models import Fill, Trade
from trading.services.approvals import approve_trade
from trading.services.cycle import run_trading_cycle
from trading.services.reconcile import grace, reconcile
from trading.services.settling import settle_trades
from trading.tests.factories import make_portfolio, make_tradeable_event

APPS = ("boz", "weather", "markets", "prediction", "trading", "settlement")


class SignedRequest(BaseException):
    """Not an Exception, so that no guard of a job can swallow it."""


@pytest.fixture
def guard(monkeypatch):
    """Let any signed request, opened key or made signer end the test."""

    def send(self, request, **kwargs):
        if any(name.lower().startswith("kalshi-access") for name in request.headers):
            raise SignedRequest(f"signed: {request.method} {request.url.path}")
        raise httpx.ConnectError("there is no network here")

    def refuse(*args, **kwargs):
        raise SignedRequest("a key was opened")

    monkeypatch.setattr(httpx.Client, "send", send)
    monkeypatch.setattr(encryption, "decrypt", refuse)
    monkeypatch.setattr(signing._Signer, "headers", refuse)


@pytest.fixture
def stored_keys(db):
    for environment in ("demo", "live"):
        accounts.open_account(
            name=environment,
            environment=environment,
            key_id="k-1",
            pem=make_pem(),
            actor="ann",
            now=NOW,
        )


def test_a_whole_round_on_paper_signs_nothing_and_opens_no_key(stored_keys, guard):
    event, markets = make_tradeable_event()
    portfolio = make_portfolio(mode=Mode.MANUAL)
    run_trading_cycle(now=NOW)
    for trade in Trade.objects.filter(status=TradeStatus.PENDING):
        approve_trade(trade_id=trade.pk, user=portfolio.owner, now=NOW)
    reconcile(now=NOW + grace())
    Market.objects.filter(event=event).update(result="no")
    results = {market.ticker: False for market in markets}
    settled = settle_trades(event=event, results=results, now=NOW + grace())

    assert settled
    assert Fill.objects.exists()


@pytest.mark.parametrize("name", ["demo", "live"])
def test_the_guard_notices_a_real_venue(stored_keys, guard, settings, name):
    settings.BOZ_ALLOW_LIVE = True

    with pytest.raises(SignedRequest):
        get_venue(name)


def test_the_guard_notices_a_signed_request(guard):
    with pytest.raises(SignedRequest), httpx.Client() as client:
        client.get("http://127.0.0.1:9/", headers={signing.KEY_HEADER: "k-1"})


def _callers(name: str) -> set[str]:
    """Return the product's modules that call a method or function of this name."""
    found = set()
    for app in APPS:
        for path in Path(settings.BASE_DIR, app).rglob("*.py"):
            if "tests" in path.parts or "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == name:
                    found.add(path.relative_to(settings.BASE_DIR).as_posix())
    return found


def test_keys_are_opened_and_orders_placed_in_one_place_each():
    # The stream of market data needs a signed handshake; it places nothing.
    streams = {"markets/services/stream/credentials.py"}
    assert _callers("open_keys") - streams == {"markets/venues/kalshi/access.py"}
    assert _callers("place") == {"trading/services/orders.py"}
    assert _callers("create_order") == {"markets/venues/kalshi/venue.py"}
