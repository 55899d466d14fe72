from __future__ import annotations

import datetime as dt
import itertools
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


def _bids(levels):
    return tuple(
        BookLevel(price_dollars=1 - D(price), count=D(count))
        for price, count in sorted(levels, key=lambda level: D(level[0]))
    )


def _ladder(*asks, side=Side.YES):
    """Offer ``side`` in each market at (price, count) levels; the other side is quoted at 0.01."""
    ladder = {}
    for i, (bracket, levels) in enumerate(zip(BRACKETS, asks, strict=True)):
        book = OrderBook(
            market_ticker=f"M{i}",
            at=AT,
            no_bids=_bids(levels) if side is Side.YES else (),
            yes_bids=_bids(levels) if side is Side.NO else (),
        )
        ladder[f"M{i}"] = (bracket, book)
    return ladder


def test_all_yes_below_a_dollar_after_fees_is_found_at_its_depth():
    ladder = _ladder(
        [("0.20", "5"), ("0.40", "50")], [("0.30", "8")], [("0.30", "3"), ("0.35", "9")]
    )

    found = ladder_arbitrage(ladder, terms=TERMS)

    # Three sets at 0.80 and two at 0.85; the next would cost 1.05. Fees of each leg's fills:
    # 0.056; 0.0735; 0.0441 and 0.03185, rounded up.
    assert found is not None
    assert (found.side, found.payoff) == (Side.YES, 5)
    assert {ticker: leg.count for ticker, leg in found.legs.items()} == {"M0": 5, "M1": 5, "M2": 5}
    fees = D("0.056") + D("0.0735") + D("0.0441") + D("0.0319")
    assert found.cost == 3 * D("0.80") + 2 * D("0.85") + fees
    assert found.profit == 5 - found.cost
    assert found.legs["M2"].worst_price == D("0.35")


def test_fees_can_eat_a_gap():
    ladder = _ladder([("0.32", "5")], [("0.32", "5")], [("0.33", "5")])

    assert ladder_arbitrage(ladder, terms=TERMS) is None
    assert ladder_arbitrage(ladder, terms=FREE) is not None


def test_rounding_can_eat_the_gap_of_a_tiny_size():
    # 0.98516 for a whole set; a hundredth of one costs 0.0094 and three fees of 0.0002.
    for count, is_found in (("1", True), ("0.01", False)):
        ladder = _ladder(*([(price, count)] for price in ("0.32", "0.32", "0.30")))

        assert (ladder_arbitrage(ladder, terms=TERMS) is not None) is is_found


def test_all_no_pays_for_every_market_but_one():
    ladder = _ladder([("0.60", "4")], [("0.60", "4")], [("0.60", "4")], side=Side.NO)

    found = ladder_arbitrage(ladder, terms=FREE)

    assert found is not None
    assert (found.side, found.payoff, found.cost) == (Side.NO, 8, D("7.20"))


def test_two_brackets_bid_above_a_dollar_together_are_enough():
    ladder = _ladder([("0.40", "4")], [("0.50", "9")], [("0.99", "100")], side=Side.NO)

    found = ladder_arbitrage(ladder, terms=TERMS)

    # 0.99 + 0.000693 still adds a little.
    assert found is not None
    assert {ticker: leg.count for ticker, leg in found.legs.items()} == {"M0": 4, "M1": 4, "M2": 4}
    assert found.payoff == 8


def test_leg_that_costs_more_than_it_adds_is_left_out():
    dear = FeeTerms(fee_type=FeeType.QUADRATIC, multiplier=D("20"))
    ladder = _ladder([("0.05", "4")], [("0.05", "9")], [("0.90", "100")], side=Side.NO)

    found = ladder_arbitrage(ladder, terms=dear)

    # 0.90 + 1.4 x 0.09 is more than the dollar that it pays.
    assert found is not None
    assert set(found.legs) == {"M0", "M1"}
    assert (found.payoff, found.cost) == (4, 2 * (D("0.20") + D("0.266")))


