"""Sets of contracts that cost less than they must pay, over a proven ladder and at depth.

Exactly one bracket of a complete ladder pays. So one YES of every market pays $1, and one NO of
any markets pays a dollar for each of them but one. Every other sure set is made of these two and of
YES and NO of one market, which no book that is not crossed offers below $1. Another NO leg always
adds a dollar, so every NO that costs less belongs into the set, however few those are: two brackets
whose YES bids pass a dollar together are enough.

What is found is sure as displayed. It is not free of risk: legs fill one after another, and a leg
that fails leaves an open position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from boz.core.errors import InvalidDataError
from boz.core.money import ONE, ZERO
from boz.core.schemas import BookLevel, Bracket, FeeTerms, OrderBook, Side
from markets.domain.brackets import prove_ladder
from markets.domain.costs import Purchase, cost_in_book
from markets.domain.fees import taker_rate

Ladder = Mapping[str, tuple[Bracket, OrderBook]]


@dataclass(frozen=True, slots=True)
class LadderArbitrage:
    """A set to buy and what is left of it, whatever the temperature.

    Attributes:
        side: The contract bought in each market.
        legs: What to buy, by market ticker; each leg's ``worst_price`` is its limit.
        payoff: Dollars that the set pays at least.
    """

    side: Side
    legs: dict[str, Purchase]
    payoff: Decimal

    @property
    def cost(self) -> Decimal:
        """Return the dollars that it takes, fees included."""
        return sum((leg.total for leg in self.legs.values()), ZERO)

    @property
    def profit(self) -> Decimal:
        """Return the dollars that are left for sure after settlement."""
        return self.payoff - self.cost


def ladder_arbitrage(ladder: Ladder, *, terms: FeeTerms) -> LadderArbitrage | None:
    """Return the set that is bought at a sure profit at the displayed depth, or None.

    Nothing is found while a rung has no quote on either side: a ladder of which a part is not
    known is no ladder to rely on.

    Args:
        ladder: Bracket and book per market ticker, all markets of one event.
        terms: Fee terms in force.

    Raises:
        QuarantinedError: If the brackets do not tile the whole degrees.
        InvalidDataError: If a book is crossed.
        OperatorActionRequired: If the fee cannot be computed.
    """
    prove_ladder([bracket for bracket, _ in ladder.values()])
    for ticker, (_, book) in ladder.items():
        if book.is_crossed:
            raise InvalidDataError(
                f"The book of {ticker} is crossed; it cannot be believed.", {"market": ticker}
            )
    if any(not (book.yes_bids or book.no_bids) for _, book in ladder.values()):
        return None
    # Both at once would need a crossed book.
    for side in Side:
        counts, payoff = _sets(ladder, side, terms)
        found = _priced(ladder, side, counts, payoff, terms)
        if found is not None:
            return found
    return None


def _sets(ladder: Ladder, side: Side, terms: FeeTerms) -> tuple[dict[str, Decimal], Decimal]:
    """Return contracts per market and the sure payoff, buying while a set costs less than it pays.

    Fees are the exact formula, not yet rounded; :func:`_priced` has the last word.
    """
    left = {ticker: list(book.asks(side)) for ticker, (_, book) in ladder.items()}
    counts = dict.fromkeys(ladder, ZERO)
    payoff = ZERO
    while chosen := _profitable_set(left, side, terms):
        size = min(left[ticker][0].count for ticker in chosen)
        for ticker in chosen:
            counts[ticker] += size
            _take(left[ticker], size)
        payoff += _pays(side, len(chosen)) * size
    return {ticker: count for ticker, count in counts.items() if count > 0}, payoff


def _profitable_set(
    left: Mapping[str, Sequence[BookLevel]], side: Side, terms: FeeTerms
) -> list[str]:
    costs = {
        ticker: _unit_cost(levels[0].price_dollars, terms)
        for ticker, levels in left.items()
        if levels
    }
    if side is Side.YES:
        chosen = list(costs) if len(costs) == len(left) else []
    else:
        chosen = [ticker for ticker, cost in costs.items() if cost < ONE]
    cost = sum((costs[ticker] for ticker in chosen), ZERO)
    return chosen if chosen and cost < _pays(side, len(chosen)) else []


def _pays(side: Side, legs: int) -> Decimal:
    return ONE if side is Side.YES else Decimal(legs - 1)


def _unit_cost(price: Decimal, terms: FeeTerms) -> Decimal:
    return price + taker_rate(terms) * terms.multiplier * price * (ONE - price)


def _take(levels: list[BookLevel], size: Decimal) -> None:
    left = levels[0].count - size
    if left == 0:
        levels.pop(0)
    else:
        levels[0] = BookLevel(price_dollars=levels[0].price_dollars, count=left)


def _priced(
    ladder: Ladder,
    side: Side,
    counts: Mapping[str, Decimal],
    payoff: Decimal,
    terms: FeeTerms,
) -> LadderArbitrage | None:
    legs: dict[str, Purchase] = {}
    for ticker, count in counts.items():
        purchase = cost_in_book(ladder[ticker][1], side=side, count=count, terms=terms)
        if purchase is None:
            return None
        legs[ticker] = purchase
    found = LadderArbitrage(side, legs, payoff)
    return found if legs and found.profit > 0 else None
