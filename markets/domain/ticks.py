"""The price grid of a market: which prices an order may carry.

Read from the market's own ``price_ranges``; whole cents are never assumed. An order price lies
strictly between $0 and $1, whatever the ranges say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.money import ONE, ZERO, round_down, round_up
from boz.core.schemas import Side


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
        found = self.start + round_up(max(price, self.start) - self.start, self.step)
        return found if found <= self.end else None


def is_on_grid(price: Decimal, ranges: Sequence[PriceRange]) -> bool:
    """Say whether an order may carry this price."""
    return ZERO < price < ONE and any(part.at_or_below(price) == price for part in ranges)


class Rounding(StrEnum):
    """Which way a price moves to the grid."""

    UP = "up"
    DOWN = "down"


def round_to_grid(
    price: Decimal, ranges: Sequence[PriceRange], *, rounding: Rounding, side: Side = Side.YES
) -> Decimal:
    """Return the nearest price of the grid in a stated direction; one that is on it stays.

    UP is for what we expect to pay, and for a limit that must reach an ask. DOWN is for a limit
    that must not pass what we are ready to pay. The grid is one of YES prices, so a NO price is on
    it when a dollar less the price is.

    Args:
        price: Dollars of ``side``.
        ranges: The market's grid.
        rounding: Which way.
        side: Whose price it is.

    Raises:
        InvalidOrderError: If the grid has no price there; nothing is clamped to its ends.
    """
    if not price.is_finite():
        raise InvalidOrderError(f"A price is a number, was {price}.")
    is_no = side is Side.NO
    target = ONE - price if is_no else price
    goes_up = (rounding is Rounding.UP) is not is_no
    # An order price lies inside of $0 and $1; the ends of the grid are not offered.
    finest = min((part.step for part in ranges), default=ONE)
    target = max(target, finest) if goes_up else min(target, ONE - finest)
    found = [
        candidate
        for part in ranges
        if (candidate := part.at_or_above(target) if goes_up else part.at_or_below(target))
        is not None
        and ZERO < candidate < ONE
    ]
    if not found:
        raise InvalidOrderError(
            f"The price grid has no {side.value.upper()} price at or "
            f"{'above' if rounding is Rounding.UP else 'below'} {price}.",
            {"price": str(price), "side": side.value, "rounding": rounding.value},
        )
    best = min(found) if goes_up else max(found)
    return ONE - best if is_no else best
