from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.schemas import BookLevel, FeeTerms, FeeType, OrderBook, Side
from markets.domain.fees import RETAIL_PRECISION, OrderFeeAccumulator
from markets.matching import (
    MatchStatus,
    TimeInForce,
    match_against_book,
)

D = Decimal
AT = dt.datetime(2024, 11, 20, 15, tzinfo=dt.UTC)
TERMS = FeeTerms(fee_type=FeeType.QUADRATIC)
IOC = TimeInForce.IMMEDIATE_OR_CANCEL
FOK = TimeInForce.FILL_OR_KILL
GTC = TimeInForce.GOOD_TILL_CANCELED


def _levels(*pairs):
    return tuple(BookLevel(price_dollars=D(price), count=D(count)) for price, count in pairs)


#: YES is offered at 0.20 (5) and 0.22 (10), and bid at 0.18 (7).
BOOK = OrderBook(
    market_ticker="M",
    at=AT,
    yes_bids=_levels(("0.18", "7")),
    no_bids=_levels(("0.80", "5"), ("0.78", "10")),
)


def _match(count, limit, time_in_force=IOC, *, book=BOOK, side=Side.YES, post_only=False, **more):
    return match_against_book(
        book=book,
        side=side,
        limit_price=D(limit),
        count=D(count),
        time_in_force=time_in_force,
        post_only=post_only,
        terms=TERMS,
        **more,
    )


def test_taker_gets_the_price_of_each_level_not_the_limit():
    result = _match("8", "0.30")

    assert [(fill.price, fill.count) for fill in result.fills] == [(D("0.20"), 5), (D("0.22"), 3)]
    assert result.status is MatchStatus.FILLED
    assert result.fills[0].fee == D("0.0560")
    assert result.cash == D("1.66") + D("0.056") + D("0.0361")


def test_buying_no_takes_the_bids_of_yes():
    result = _match("7", "0.82", side=Side.NO)

    assert [(fill.price, fill.count) for fill in result.fills] == [(D("0.82"), 7)]


@pytest.mark.parametrize(
    ("time_in_force", "status", "filled"),
    [(IOC, MatchStatus.CANCELED, 5), (GTC, MatchStatus.RESTING, 5), (FOK, MatchStatus.CANCELED, 0)],
)
def test_time_in_force_decides_about_what_is_not_offered(time_in_force, status, filled):
    result = _match("6", "0.21", time_in_force)

    assert result.status is status
    assert result.filled == filled
    assert result.remaining == 6 - filled
    assert bool(result.reason) is (status is MatchStatus.CANCELED)


def test_fill_or_kill_fills_whole_when_the_book_holds_it():
    result = _match("15", "0.22", FOK)

    assert (result.status, result.filled) == (MatchStatus.FILLED, 15)


def test_limit_at_the_level_takes_it_and_a_tick_below_does_not():
    assert _match("1", "0.20").filled == 1
    assert _match("1", "0.19").filled == 0


def test_post_only_order_that_would_take_is_rejected_whole():
    result = _match("1", "0.20", GTC, post_only=True)

    assert (result.status, result.fills, result.remaining) == (MatchStatus.REJECTED, (), 1)
    assert "crossed" in result.reason


def test_post_only_order_below_the_ask_rests():
    assert _match("1", "0.19", GTC, post_only=True).status is MatchStatus.RESTING


def test_empty_book_fills_nothing():
    result = _match("1", "0.99", book=OrderBook(market_ticker="M", at=AT))

    assert (result.status, result.filled) == (MatchStatus.CANCELED, 0)


def test_crossed_book_is_not_believed():
    crossed = OrderBook(
        market_ticker="M",
        at=AT,
        yes_bids=_levels(("0.60", "1")),
        no_bids=_levels(("0.45", "1")),
    )

    with pytest.raises(InvalidDataError, match="crossed"):
        _match("1", "0.60", book=crossed)


def test_rounding_overpaid_by_an_earlier_fill_comes_back_on_a_later_one():
    carried = OrderFeeAccumulator(precision=RETAIL_PRECISION, accumulated=D("0.0099"))

    fresh = _match("1", "0.20", accumulator=OrderFeeAccumulator(precision=RETAIL_PRECISION))
    later = _match("1", "0.20", accumulator=carried)

    assert later.fills[0].fee == fresh.fills[0].fee - D("0.01")
    assert later.accumulator.accumulated == fresh.accumulator.accumulated + D("0.0099") - D("0.01")


@pytest.mark.parametrize(
    ("count", "limit", "time_in_force", "post_only"),
    [
        ("0", "0.20", IOC, False),
        ("-1", "0.20", IOC, False),
        ("0.005", "0.20", IOC, False),
        ("NaN", "0.20", IOC, False),
        ("1", "0", IOC, False),
        ("1", "1", IOC, False),
        ("1", "NaN", IOC, False),
        ("1", "0.20", IOC, True),
        ("1", "0.20", FOK, True),
    ],
)
def test_malformed_order_is_refused(count, limit, time_in_force, post_only):
    with pytest.raises(InvalidOrderError):
        _match(count, limit, time_in_force, post_only=post_only)


@st.composite
def _books(draw):
    prices = draw(st.lists(st.integers(1, 99), max_size=6, unique=True))
    split = draw(st.integers(1, 99))
    sizes = st.integers(1, 3000).map(lambda n: D(n) / 100)

    def side(cents):
        return tuple(
            BookLevel(price_dollars=D(c) / 100, count=draw(sizes))
            for c in sorted(cents, reverse=True)
        )

    return OrderBook(
        market_ticker="M",
        at=AT,
        yes_bids=side([p for p in prices if p < split]),
        no_bids=side([100 - p for p in prices if p >= split]),
    )


@settings(deadline=None)  # a busy machine is no failure
@given(
    book=_books(),
    side=st.sampled_from(Side),
    count=st.integers(1, 10_000).map(lambda n: D(n) / 100),
    cents=st.integers(1, 99),
    time_in_force=st.sampled_from(TimeInForce),
    precision=st.sampled_from([D("0.0001"), D("0.01")]),
)
def test_no_order_gets_more_than_was_displayed_or_pays_more_than_it_said(
    book, side, count, cents, time_in_force, precision
):
    limit = D(cents) / 100

    result = _match(
        count,
        limit,
        time_in_force,
        book=book,
        side=side,
        accumulator=OrderFeeAccumulator(precision=precision),
    )

    offered = {level.price_dollars: level.count for level in book.asks(side)}
    reachable = sum((c for p, c in offered.items() if p <= limit), D("0"))
    expected = min(count, reachable)
    if time_in_force is FOK and reachable < count:
        expected = D("0")
    assert result.filled == expected
    assert result.filled + result.remaining == count
    assert all(fill.count <= offered[fill.price] for fill in result.fills)
    assert all(fill.price <= limit and fill.fee >= 0 for fill in result.fills)
    assert [f.price for f in result.fills] == sorted({f.price for f in result.fills})
    stake = sum((f.price * f.count for f in result.fills), D("0"))
    fees = sum((f.fee for f in result.fills), D("0"))
    assert result.cash == stake + fees
    assert result.cash % precision == 0
    assert (result.status is MatchStatus.FILLED) is (result.remaining == 0)
