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

from boz.core.errors import InvalidOrderError
from boz.core.schemas import Side
from markets.models import BookSnapshot, Market
from markets.tests.account_exchange import AccountExchange, open_fake
from markets.tests.factories import NOW, BookSnapshotFactory, make_ladder
from markets.venues import PlacedOrder, Venue, VenueOrder, get_venue

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)
_NUMBERS = itertools.count(1)


class PaperWorld:
    """Paper: whoever sells to a resting order shows up in a later book."""

    def __init__(self) -> None:
        self.venue: Venue = get_venue("paper")
        self._sold = Decimal(0)

    def sell(self, market: Market, count: str, *, minutes: int) -> None:
        self._sold += Decimal(count)
        BookSnapshotFactory(
            market=market, at=NOW + minutes * MINUTE, no_bids=[["0.7900", f"{self._sold:.2f}"]]
        )

    def move_to(self, now: dt.datetime) -> None:
        """Paper has no clock."""


class ExchangeWorld:
    """The exchange: whoever sells to a resting order fills it."""

    def __init__(self) -> None:
        self.exchange = AccountExchange()
        self.venue: Venue = open_fake(self.exchange)

    def sell(self, market: Market, count: str, *, minutes: int) -> None:
        self.move_to(NOW + minutes * MINUTE)
        for order in list(self.exchange.orders.values()):
            if order["ticker"] == market.ticker and order["status"] == "resting":
                side = order["outcome_side"]
                self.exchange.add_fill(
                    order["order_id"],
                    count=min(Decimal(count), Decimal(order["remaining_count_fp"])),
                    price=Decimal(order[f"{side}_price_dollars"]),
                    fee=Decimal(0),
                    is_taker=False,
                )

    def move_to(self, now: dt.datetime) -> None:
        self.exchange.now = now
        self.exchange.as_of = now + dt.timedelta(hours=1)


World = PaperWorld | ExchangeWorld


@pytest.fixture(params=[PaperWorld, ExchangeWorld])
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.param()
    return made


@pytest.fixture
def venue(world: World) -> Venue:
    return world.venue


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


def test_a_closed_market_rejects(world, venue, market):
    BookSnapshotFactory(market=market, at=market.close_time - MINUTE)
    world.move_to(market.close_time - MINUTE)

    assert venue.place(order=_order(market), now=market.close_time - MINUTE).outcome == "accepted"
    report = venue.place(order=_order(market), now=market.close_time)

    assert report.outcome == "rejected"
    assert "is not open" in report.reason


def test_a_paused_market_rejects(venue, market):
    Market.objects.update(status=Market.Status.INACTIVE)

    assert venue.place(order=_order(market), now=NOW).outcome == "rejected"


def test_an_empty_book_fills_nothing(venue, market):
    BookSnapshot.objects.update(yes_bids=[], no_bids=[])

    report = venue.place(order=_order(market), now=NOW)

    assert (report.outcome, report.status, report.fills) == ("accepted", "cancelled", ())


def _rest(world: World, market: Market, **fields: Any) -> PlacedOrder:
    order = _order(
        market,
        **{
            "price_dollars": Decimal("0.22"),
            "time_in_force": "good_till_canceled",
            "post_only": True,
            **fields,
        },
    )
    report = world.venue.place(order=order, now=NOW)
    assert (report.outcome, report.status, report.fills) == ("accepted", "resting", ())
    return PlacedOrder(order, NOW, report.venue_order_id)


def _state(world: World, placed: PlacedOrder, minutes: int) -> Any:
    reports = world.venue.orders(placed=[placed], now=NOW + minutes * MINUTE)
    return reports[placed.order.client_order_id]


def test_a_resting_order_is_filled_as_a_maker_at_its_own_price(world, market):
    placed = _rest(world, market)
    assert _state(world, placed, 5).fills == ()

    world.sell(market, "3.00", minutes=10)
    partly = _state(world, placed, 10)
    world.sell(market, "6.00", minutes=20)
    full = _state(world, placed, 20)

    (fill,) = partly.fills
    assert (fill.count, fill.price_dollars, fill.is_taker) == (Decimal(3), Decimal("0.22"), False)
    assert (partly.status, full.status) == ("resting", "filled")
    assert full.filled_count == Decimal(4)
    assert full.fills[0] == fill


def test_a_resting_order_is_found_again_without_its_identity_at_the_venue(world, market):
    placed = dataclasses.replace(_rest(world, market, side=Side.NO), venue_order_id="")

    assert _state(world, placed, 5).status == "resting"


def test_a_cancelled_order_keeps_its_fills(world, market):
    placed = _rest(world, market)
    world.sell(market, "3.00", minutes=10)

    report = world.venue.cancel(placed=placed, now=NOW + 10 * MINUTE)

    assert (report.status, report.filled_count) == ("cancelled", Decimal(3))


def test_an_order_that_was_filled_first_is_not_cancelled(world, market):
    placed = _rest(world, market)
    world.sell(market, "4.00", minutes=10)

    report = world.venue.cancel(placed=placed, now=NOW + 10 * MINUTE)

    assert (report.status, report.filled_count) == ("filled", Decimal(4))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    count=st.integers(1, 9000),
    cents=st.integers(1, 99),
    side=st.sampled_from(list(Side)),
    time_in_force=st.sampled_from(["fill_or_kill", "immediate_or_cancel", "good_till_canceled"]),
)
def test_no_fill_is_larger_or_dearer_than_asked(venue, market, count, cents, side, time_in_force):
    order = _order(
        market,
        client_order_id=f"order-{next(_NUMBERS)}",
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


def test_an_unheard_of_venue_is_refused():
    with pytest.raises(InvalidOrderError, match="no venue 'nowhere'"):
        get_venue("nowhere")
