from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import BookLevel, Bracket, FeeTerms, FeeType, OrderBook, Side
from markets.domain.arbitrage import ladder_arbitrage

D = Decimal
AT = dt.datetime(2024, 11, 20, 15, tzinfo=dt.UTC)
TERMS = FeeTerms(fee_type=FeeType.QUADRATIC)
FREE = FeeTerms(fee_type=FeeType.QUADRATIC, multiplier=D("0"))
BRACKETS = [Bracket(high_f=61), Bracket(low_f=62, high_f=63), Bracket(low_f=64)]


def _ladder(*asks, side=Side.YES):
    """Offer ``side`` in each market at (price, count) levels, cheapest first."""
    ladder = {}
    for i, (bracket, levels) in enumerate(zip(BRACKETS, asks, strict=True)):
        bids = tuple(BookLevel(price_dollars=1 - D(p), count=D(c)) for p, c in levels)
        book = OrderBook(
            market_ticker=f"M{i}",
            at=AT,
            no_bids=bids if side is Side.YES else (),
            yes_bids=bids if side is Side.NO else (),
        )
        ladder[f"M{i}"] = (bracket, book)
    return ladder


def test_all_yes_below_a_dollar_after_fees_is_found_at_its_depth():
    ladder = _ladder(
        [("0.20", "5"), ("0.40", "50")], [("0.30", "8")], [("0.30", "3"), ("0.35", "9")]
    )

    found = ladder_arbitrage(ladder, side=Side.YES, terms=TERMS)

    # 3 sets at 0.80 and 2 at 0.85, each slice's fees rounded up; the third slice costs 1.05.
    assert found is not None
    assert found.count == 5
    fees = D("0.0336") + 2 * D("0.0441") + D("0.0224") + D("0.0294") + D("0.0319")
    assert found.cost == 3 * D("0.80") + 2 * D("0.85") + fees
    assert found.profit == 5 - found.cost
    assert found.worst_prices == {"M0": D("0.20"), "M1": D("0.30"), "M2": D("0.35")}


def test_fees_can_eat_a_gap():
    ladder = _ladder([("0.32", "5")], [("0.32", "5")], [("0.33", "5")])

    assert ladder_arbitrage(ladder, side=Side.YES, terms=TERMS) is None
    assert ladder_arbitrage(ladder, side=Side.YES, terms=FREE) is not None


def test_all_no_pays_for_every_market_but_one():
    ladder = _ladder([("0.60", "4")], [("0.60", "4")], [("0.60", "4")], side=Side.NO)

    found = ladder_arbitrage(ladder, side=Side.NO, terms=FREE)

    assert found is not None
    assert (found.payoff, found.cost, found.count) == (8, D("7.20"), 4)


def test_market_without_an_offer_leaves_no_set():
    ladder = _ladder([("0.10", "5")], [("0.10", "5")], [])

    assert ladder_arbitrage(ladder, side=Side.YES, terms=TERMS) is None


def test_incomplete_ladder_promises_nothing():
    ladder = _ladder([("0.10", "5")], [("0.10", "5")], [("0.10", "5")])
    del ladder["M1"]

    with pytest.raises(QuarantinedError, match="gap"):
        ladder_arbitrage(ladder, side=Side.YES, terms=TERMS)


def test_crossed_book_is_not_believed():
    ladder = _ladder([("0.10", "5")], [("0.10", "5")], [("0.10", "5")])
    bracket, book = ladder["M1"]
    bid = (BookLevel(price_dollars=D("0.50"), count=D("1")),)
    ladder["M1"] = (bracket, book.model_copy(update={"yes_bids": bid}))

    with pytest.raises(InvalidDataError, match="crossed"):
        ladder_arbitrage(ladder, side=Side.YES, terms=TERMS)


LEVELS = st.lists(
    st.tuples(st.integers(1, 99), st.integers(1, 900)), max_size=3, unique_by=lambda x: x[0]
).map(lambda rows: [(D(p) / 100, D(c) / 100) for p, c in sorted(rows)])


@settings(deadline=None)  # a busy machine is no failure
@given(asks=st.tuples(LEVELS, LEVELS, LEVELS), side=st.sampled_from(Side))
def test_every_set_found_pays_more_than_it_costs_and_was_displayed(asks, side):
    found = ladder_arbitrage(_ladder(*asks, side=side), side=side, terms=TERMS)

    if found is not None:
        assert found.profit > 0
        for i, levels in enumerate(asks):
            limit = found.worst_prices[f"M{i}"]
            assert found.count <= sum(c for p, c in levels if p <= limit)
