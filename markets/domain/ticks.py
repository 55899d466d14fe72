"""The price grid of a market: which prices an order may carry.

Read from the market's own ``price_ranges``; whole cents are never assumed. An order price lies
strictly between $0 and $1, whatever the ranges say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.money import MICRO_STEP, ONE, ZERO, round_down, round_up


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Prices ``start, start + step, ...`` up to ``end``, in dollars, both ends included.

    Raises:
        InvalidDataError: If the ends are reversed or outside 0..1, or the step is not above zero.
    """

    start: Decimal
    end: Decimal
    step: Decimal

    def __post_init__(self) -> None:
        """Refuse a range that is no grid."""
        if not (ZERO <= self.start < self.end <= ONE and self.step > 0):
            raise InvalidDataError(
                f"A price range of {self.start} to {self.end} by {self.step} is no grid."
            )

    def at_or_below(self, price: Decimal) -> Decimal | None:
        """Return the highest price of this range that is not above ``price``."""
        if price < self.start:
            return None
        return self.start + round_down(min(price, self.end) - self.start, self.step)

    def at_or_above(self, price: Decimal) -> Decimal | None:
        """Return the lowest price of this range that is not below ``price``."""
        candidate = self.start + round_up(max(price, self.start) - self.start, self.step)
        return candidate if candidate <= self.end else None


def is_on_grid(price: Decimal, ranges: Sequence[PriceRange]) -> bool:
    """Say whether an order may carry this price."""
    return ZERO < price < ONE and any(part.at_or_below(price) == price for part in ranges)


def round_to_grid(
    price: Decimal, ranges: Sequence[PriceRange], *, direction: Literal["buy", "sell"]
) -> Decimal:
    """Return the nearest allowed price that is no worse for us than ``price``.

    A buyer's price is rounded down, a seller's up: rounding never pays more or asks less.

    Raises:
        InvalidOrderError: If the grid has no such price, as for a buyer below the lowest tick.
    """
    if not price.is_finite():
        raise InvalidOrderError(f"A price must be a number, was {price}.")
    if direction == "buy":
        highest = min(price, ONE - MICRO_STEP)
        below = [part.at_or_below(highest) for part in ranges]
        found = max((tick for tick in below if tick is not None and tick > ZERO), default=None)
    else:
        lowest = max(price, MICRO_STEP)
        above = [part.at_or_above(lowest) for part in ranges]
        found = min((tick for tick in above if tick is not None and tick < ONE), default=None)
    if found is None:
        raise InvalidOrderError(
            f"No price on this market's grid can {direction} at {price} or better.",
            {"price": str(price), "direction": direction},
        )
    return found
