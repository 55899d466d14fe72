from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidOrderError
from boz.core.schemas import BookLevel, FeeTerms, FeeType, OrderBook, Side
from markets.domain.costs import cost_at_price, cost_in_book
from markets.domain.fees import RETAIL_PRECISION

D = Decimal
AT = dt.datetime(2024, 11, 20, 15, tzinfo=dt.UTC)
TERMS = FeeTerms(fee_type=FeeType.QUADRATIC)
WITH_MAKER_FEES = FeeTerms(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)


def _levels(*pairs):
    return tuple(BookLevel(price_dollars=D(price), count=D(count)) for price, count in pairs)


BOOK = OrderBook(
    market_ticker="M",
    at=AT,
    yes_bids=_levels(("0.20", "10"), ("0.19", "5")),
    no_bids=_levels(("0.76", "10"), ("0.70", "40")),
)


def test_price_and_exact_fee_by_hand():
    one = cost_at_price(side=Side.YES, price=D("0.22"), count=D("1"), terms=TERMS)
    ten = cost_at_price(side=Side.YES, price=D("0.22"), count=D("10"), terms=TERMS)

    # 0.07 x 0.22 x 0.78 = 0.012012, rounded up; ten share one rounding.
    assert (one.principal, one.fee, one.total) == (D("0.22"), D("0.0121"), D("0.2321"))
    assert (ten.fee, ten.per_contract) == (D("0.1202"), D("0.23202"))


def test_maker_pays_only_where_the_series_charges_makers():
    free = cost_at_price(side=Side.NO, price=D("0.22"), count=D("10"), terms=TERMS, is_taker=False)
    charged = cost_at_price(
        side=Side.NO, price=D("0.22"), count=D("10"), terms=WITH_MAKER_FEES, is_taker=False
    )

    assert free.fee == 0
    assert charged.fee == D("0.0301")


def test_broker_customer_pays_to_the_cent():
    found = cost_at_price(
        side=Side.YES, price=D("0.22"), count=D("1"), terms=TERMS, precision=RETAIL_PRECISION
    )

    assert found.total == D("0.24")


@pytest.mark.parametrize(
    ("side", "principal", "fee", "worst"),
    [
        # YES asks 0.24 x 10, then 0.30: 2.40 + 0.60; fees 0.12768 and 0.0294, each rounded up.
        (Side.YES, "3.00", "0.1571", "0.30"),
        # NO asks 0.80 x 10, then 0.81 x 2: fees 0.112 and 0.021546.
        (Side.NO, "9.62", "0.1336", "0.81"),
    ],
)
def test_walking_the_book_by_side(side, principal, fee, worst):
    found = cost_in_book(BOOK, side=side, count=D("12"), terms=TERMS)

    assert found is not None
    assert (found.principal, found.fee) == (D(principal), D(fee))
    assert found.worst_price == D(worst)


def test_a_book_that_is_too_thin_has_no_cost():
    assert cost_in_book(BOOK, side=Side.NO, count=D("16"), terms=TERMS) is None
    assert (
        cost_in_book(BOOK, side=Side.YES, count=D("12"), terms=TERMS, limit_price=D("0.24")) is None
    )


@pytest.mark.parametrize("count", ["0", "-1", "NaN"])
def test_purchase_of_nothing_is_refused(count):
    with pytest.raises(InvalidOrderError):
        cost_in_book(BOOK, side=Side.YES, count=D(count), terms=TERMS)
    with pytest.raises(InvalidOrderError):
        cost_at_price(side=Side.YES, price=D("0.5"), count=D(count), terms=TERMS)


@settings(deadline=None)  # a busy machine is no failure
@given(price=st.integers(1, 99), count=st.integers(1, 100_000))
def test_fee_is_never_below_the_formula_nor_a_step_above(price, count):
    p, n = D(price) / 100, D(count) / 100

    found = cost_at_price(side=Side.YES, price=p, count=n, terms=TERMS)

    exact = D("0.07") * n * p * (1 - p)
    # Up to a step for the fee, and one for the balance.
    assert exact <= found.fee < exact + D("0.0002")
    assert found.total == found.principal + found.fee
