"""Sets of contracts that cost less than they must pay, over a proven ladder and at depth.

Exactly one bracket of a complete ladder pays. One YES of every market therefore pays $1, and one NO
of every market pays one dollar for each market but one. What this finds is a set priced below its
payoff, fees included, as displayed. It is not free of risk: the legs fill one after another, and a
leg that fails leaves an open position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from boz.core.errors import InvalidDataError
from boz.core.money import ZERO
from boz.core.schemas import BookLevel, Bracket, FeeTerms, OrderBook, Side
from markets.domain.brackets import prove_ladder
from markets.domain.fees import quadratic_fee, taker_rate


@dataclass(frozen=True, slots=True)
class LadderArbitrage:
    """One contract of ``side`` in every market of a ladder, ``count`` times.

    Attributes:
        side: The contract bought in every market.
        count: Sets that can be bought at a profit as displayed.
        cost: Dollars for all of them, fees included.
        payoff: Dollars they pay whatever happens.
        worst_prices: Limit price per market ticker that reaches this depth.
    """

    side: Side
    count: Decimal
    cost: Decimal
    payoff: Decimal
    worst_prices: dict[str, Decimal]

    @property
    def profit(self) -> Decimal:
        """Return the dollars left after settlement."""
        return self.payoff - self.cost


def ladder_arbitrage(
    ladder: Mapping[str, tuple[Bracket, OrderBook]], *, side: Side, terms: FeeTerms
) -> LadderArbitrage | None:
    """Return the set that is bought at a profit at the displayed depth, None when there is none.

    Levels are taken set by set, cheapest first, as long as one more slice of sets earns more than
    nothing after its fees, each slice's fee rounded up on its own.

    Args:
        ladder: Bracket and book per market ticker, all markets of one event.
        side: YES or NO of every market.
        terms: Fee terms in force.

    Raises:
        QuarantinedError: If the brackets do not tile the whole degrees.
        InvalidDataError: If a book is crossed.
    """
    prove_ladder([bracket for bracket, _ in ladder.values()])
    for ticker, (_, book) in ladder.items():
        if book.is_crossed:
            raise InvalidDataError(f"The book of {ticker} is crossed; it cannot be believed.")
    per_set = Decimal(1 if side is Side.YES else len(ladder) - 1)
    asks = {ticker: list(book.asks(side)) for ticker, (_, book) in ladder.items()}
    count = cost = ZERO
    worst: dict[str, Decimal] = {}
    while all(asks.values()):
        size = min(levels[0].count for levels in asks.values())
        slice_cost = sum((_cost(levels[0], size, terms) for levels in asks.values()), ZERO)
        if slice_cost >= per_set * size:
            break
        count, cost = count + size, cost + slice_cost
        worst = {ticker: levels[0].price_dollars for ticker, levels in asks.items()}
        for levels in asks.values():
            _take(levels, size)
    if count == 0:
        return None
    return LadderArbitrage(side, count, cost, per_set * count, worst)


def _cost(level: BookLevel, size: Decimal, terms: FeeTerms) -> Decimal:
    fee = quadratic_fee(
        count=size,
        price=level.price_dollars,
        rate=taker_rate(terms),
        multiplier=terms.multiplier,
    )
    return size * level.price_dollars + fee


def _take(levels: list[BookLevel], size: Decimal) -> None:
    left = levels[0].count - size
    if left == 0:
        levels.pop(0)
    else:
        levels[0] = BookLevel(price_dollars=levels[0].price_dollars, count=left)
