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


def test_mids_are_normalised():
    found = implied_probabilities([_book("A", "0.30", "0.34"), _book("B", "0.64", "0.70")])

    assert found == pytest.approx([0.32 / 0.99, 0.67 / 0.99])


@pytest.mark.parametrize(
    ("bid", "ask", "mid"),
    [
        ("0.30", "0.34", 0.32),
        (None, "0.02", 0.01),
        ("0.97", None, 0.985),
        ("0.60", "0.60", None),
        ("0.60", "0.50", None),
    ],
)
def test_a_one_sided_quote_counts_only_when_it_bounds_the_price(bid, ask, mid):
    rest = D(str(0.5 if mid is None else 1 - mid))
    other = _book("B", rest - D("0.005"), rest + D("0.005"))

    found = implied_probabilities([_book("A", bid, ask), other])

    assert found == (None if mid is None else pytest.approx([mid, 1 - mid], abs=0.01))


def test_an_unquoted_bracket_gets_what_the_others_leave():
    """Exactly one pays: with 0.97 bid for the rest, a dead tail has at most three cents."""
    dead, cold, warm = _book("A"), _book("B", "0.60", "0.62"), _book("C", "0.37", "0.39")

    found = implied_probabilities([dead, cold, warm])

    assert found == pytest.approx([0.015, 0.605, 0.38], abs=0.01)
    assert implied_probabilities([dead, cold]) is None, "too much is left open"
    assert implied_probabilities([None, cold, warm]) is None, "no book is no quote at all"


def test_a_ladder_whose_prices_make_no_distribution_is_no_belief():
    assert implied_probabilities([_book("A", "0.90", "0.92"), _book("B", "0.90", "0.92")]) is None
    assert implied_probabilities([_book("A", None, "0.10"), _book("B", None, "0.10")]) is None
    assert implied_probabilities([]) is None


def test_a_price_really_paid_stands_in_where_quotes_leave_too_much_open():
    wide, known = _book("A", "0.20", None), _book("B", "0.50", "0.52")

    assert implied_probabilities([wide, known]) is None
    found = implied_probabilities([wide, known], last_prices={"A": D("0.45"), "B": D("0.99")})

    assert found == pytest.approx([0.45 / 0.96, 0.51 / 0.96]), "a good quote beats a last price"


@pytest.mark.parametrize(("last", "counted"), [("0.05", "0.30"), ("0.97", "0.50")])
def test_a_last_price_is_moved_into_what_the_quotes_allow(last, counted):
    wide, known = _book("A", "0.30", None), _book("B", "0.50", "0.52")

    found = implied_probabilities([wide, known], last_prices={"A": D(last)})

    assert found[0] / found[1] == pytest.approx(float(D(counted) / D("0.51")))


def test_a_last_price_is_no_cure_for_an_absent_or_crossed_book():
    known, last = _book("B", "0.50", "0.52"), {"A": D("0.48"), "B": D("0.51")}

    assert implied_probabilities([None, known], last_prices=last) is None
    assert implied_probabilities([_book("A", "0.60", "0.50"), known], last_prices=last) is None


@settings(deadline=None)  # a busy machine is no failure
@given(
    rungs=st.lists(
        st.tuples(
            st.integers(0, 60), st.none() | st.integers(1, 39), st.none() | st.integers(1, 99)
        ),
        min_size=2,
        max_size=8,
    )
)
def test_implied_probabilities_are_a_distribution_or_nothing(rungs):
    books = [
        _book(f"M{i}", D(bid) / 100 if bid else None, None if gap is None else D(bid + gap) / 100)
        for i, (bid, gap, _) in enumerate(rungs)
    ]
    last = {f"M{i}": D(cents) / 100 for i, (_, _, cents) in enumerate(rungs) if cents is not None}

    found = implied_probabilities(books, last_prices=last)

    if found is not None:
        assert len(found) == len(rungs)
        assert abs(math.fsum(found) - 1) <= 1e-12
        assert all(0 < p < 1 for p in found)


def test_asks_of_no_mirror_the_bids_of_yes():
    book = _book("A", "0.30", "0.34")

    assert walk_book(book.asks(Side.NO), count=D("1")).cost == D("0.70")
