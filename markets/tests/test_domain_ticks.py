from __future__ import annotations

from decimal import Decimal

import pytest

from boz.core.errors import InvalidDataError
from markets.domain.ticks import PriceRange, is_on_grid

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
