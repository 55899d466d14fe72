"""What the open orders of one account in one market may still cost it.

A resting order reserves what it would cost if it filled at once, fee included. What closes a
position pays for itself out of the $1 of each matched pair; proceeds of closes that have not
happened yet pay for nothing else. That the exchange reserves in the same way is UNVERIFIED.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from boz.core.money import ZERO, round_up
from markets.matching.orders import BookSide
from markets.matching.positions import Position


@dataclass(frozen=True, slots=True)
class Claim:
    """What one open order may still cost.

    Attributes:
        order_id: The order.
        side: Bid or ask on the YES price.
        yes_price: Its limit.
        count: Contracts that may still fill, above zero.
        cost: Dollars for all of them at the limit, fee included.
    """

    order_id: str
    side: BookSide
    yes_price: Decimal
    count: Decimal
    cost: Decimal

    def reserve(self, closing: Decimal) -> Decimal:
        """Return the dollars to keep when the first ``closing`` contracts close a position."""
        opening = round_up(self.cost * (self.count - closing) / self.count)
        return opening + max(ZERO, self.cost - opening - closing)

    def rank(self) -> tuple[Decimal, str]:
        """Return what sorts the claims of a side: what would fill first comes first."""
        sign = -1 if self.side is BookSide.BID else 1
        return self.yes_price * sign, self.order_id


class ClaimBook:
    """The claims of one account in one market."""

    def __init__(self) -> None:
        """Start with none."""
        self._claims: dict[str, Claim] = {}
        self._queues: dict[BookSide, list[Claim]] = {side: [] for side in BookSide}
        self._costs = dict.fromkeys(BookSide, ZERO)

    def __len__(self) -> int:
        return len(self._claims)

    def __iter__(self) -> Iterator[str]:
        """Yield the order ids."""
        return iter(self._claims)

    def put(self, claim: Claim) -> None:
        """Add a claim in place of the order's earlier one."""
        self.drop(claim.order_id)
        self._claims[claim.order_id] = claim
        bisect.insort(self._queues[claim.side], claim, key=Claim.rank)
        self._costs[claim.side] += claim.cost

    def drop(self, order_id: str) -> Claim | None:
        """Take an order's claim out and return it, None when there is none."""
        claim = self._claims.pop(order_id, None)
        if claim is not None:
            queue = self._queues[claim.side]
            del queue[bisect.bisect_left(queue, claim.rank(), key=Claim.rank)]
            self._costs[claim.side] -= claim.cost
        return claim

    def reserve(self, position: Position) -> Decimal:
        """Return the dollars that these orders may cost an account that holds ``position``.

        On each side the orders that would fill first close the position first.
        """
        return sum((self._reserve(side, position.reducible(side)) for side in BookSide), ZERO)

    def _reserve(self, side: BookSide, reducible: Decimal) -> Decimal:
        total = self._costs[side]
        for claim in self._queues[side]:
            if reducible == 0:
                break
            closing = min(claim.count, reducible)
            total += claim.reserve(closing) - claim.cost
            reducible -= closing
        return total

    @contextmanager
    def supposing(self, *, without: Collection[str], claim: Claim | None) -> Iterator[None]:
        """Look at the claims as they would be with some gone and another one there."""
        gone = [dropped for order_id in without if (dropped := self.drop(order_id)) is not None]
        if claim is not None:
            self.put(claim)
        try:
            yield
        finally:
            if claim is not None:
                self.drop(claim.order_id)
            for dropped in gone:
                self.put(dropped)
