from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.errors import InvalidDataError
from boz.core.schemas import FeeTerms, FeeType
from markets.domain.ticks import PriceRange
from markets.matching import BookSide, Filled, MatchingEngine, NewOrder, Underway

D = Decimal
T0 = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)


def _ms(milliseconds):
    return dt.timedelta(milliseconds=milliseconds)


def test_operations_arrive_by_moment_then_in_the_order_of_sending():
    line = Underway[str]()
    line.send("slow", T0, _ms(50))
    line.send("first", T0, _ms(20))
    line.send("second", T0 + _ms(10), _ms(10))
    line.send("later", T0, _ms(51))

    assert line.arrived(T0 + _ms(19)) == []
    assert line.arrived(T0 + _ms(50)) == [
        (T0 + _ms(20), "first"),
        (T0 + _ms(20), "second"),
        (T0 + _ms(50), "slow"),
    ]
    assert len(line) == 1


def test_nothing_arrives_before_it_was_sent():
    with pytest.raises(InvalidDataError):
        Underway[str]().send("early", T0, _ms(-1))


def test_whoever_has_the_faster_line_is_ahead_in_the_queue():
    engine = MatchingEngine(
        "M",
        price_ranges=(PriceRange(D("0"), D("1"), D("0.01")),),
        terms=FeeTerms(fee_type=FeeType.QUADRATIC),
    )
    line = Underway[NewOrder]()
    for account, latency in (("far", 90), ("near", 10)):
        line.send(NewOrder(account, account, BookSide.ASK, D("0.20"), D("1")), T0, _ms(latency))
    for at, order in line.arrived(T0 + _ms(90)):
        engine.submit(order, at)

    events = engine.submit(NewOrder("t", "t", BookSide.BID, D("0.20"), D("1")), T0 + _ms(90))

    (fill,) = [event for event in events if isinstance(event, Filled)]
    assert fill.maker.account == "near"
