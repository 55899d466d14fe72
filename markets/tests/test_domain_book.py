from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.schemas import BookLevel, OrderBook, Side
from markets.domain.book import implied_probabilities, walk_book

D = Decimal
AT = dt.datetime(2024, 11, 20, 15, tzinfo=dt.UTC)


def _levels(*pairs):
    return tuple(BookLevel(price_dollars=D(price), count=D(count)) for price, count in pairs)


def _book(ticker, bid=None, ask=None):
    return OrderBook(
        market_ticker=ticker,
        at=AT,
        yes_bids=() if bid is None else _levels((bid, "10")),
        no_bids=() if ask is None else _levels((1 - D(ask), "10")),
    )


ASKS = _levels(("0.20", "5"), ("0.22", "10"), ("0.30", "100"))


def test_walk_pays_each_level_its_own_price():
    walk = walk_book(ASKS, count=D("12"))

    assert walk.count == 12
    assert walk.cost == D("2.54")
    assert walk.average_price == D("0.211667")
    assert walk.worst_price == D("0.22")
    assert walk.unfilled == 0
    assert [level.count for level in walk.levels] == [5, 7]


def test_walk_says_what_the_book_does_not_hold():
    assert walk_book(ASKS, count=D("200")).unfilled == 85
    assert walk_book((), count=D("1")).average_price is None


def test_walk_stops_at_the_limit_price():
    walk = walk_book(ASKS, count=D("200"), limit_price=D("0.22"))

    assert (walk.count, walk.worst_price) == (15, D("0.22"))


def test_walk_for_a_budget_never_overspends():
    walk = walk_book(ASKS, budget=D("2.00"))

    assert walk.count == D("9.54")
    assert walk.cost == D("1.9988")
    assert walk_book(ASKS, budget=D("2.00"), count_step=D("1")).count == 9


def test_budget_of_zero_is_a_value_that_buys_nothing():
    walk = walk_book(ASKS, budget=D("0"))

    assert (walk.count, walk.cost, walk.worst_price) == (0, 0, None)


@pytest.mark.parametrize(
    "wanted", [{}, {"count": D("1"), "budget": D("1")}, {"count": D("-1")}, {"budget": D("NaN")}]
)
def test_walk_needs_one_sensible_aim(wanted):
    with pytest.raises(InvalidOrderError):
        walk_book(ASKS, **wanted)


def test_asks_out_of_order_are_refused():
    with pytest.raises(InvalidDataError, match="rise"):
        walk_book(tuple(reversed(ASKS)), count=D("100"))


@settings(deadline=None)  # a busy machine is no failure
@given(
    sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=6),
    budget=st.integers(0, 100_000),
)
def test_budget_walk_leaves_less_than_one_more_step_would_cost(sizes, budget):
    asks = tuple(
        BookLevel(price_dollars=D(10 + 7 * i) / 100, count=D(size) / 100)
        for i, size in enumerate(sizes)
    )
    money = D(budget) / 10000

    walk = walk_book(asks, budget=money)

    assert walk.cost <= money
    displayed = sum(level.count for level in asks)
    if walk.count < displayed:
        dearest_next = asks[-1].price_dollars * D("0.01")
        assert money - walk.cost < dearest_next


def test_mids_are_normalised_and_the_overround_is_told():
    ladder = implied_probabilities([_book("A", "0.30", "0.34"), _book("B", "0.68", "0.72")])

    assert ladder.overround == pytest.approx(0.02)
    assert ladder.probabilities == pytest.approx({"A": 0.32 / 1.02, "B": 0.70 / 1.02})
    assert ladder.missing == ()


@pytest.mark.parametrize(
    ("bid", "ask", "reason"),
    [
        (None, None, "no quote"),
        (None, "0.60", "between 0 and 0.60"),
        ("0.40", None, "between 0.40 and 1"),
        ("0.01", "0.99", "between 0.01 and 0.99"),
        ("0.50", "0.50", "crossed"),
        ("0.60", "0.50", "crossed"),
    ],
)
def test_market_without_a_usable_quote_is_never_read_as_zero_or_fifty(bid, ask, reason):
    ladder = implied_probabilities([_book("A", "0.30", "0.34"), _book("B", bid, ask)])

    assert ladder.probabilities is None
    assert ladder.overround is None
    assert ladder.missing == ("B",)
    assert reason in ladder.reasons[0]
    assert ladder.mids == {"A": D("0.32")}


def test_one_sided_quote_near_the_edge_is_the_middle_of_what_it_proves():
    ladder = implied_probabilities([_book("A", None, "0.02"), _book("B", "0.98", None)])

    assert ladder.mids == {"A": D("0.01"), "B": D("0.99")}
    assert ladder.probabilities == {"A": 0.01, "B": 0.99}


def test_no_books_say_nothing():
    assert implied_probabilities([]).probabilities is None


@settings(deadline=None)  # a busy machine is no failure
@given(bids=st.lists(st.integers(0, 94), min_size=2, max_size=8))
def test_implied_probabilities_add_up_to_one(bids):
    books = [
        _book(f"M{i}", None if bid == 0 else D(bid) / 100, D(bid + 5) / 100)
        for i, bid in enumerate(bids)
    ]

    ladder = implied_probabilities(books)

    assert ladder.probabilities is not None
    assert abs(math.fsum(ladder.probabilities.values()) - 1) <= 1e-12
    assert all(0 < p < 1 for p in ladder.probabilities.values())


def test_asks_of_no_mirror_the_bids_of_yes():
    book = _book("A", "0.30", "0.34")

    assert walk_book(book.asks(Side.NO), count=D("1")).cost == D("0.70")
