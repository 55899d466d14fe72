from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.agents import run_agent
from boz.core.models import JobRun
from markets.clients.kalshi import KalshiMarketData
from markets.models import Quote
from markets.tests.exchange import FakeExchange
from markets.tests.factories import NOW, make_station
from weather.models import Station

pytestmark = pytest.mark.django_db


def test_one_run_stores_listings_books_and_last_prices(monkeypatch):
    Station.objects.update(is_active=False)
    make_station("NY")
    exchange = FakeExchange()
    traded, *others = exchange.list_event(dt.date(2024, 11, 14))["markets"]
    traded["last_price_dollars"] = "0.0400"
    for market in (traded, *others):
        exchange.books[market["ticker"]] = {"yes_dollars": [["0.0300", "5.00"]], "no_dollars": []}
    monkeypatch.setattr(KalshiMarketData, "from_settings", lambda: exchange.client)

    run = run_agent("markets", now=NOW)

    assert run.status == JobRun.Status.OK
    assert (run.done["markets"], run.done["books"]) == (6, 6)
    priced = Quote.objects.get(last_price_dollars__isnull=False)
    assert (priced.market.ticker, priced.last_price_dollars) == (traded["ticker"], Decimal("0.04"))
