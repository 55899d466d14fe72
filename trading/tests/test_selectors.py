from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.schemas import Bracket, Side
from markets.tests.factories import NOW
from trading.choices import TradeStatus
from trading.models import Fill, Trade
from trading.selectors import trade_record
from trading.services.cycle import run_trading_cycle
from trading.services.settling import settle_trades
from trading.tests.factories import make_portfolio, make_tradeable_event

pytestmark = pytest.mark.django_db
MORNING = dt.datetime(2024, 11, 16, 12, 15, tzinfo=dt.UTC)


@pytest.fixture
def trade():
    """A trade of which nothing is known but what the cycle bought."""
    make_tradeable_event()
    make_portfolio()
    run_trading_cycle(now=NOW)
    return Trade.objects.filter(status=TradeStatus.EXECUTED).order_by("pk").first()


def trade_with_fills(like: Trade, *fills: tuple[str, str, str]) -> Trade:
    """Return another trade of the same market, with fills of (price, count, fee)."""
    order = like.orders.get()
    trade = Trade.objects.get(pk=like.pk)
    trade.pk, trade.status = None, TradeStatus.CANCELLED
    trade.save()
    order.pk, order.trade, order.client_order_id = None, trade, "another"
    order.save()
    for number, (price, count, fee) in enumerate(fills):
        Fill.objects.create(
            order=order,
            venue_trade_id=f"fill-{number}",
            at=NOW,
            price_dollars=Decimal(price),
            count=Decimal(count),
            fee_dollars=Decimal(fee),
            is_taker=True,
        )
    return trade


def test_the_record_says_what_was_bought_and_why(trade):
    told = trade_record(trade)

    assert (told.trade_id, told.city) == (trade.pk, "NY")
    assert told.climate_day == dt.date(2024, 11, 15)
    assert told.market_ticker == trade.market.ticker
    assert told.bracket == Bracket(low_f=trade.market.low_f, high_f=trade.market.high_f)
    assert told.side is Side(trade.side)
    assert told.probability == trade.probability
    assert told.status == "executed"
    assert (told.pnl_dollars, told.settled_high_f) == (None, None)


def test_the_average_price_weighs_fills_by_count_and_is_rounded_up(trade):
    bought = trade_with_fills(trade, ("0.2000", "1.00", "0.011200"), ("0.2100", "2.00", "0.023300"))

    told = trade_record(bought)

    # 0.62 / 3 = 0.20666…; the first trade of the market has fills of its own.
    assert told.average_price_dollars == Decimal("0.206667")
    assert told.count == Decimal("3.00")
    assert told.fees_dollars == Decimal("0.034500")


def test_a_trade_that_bought_nothing_tells_what_it_wanted_and_no_price(trade):
    told = trade_record(trade_with_fills(trade))

    assert told.average_price_dollars is None
    assert told.count == trade.count
    assert told.fees_dollars == 0


def test_after_settlement_the_record_balances_and_names_the_high(trade):
    event = trade.event
    results = {}
    for market in event.markets.all():
        results[market.ticker] = market.bracket.contains(58)
        market.result = "yes" if results[market.ticker] else "no"
        market.save()
    event.expiration_value_f = Decimal("58.00")
    event.save()
    settle_trades(event=event, results=results, now=MORNING)

    told = trade_record(Trade.objects.get(pk=trade.pk))

    won = (told.side is Side.YES) == told.bracket.contains(58)
    paid = told.count if won else 0
    assert told.status == ("won" if won else "lost")
    assert told.settled_high_f == 58
    spent = told.average_price_dollars * told.count + told.fees_dollars
    assert told.pnl_dollars == pytest.approx(paid - spent, abs=Decimal("0.0001"))


@pytest.mark.parametrize(("value", "told"), [("0.00", 0), ("-4.00", -4), ("58.50", None)])
def test_only_a_whole_degree_is_told_and_zero_is_one(trade, value, told):
    trade.event.expiration_value_f = Decimal(value)

    assert trade_record(trade).settled_high_f == told


def test_the_record_takes_one_query_when_the_trade_is_read_whole(trade, django_assert_num_queries):
    whole = Trade.objects.select_related("event__series__station", "market").get(pk=trade.pk)

    with django_assert_num_queries(1):
        trade_record(whole)
