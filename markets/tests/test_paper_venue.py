"""What is the paper venue's own: it fills against recorded books, and only those known then."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from boz.core.schemas import Side
from markets.models import ExchangeStatus, Market
from markets.tests.factories import NOW, BookSnapshotFactory, make_ladder
from markets.venues import PlacedOrder, Venue, VenueOrder, get_venue

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def venue() -> Venue:
    return get_venue("paper")


@pytest.fixture
def market() -> Market:
    """Ten contracts offered at 24 cents and forty at 25."""
    chosen = make_ladder()[2]
    BookSnapshotFactory(market=chosen)
    return chosen


def _order(market: Market, **fields: Any) -> VenueOrder:
    order = VenueOrder(
        client_order_id="order-1",
        market_ticker=market.ticker,
        side=Side.YES,
        price_dollars=Decimal("0.24"),
        count=Decimal(4),
    )
    return dataclasses.replace(order, **fields)


def _resting(market: Market, **fields: Any) -> PlacedOrder:
    order = _order(
        market,
        price_dollars=Decimal("0.22"),
        time_in_force="good_till_canceled",
        post_only=True,
        **fields,
    )
    return PlacedOrder(order=order, placed_at=NOW)


def _offer(market: Market, *, minutes: int, count: str, price: str = "0.7900") -> None:
    """Show a later book with YES offered at one minus ``price``."""
    BookSnapshotFactory(market=market, at=NOW + minutes * MINUTE, no_bids=[[price, count]])


def _state(venue: Venue, placed: PlacedOrder, minutes: int) -> Any:
    return venue.orders(placed=[placed], now=NOW + minutes * MINUTE)[placed.order.client_order_id]


def test_placing_again_gives_the_same_order_and_the_same_fills(venue, market):
    order = _order(market, count=Decimal(12), price_dollars=Decimal("0.25"))

    first = venue.place(order=order, now=NOW)

    assert venue.place(order=order, now=NOW) == first
    identities = [fill.venue_trade_id for fill in first.fills]
    assert len(set(identities)) == 2


def test_paper_takes_no_order_that_the_exchange_would_not_have_taken(venue, market):
    ExchangeStatus.objects.create(
        read_at=NOW, confirmed_at=NOW, is_exchange_active=True, is_trading_active=False
    )
    placed = PlacedOrder(order=_order(market), placed_at=NOW)

    report = venue.place(order=placed.order, now=NOW)

    assert (report.outcome, report.fills) == ("rejected", ())
    assert "paused" in report.reason
    assert _state(venue, placed, minutes=30).status == "rejected", "also when asked later"


def test_paper_rests_on_the_weekly_pause(venue, market):
    thursday = dt.datetime(2024, 11, 14, 9, 0, tzinfo=dt.UTC)
    Market.objects.update(open_time=thursday - MINUTE)
    BookSnapshotFactory(market=market, at=thursday)

    report = venue.place(order=_order(market), now=thursday)

    assert report.outcome == "rejected"
    assert "Thursday" in report.reason


def test_a_pause_after_the_fact_does_not_undo_a_resting_order(venue, market):
    placed = _resting(market)
    _offer(market, minutes=10, count="3.00")
    Market.objects.update(status=Market.Status.INACTIVE)

    report = _state(venue, placed, 10)

    assert (report.status, report.filled_count) == ("resting", Decimal(3))


def test_an_old_book_rejects(venue, market):
    report = venue.place(order=_order(market), now=NOW + 21 * MINUTE)

    assert report.outcome == "rejected"
    assert "no fresh book" in report.reason


def test_a_book_of_the_future_is_not_seen(venue, market):
    report = venue.place(order=_order(market), now=NOW - MINUTE)

    assert report.outcome == "rejected"


def test_without_a_known_fee_nothing_is_accepted(venue, market):
    market.event.series.fee_schedules.all().delete()

    report = venue.place(order=_order(market), now=NOW)

    assert report.outcome == "rejected"
    assert "No fee was known" in report.reason


def test_a_resting_order_waits_until_somebody_offers_at_its_price(venue, market):
    placed = _resting(market)
    assert venue.place(order=placed.order, now=NOW).status == "resting"
    BookSnapshotFactory(market=market, at=NOW + 5 * MINUTE)
    _offer(market, minutes=10, count="3.00")
    _offer(market, minutes=15, count="3.00")
    _offer(market, minutes=20, count="9.00")

    assert _state(venue, placed, 5).fills == ()
    at_ten = _state(venue, placed, 10)
    assert [(fill.count, fill.is_taker) for fill in at_ten.fills] == [(Decimal(3), False)]
    assert at_ten.fills[0].price_dollars == Decimal("0.22")
    assert at_ten.fills[0].fee_dollars == 0
    # The same three contracts shown again are not new ones.
    assert _state(venue, placed, 15).fills == at_ten.fills
    at_end = _state(venue, placed, 20)
    assert at_end.status == "filled"
    assert at_end.filled_count == Decimal(4)
    assert at_end.fills[0] == at_ten.fills[0]


def test_what_rests_at_the_close_is_cancelled(venue, market):
    placed = _resting(market)

    report = venue.orders(placed=[placed], now=market.close_time)["order-1"]

    assert report.status == "cancelled"
    assert "closed" in report.reason


def test_paper_holds_nothing_that_an_order_could_close(venue, market):
    report = venue.place(order=_order(market, closes=True), now=NOW)

    assert report.outcome == "rejected"
