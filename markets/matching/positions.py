"""What an account holds in one market, and what fills and the outcome make of it.

Buying NO while holding YES (or the other way round) closes: each matched pair pays $1 at once, so
that an account never holds both. There is no other way to sell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from boz.core.errors import InvalidDataError
from boz.core.money import FEE_STEP, MICRO_STEP, ONE, ZERO, round_down
from markets.matching.orders import BookSide


@dataclass(frozen=True, slots=True)
class Position:
    """Contracts of one account in one market.

    ``realised - cost`` is always the exact sum of what fills and payouts moved, fees aside.

    Attributes:
        net: Contracts held, above zero for YES and below zero for NO.
        cost: Dollars paid for them, fees not included.
        realised: Dollars won or lost on what was closed or settled, fees not included.
        fees: Dollars of fees of all fills.
        traded: Dollars paid in all fills, fees not included.
    """

    net: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    traded: Decimal = ZERO

    def reducible(self, side: BookSide) -> Decimal:
        """Return how many contracts an order of this side may close."""
        held = -self.net if side is BookSide.BID else self.net
        return max(ZERO, held)

    def after_fill(
        self, side: BookSide, *, price: Decimal, count: Decimal, fee: Decimal
    ) -> tuple[Position, Decimal]:
        """Return the position after a fill, and the dollars paid out for the pairs it matched.

        Args:
            side: Bid (YES bought) or ask (NO bought).
            price: Dollars per contract of what was bought.
            count: Contracts.
            fee: Dollars, net.
        """
        closed = min(count, self.reducible(side))
        freed = self._cost_of(closed)
        opened_cost = (count - closed) * price
        moved = replace(
            self,
            net=self.net + (count if side is BookSide.BID else -count),
            cost=self.cost - freed + opened_cost,
            realised=self.realised + closed * (ONE - price) - freed,
            fees=self.fees + fee,
            traded=self.traded + count * price,
        )
        return moved, closed

    def after_settlement(self, yes_value: Decimal) -> tuple[Position, Decimal]:
        """Return the position after the outcome, and the dollars paid out.

        A value between 0 and 1 may pay fractions of $0.0001, which are rounded down.

        Args:
            yes_value: Dollars per YES contract; a NO contract pays one minus it.

        Raises:
            InvalidDataError: If the value lies outside 0 to 1.
        """
        require_yes_value(yes_value)
        each = yes_value if self.net > 0 else ONE - yes_value
        payout = round_down(abs(self.net) * each, MICRO_STEP)
        realised = self.realised + payout - self.cost
        return replace(self, net=ZERO, cost=ZERO, realised=realised), payout

    def _cost_of(self, closed: Decimal) -> Decimal:
        """Return the share of the cost, at the average price, that leaves with ``closed``."""
        held = abs(self.net)
        if closed == held:
            return self.cost
        return round_down(self.cost * closed / held, FEE_STEP)


def require_yes_value(yes_value: Decimal) -> None:
    """Refuse what no contract pays.

    Raises:
        InvalidDataError: If the value lies outside 0 to 1.
    """
    if not yes_value.is_finite() or not ZERO <= yes_value <= ONE:
        raise InvalidDataError(f"A contract pays between $0 and $1, was {yes_value}.")
