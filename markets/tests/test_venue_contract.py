"""What every venue must do; runs over each venue that can be had."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidOrderError, OperatorActionRequired
from boz.core.schemas import Side
from markets.models import BookSnapshot, Market
from markets.tests.factories import NOW, BookSnapshotFactory, make_ladder
from markets.venues import PlacedOrder, Venue, VenueOrder, get_venue

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(params=["paper"])
def venue(request: pytest.FixtureRequest) -> Venue:
    return get_venue(request.param)


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


def test_a_taker_pays_the_displayed_price_and_the_exact_fee(venue, market):
    report = venue.place(order=_order(market), now=NOW)

    assert (report.outcome, report.status, report.reason) == ("accepted", "filled", "")
    (fill,) = report.fills
    assert (fill.price_dollars, fill.count, fill.is_taker) == (Decimal("0.24"), Decimal(4), True)
    # 0.07 x 4 x 0.24 x 0.76 = 0.051072, up to the next hundredth of a cent.
    assert fill.fee_dollars == Decimal("0.0511")
    assert fill.at == NOW


def test_a_no_buyer_is_filled_from_the_yes_bids(venue, market):
    order = _order(market, side=Side.NO, price_dollars=Decimal("0.80"))

    (fill,) = venue.place(order=order, now=NOW).fills

    assert fill.price_dollars == Decimal("0.80")


def test_a_large_order_walks_the_book_and_what_is_left_is_cancelled(venue, market):
    order = _order(market, count=Decimal(70), price_dollars=Decimal("0.25"))

    report = venue.place(order=order, now=NOW)

    assert [(str(f.price_dollars), int(f.count)) for f in report.fills] == [
        ("0.2400", 10),
        ("0.2500", 40),
    ]
    assert report.status == "cancelled"
    assert "20" in report.reason


def test_placing_again_gives_the_same_order_and_the_same_fills(venue, market):
    order = _order(market, count=Decimal(12), price_dollars=Decimal("0.25"))

    first = venue.place(order=order, now=NOW)

    assert venue.place(order=order, now=NOW) == first
    identities = [fill.venue_trade_id for fill in first.fills]
    assert len(set(identities)) == 2


def test_different_orders_have_different_identities(venue, market):
    one = venue.place(order=_order(market), now=NOW)
    two = venue.place(order=_order(market, client_order_id="order-2"), now=NOW)

    assert one.venue_order_id != two.venue_order_id
    assert one.fills[0].venue_trade_id != two.fills[0].venue_trade_id


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"count": Decimal(0)}, "A count is a multiple"),
        ({"count": Decimal(-1)}, "A count is a multiple"),
        ({"count": Decimal("0.005")}, "A count is a multiple"),
        ({"price_dollars": Decimal("0.245")}, "not on the price grid"),
        ({"price_dollars": Decimal(0)}, "not on the price grid"),
        ({"price_dollars": Decimal(1)}, "not on the price grid"),
        ({"price_dollars": Decimal("NaN")}, "not on the price grid"),
        ({"market_ticker": "NOWHERE"}, "There is no market NOWHERE"),
        ({"time_in_force": "forever"}, "no time in force"),
        ({"client_order_id": ""}, "needs a client order id"),
        (
            {"post_only": True, "time_in_force": "good_till_canceled"},
            "post-only order would have crossed",
        ),
    ],
)
def test_what_cannot_be_an_order_is_rejected_with_a_sentence(venue, market, fields, sentence):
    report = venue.place(order=_order(market, **fields), now=NOW)

    assert (report.outcome, report.status, report.fills) == ("rejected", "rejected", ())
    assert sentence in report.reason


def test_a_closed_market_rejects(venue, market):
    BookSnapshotFactory(market=market, at=market.close_time - MINUTE)

    assert venue.place(order=_order(market), now=market.close_time - MINUTE).outcome == "accepted"
    report = venue.place(order=_order(market), now=market.close_time)

    assert report.outcome == "rejected"
    assert "is not open" in report.reason


def test_a_paused_market_rejects(venue, market):
    Market.objects.update(status=Market.Status.INACTIVE)

    assert venue.place(order=_order(market), now=NOW).outcome == "rejected"


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


def test_an_empty_book_fills_nothing(venue, market):
    BookSnapshot.objects.update(yes_bids=[], no_bids=[])

    report = venue.place(order=_order(market), now=NOW)

    assert (report.outcome, report.status, report.fills) == ("accepted", "cancelled", ())


def test_without_a_known_fee_nothing_is_accepted(venue, market):
    market.event.series.fee_schedules.all().delete()

    report = venue.place(order=_order(market), now=NOW)

    assert report.outcome == "rejected"
    assert "No fee was known" in report.reason


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


def test_a_cancelled_order_keeps_its_fills(venue, market):
    placed = _resting(market)
    _offer(market, minutes=10, count="3.00")

    report = venue.cancel(placed=placed, now=NOW + 10 * MINUTE)

    assert (report.status, report.filled_count) == ("cancelled", Decimal(3))


def test_what_rests_at_the_close_is_cancelled(venue, market):
    placed = _resting(market)

    report = venue.orders(placed=[placed], now=market.close_time)["order-1"]

    assert report.status == "cancelled"
    assert "closed" in report.reason


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    count=st.integers(1, 9000),
    cents=st.integers(1, 99),
    side=st.sampled_from(list(Side)),
    time_in_force=st.sampled_from(["fill_or_kill", "immediate_or_cancel", "good_till_canceled"]),
)
def test_no_fill_is_larger_or_dearer_than_asked(venue, market, count, cents, side, time_in_force):
    order = _order(
        market,
        count=Decimal(count) / 100,
        price_dollars=Decimal(cents) / 100,
        side=side,
        time_in_force=time_in_force,
    )

    report = venue.place(order=order, now=NOW)

    assert report.filled_count <= order.count
    assert all(fill.price_dollars <= order.price_dollars for fill in report.fills)
    assert all(fill.fee_dollars >= 0 for fill in report.fills)
    prices = [fill.price_dollars for fill in report.fills]
    assert all(a < b for a, b in itertools.pairwise(prices))
    if time_in_force == "fill_or_kill":
        assert report.filled_count in (0, order.count)


@pytest.mark.parametrize("name", ["demo", "live"])
def test_real_venues_say_that_they_are_not_available(name):
    with pytest.raises(OperatorActionRequired, match="not available yet"):
        get_venue(name)


def test_an_unheard_of_venue_is_refused():
    with pytest.raises(InvalidOrderError, match="no venue 'nowhere'"):
        get_venue("nowhere")
