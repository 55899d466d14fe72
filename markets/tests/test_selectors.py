from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from boz.core.errors import InvalidDataError, OperatorActionRequired
from markets.models import Event, Market
from markets.selectors import fee_terms, ladder, last_prices, price_ranges, tradeable_events
from markets.tests.factories import (
    NOW,
    EventFactory,
    FeeScheduleFactory,
    MarketFactory,
    QuoteFactory,
    make_ladder,
    make_station,
)

pytestmark = pytest.mark.django_db


def test_a_ladder_comes_cold_to_warm_with_the_open_end_first():
    event = EventFactory()
    rungs = [(0, 1), (None, -1), (2, None)]
    make_ladder(event=event, rungs=rungs)

    assert [market.low_f for market in ladder(event)] == [None, 0, 2]


def test_only_open_proven_events_are_tradeable():
    event = make_ladder()[0].event

    assert tradeable_events(now=NOW) == [event]
    assert tradeable_events(now=NOW - dt.timedelta(days=2)) == []

    Event.objects.update(status=Event.Status.QUARANTINED, quarantine_reason="gap")
    assert tradeable_events(now=NOW) == []


def test_an_event_whose_markets_are_all_paused_is_not_tradeable():
    make_ladder(status=Market.Status.INACTIVE)

    assert tradeable_events(now=NOW) == []


def test_a_city_that_is_switched_off_is_not_tradeable():
    event = make_ladder()[0].event
    make_station(is_active=False)

    assert tradeable_events(now=NOW) == []

    make_station(is_active=True)
    assert tradeable_events(now=NOW) == [event]


def test_nothing_is_tradeable_from_the_close_on():
    market = make_ladder()[0]

    assert tradeable_events(now=market.close_time - dt.timedelta(seconds=1))
    assert tradeable_events(now=market.close_time) == []


def test_an_unknown_or_missing_fee_refuses_to_trade():
    event = EventFactory()
    with pytest.raises(OperatorActionRequired, match="No fee was known"):
        fee_terms(event=event, as_of=NOW)

    FeeScheduleFactory(series=event.series, fee_type="flat")
    with pytest.raises(OperatorActionRequired, match="flat"):
        fee_terms(event=event, as_of=NOW)


def test_a_fee_known_only_later_is_not_seen():
    event = EventFactory()
    FeeScheduleFactory(series=event.series, available_at=NOW)

    with pytest.raises(OperatorActionRequired):
        fee_terms(event=event, as_of=NOW - dt.timedelta(seconds=1))
    assert fee_terms(event=event, as_of=NOW).multiplier == 1


def test_an_empty_price_grid_is_refused():
    with pytest.raises(InvalidDataError, match="not known"):
        price_ranges(MarketFactory(price_ranges=[]))


def test_the_newest_last_price_read_by_then_counts():
    market = MarketFactory()
    for minutes, price in ((0, "0.2000"), (5, "0.2500"), (10, None), (12, "0.9000")):
        at = NOW + dt.timedelta(minutes=minutes)
        QuoteFactory(market=market, at=at, last_price_dollars=price and Decimal(price))

    as_of = NOW + dt.timedelta(minutes=11)

    assert last_prices(event=market.event, as_of=as_of) == {market.ticker: Decimal("0.2500")}
    assert last_prices(event=market.event, as_of=NOW - dt.timedelta(minutes=1)) == {}
    assert last_prices(event=market.event, as_of=NOW + dt.timedelta(hours=2)) == {}
