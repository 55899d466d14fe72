"""The price grid of a market: which prices an order may carry.

Read from the market's own ``price_ranges``; whole cents are never assumed. An order price lies
strictly between $0 and $1, whatever the ranges say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from boz.core.errors import InvalidDataError
from boz.core.money import ONE, ZERO, round_down


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


def is_on_grid(price: Decimal, ranges: Sequence[PriceRange]) -> bool:
    """Say whether an order may carry this price."""
    return ZERO < price < ONE and any(part.at_or_below(price) == price for part in ranges)
