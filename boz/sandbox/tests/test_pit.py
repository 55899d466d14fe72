"""Members' orders among recorded liquidity, on a tape made for the purpose."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.sandbox.book import MarketTape
from boz.sandbox.exchange import ListedMarket
from boz.sandbox.floor.hours import Hours
from boz.sandbox.floor.pit import NOBODY, Pit
from boz.sandbox.tests.factories import OPEN, tape
from markets.matching import Accounts, BookSide, NewOrder

ME = "me"
#: An ask at 43 (50 contracts), then a trade at 45: whoever asked 43 had gone by then.
TRADES = ((0, 43, 50, "yes"), (60, 45, 5, "yes"))


def at(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(OPEN + seconds, tz=dt.UTC)


@pytest.fixture
def accounts() -> Accounts:
    accounts = Accounts()
    for nobody in NOBODY:
        accounts.open(nobody, Decimal(10) ** 9)
    accounts.open(ME, Decimal(1000))
    return accounts


def resting_ask(recordings, accounts: Accounts, cents: int) -> tuple[Pit, ListedMarket]:
    market = next(item for item in recordings.markets if item.ticker == "KXHIGHNY-24NOV14-B48.5")
    item = ListedMarket.of(market, MarketTape.of(tape(*TRADES)))
    pit = Pit(item, accounts, Hours(), at(1), None)
    price = Decimal(cents).scaleb(-2)
    pit.submit(NewOrder("mine", ME, BookSide.ASK, price, Decimal(10)), at(2))
    return pit, item


def test_quotes_that_a_trade_proves_gone_do_not_stand_before_a_resting_order(recordings, accounts):
    pit, item = resting_ask(recordings, accounts, 45)
    list(pit.advance(item, at(61)))
    assert accounts.position(ME, item.ticker).net == -5


def test_a_trade_at_a_worse_price_fills_a_better_order_first_at_its_own_price(recordings, accounts):
    pit, item = resting_ask(recordings, accounts, 44)
    list(pit.advance(item, at(61)))
    held = accounts.position(ME, item.ticker)
    assert (held.net, held.cost) == (-5, 5 * Decimal("0.56"))


def test_a_trade_below_an_ask_leaves_it_alone(recordings, accounts):
    pit, item = resting_ask(recordings, accounts, 46)
    list(pit.advance(item, at(61)))
    assert accounts.position(ME, item.ticker).net == 0
