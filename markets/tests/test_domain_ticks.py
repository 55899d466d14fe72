from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError, InvalidOrderError
from markets.domain.ticks import PriceRange, is_on_grid, round_to_grid

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
    ("price", "buy", "sell"),
    [
        ("0.2251", "0.22", "0.23"),
        ("0.0555", "0.055", "0.056"),
        ("0.22", "0.22", "0.22"),
        ("0.8999", "0.89", "0.90"),
        ("1", "0.999", None),
        ("0", None, "0.001"),
        ("1.5", "0.999", None),
        ("-1", None, "0.001"),
        ("0.0004", None, "0.001"),
        ("0.9995", "0.999", None),
    ],
)
def test_rounding_never_makes_a_price_worse_for_us(price, buy, sell):
    for direction, expected in (("buy", buy), ("sell", sell)):
        if expected is None:
            with pytest.raises(InvalidOrderError, match=direction):
                round_to_grid(D(price), TAPERED, direction=direction)
        else:
            assert round_to_grid(D(price), TAPERED, direction=direction) == D(expected)


@settings(deadline=None)  # a busy machine is no failure
@given(
    price=st.integers(1, 9999).map(lambda n: D(n) / 10000), grid=st.sampled_from([CENTS, TAPERED])
)
def test_rounded_price_is_on_the_grid_and_within_a_cent(price, grid):
    for direction, sign in (("buy", 1), ("sell", -1)):
        try:
            rounded = round_to_grid(price, grid, direction=direction)
        except InvalidOrderError:
            assert price < D("0.01") or price > D("0.99")
            continue

        assert is_on_grid(rounded, grid)
        assert 0 <= sign * (price - rounded) < D("0.01")


def test_price_that_is_no_number_is_refused():
    with pytest.raises(InvalidOrderError):
        round_to_grid(D("NaN"), CENTS, direction="buy")


@pytest.mark.parametrize(
    ("start", "end", "step"), [("0.5", "0.1", "0.01"), ("0", "1", "0"), ("0", "2", "0.01")]
)
def test_range_that_is_no_grid_is_refused(start, end, step):
    with pytest.raises(InvalidDataError):
        PriceRange(D(start), D(end), D(step))
