from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.schemas import Side
from markets.domain.ticks import PriceRange, Rounding, is_on_grid, round_to_grid

D = Decimal
CENTS = [PriceRange(D("0"), D("1"), D("0.01"))]
TAPERED = [
    PriceRange(D("0"), D("0.10"), D("0.001")),
    PriceRange(D("0.10"), D("0.90"), D("0.01")),
    PriceRange(D("0.90"), D("1"), D("0.001")),
]


@pytest.mark.parametrize(
    ("price", "on_cents", "on_tapered"),
    [
        ("0.22", True, True),
        ("0.225", False, False),
        ("0.055", False, True),
        ("0.905", False, True),
        ("0.10", True, True),
        ("0.9000", True, True),
        ("0", False, False),
        ("1", False, False),
        ("-0.01", False, False),
    ],
)
def test_grid_is_read_from_the_ranges(price, on_cents, on_tapered):
    assert is_on_grid(D(price), CENTS) is on_cents
    assert is_on_grid(D(price), TAPERED) is on_tapered


@pytest.mark.parametrize(
    ("start", "end", "step"), [("0.5", "0.1", "0.01"), ("0", "1", "0"), ("0", "2", "0.01")]
)
def test_range_that_is_no_grid_is_refused(start, end, step):
    with pytest.raises(InvalidDataError):
        PriceRange(D(start), D(end), D(step))


@pytest.mark.parametrize(
    ("price", "down", "up"),
    [
        ("0.2251", "0.22", "0.23"),
        ("0.0555", "0.055", "0.056"),
        ("0.22", "0.22", "0.22"),
        ("0.8999", "0.89", "0.90"),
        ("0.1001", "0.10", "0.11"),
        ("1", "0.999", None),
        ("0", None, "0.001"),
        ("1.5", "0.999", None),
        ("-1", None, "0.001"),
        ("0.0004", None, "0.001"),
        ("0.9995", "0.999", None),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_rounding_goes_the_way_it_is_told(price, down, up, side):
    # The grid is the same seen from either side.
    for rounding, expected in ((Rounding.DOWN, down), (Rounding.UP, up)):
        if expected is None:
            with pytest.raises(InvalidOrderError, match=side.value.upper()):
                round_to_grid(D(price), TAPERED, rounding=rounding, side=side)
        else:
            found = round_to_grid(D(price), TAPERED, rounding=rounding, side=side)
            assert found == D(expected)


def test_price_of_no_is_rounded_on_the_grid_of_yes():
    skewed = [PriceRange(D("0"), D("0.50"), D("0.001")), PriceRange(D("0.50"), D("1"), D("0.01"))]

    # NO at 0.2251 is YES at 0.7749, where the grid knows whole cents only.
    assert round_to_grid(D("0.2251"), skewed, rounding=Rounding.DOWN, side=Side.NO) == D("0.22")
    assert round_to_grid(D("0.2251"), skewed, rounding=Rounding.UP, side=Side.NO) == D("0.23")
    assert round_to_grid(D("0.2251"), skewed, rounding=Rounding.UP, side=Side.YES) == D("0.226")


@settings(deadline=None)  # a busy machine is no failure
@given(
    price=st.integers(1, 9999).map(lambda n: D(n) / 10000),
    grid=st.sampled_from([CENTS, TAPERED]),
    side=st.sampled_from(Side),
)
def test_rounded_price_is_on_the_grid_and_within_a_cent(price, grid, side):
    for rounding, sign in ((Rounding.DOWN, 1), (Rounding.UP, -1)):
        try:
            rounded = round_to_grid(price, grid, rounding=rounding, side=side)
        except InvalidOrderError:
            assert price < D("0.01") or price > D("0.99")
            continue

        yes_price = 1 - rounded if side is Side.NO else rounded
        assert is_on_grid(yes_price, grid)
        assert 0 <= sign * (price - rounded) < D("0.01")


def test_price_that_is_no_number_is_refused():
    with pytest.raises(InvalidOrderError):
        round_to_grid(D("NaN"), CENTS, rounding=Rounding.UP)