def test_a_leg_that_runs_out_leaves_the_others_going_while_they_pay():
    ladder = _ladder([("0.30", "6")], [("0.40", "6")], [("0.90", "2")], side=Side.NO)

    found = ladder_arbitrage(ladder, terms=FREE)

    # Two sets of three pay 2 each, four sets of two pay 1 each.
    assert found is not None
    assert {ticker: leg.count for ticker, leg in found.legs.items()} == {"M0": 6, "M1": 6, "M2": 2}
    assert found.payoff == 2 * 2 + 4 * 1


def test_market_without_an_offer_leaves_no_set_of_yes():
    ladder = _ladder([("0.10", "5")], [("0.10", "5")], [])
    bracket, book = ladder["M2"]
    bid = (BookLevel(price_dollars=D("0.01"), count=D("1")),)
    ladder["M2"] = (bracket, book.model_copy(update={"yes_bids": bid}))

    assert ladder_arbitrage(ladder, terms=TERMS) is None


@pytest.mark.parametrize("side", Side)
def test_a_rung_without_any_quote_leaves_nothing(side):
    ladder = _ladder([("0.10", "5")], [("0.10", "5")], [], side=side)

    assert ladder_arbitrage(ladder, terms=TERMS) is None


def test_incomplete_ladder_promises_nothing():
    ladder = _ladder([("0.10", "5")], [("0.10", "5")], [("0.10", "5")])
    del ladder["M1"]

    with pytest.raises(QuarantinedError, match="gap"):
        ladder_arbitrage(ladder, terms=TERMS)


def test_crossed_book_is_not_believed():
    ladder = _ladder([("0.10", "5")], [("0.10", "5")], [("0.10", "5")])
    bracket, book = ladder["M1"]
    bid = (BookLevel(price_dollars=D("0.50"), count=D("1")),)
    ladder["M1"] = (bracket, book.model_copy(update={"yes_bids": bid}))

    with pytest.raises(InvalidDataError, match="crossed"):
        ladder_arbitrage(ladder, terms=TERMS)


LEVELS = st.lists(
    st.tuples(st.integers(1, 99), st.integers(1, 900)), max_size=3, unique_by=lambda x: x[0]
).map(lambda rows: [(D(p) / 100, D(c) / 100) for p, c in sorted(rows)])


@settings(deadline=None)  # a busy machine is no failure
@given(asks=st.tuples(LEVELS, LEVELS, LEVELS), side=st.sampled_from(Side))
def test_every_set_found_wins_in_every_outcome_and_was_displayed(asks, side):
    found = ladder_arbitrage(_ladder(*asks, side=side), terms=TERMS)

    if found is None:
        return
    assert found.profit > 0
    for winner in ("M0", "M1", "M2"):
        paid = sum(
            leg.count
            for ticker, leg in found.legs.items()
            if (ticker == winner) is (found.side is Side.YES)
        )
        assert paid >= found.payoff > found.cost
    for ticker, leg in found.legs.items():
        levels = asks[int(ticker[1])]
        assert leg.count <= sum(count for price, count in levels if price <= leg.worst_price)


ONE_LEVEL = st.tuples(st.integers(1, 99), st.integers(1, 5)).map(
    lambda x: [(D(x[0]) / 100, D(x[1]))]
)


@settings(deadline=None)
@given(asks=st.tuples(ONE_LEVEL, ONE_LEVEL, ONE_LEVEL))
def test_no_whole_number_of_no_contracts_is_surer(asks):
    """Every combination tried: none is left with more for sure, before rounding."""
    found = ladder_arbitrage(_ladder(*asks, side=Side.NO), terms=FREE)

    best = D(0)
    for counts in itertools.product(*(range(int(levels[0][1]) + 1) for levels in asks)):
        payoff = sum(counts) - max(counts)
        cost = sum(n * levels[0][0] for n, levels in zip(counts, asks, strict=True))
        best = max(best, payoff - cost)
    assert (D(0) if found is None else found.profit) == best
