"""How many contracts: the book, the fee, the edge and the budget together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from boz.core.money import FEE_STEP, ZERO, round_up
from boz.core.schemas import BookLevel, FeeTerms
from markets.domain.fees import OrderFeeAccumulator, taker_rate

WHOLE = Decimal("1")


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase that walks the book from the best price on."""

    count: Decimal
    worst_price: Decimal
    total_dollars: Decimal
    per_contract_dollars: Decimal


def kelly_budget(
    *, probability: float, cost_dollars: Decimal, bankroll_dollars: Decimal, fraction: float
) -> Decimal:
    """Return the dollars that a fraction of Kelly puts on a contract that costs ``cost_dollars``.

    Source: Kelly (1956); for a contract that pays one dollar, ``x = (p - c) / (1 - c)`` of the
        bankroll, with the fee inside ``c``.
    """
    cost = float(cost_dollars)
    if cost >= 1.0 or probability <= cost or bankroll_dollars <= 0:
        return ZERO
    share = fraction * (probability - cost) / (1.0 - cost)
    return (bankroll_dollars * Decimal(repr(share))).quantize(
        Decimal("0.0001"), rounding=ROUND_FLOOR
    )


def purchase(
    *,
    asks: Sequence[BookLevel],
    budget_dollars: Decimal,
    worst_all_in_dollars: Decimal,
    terms: FeeTerms,
) -> Purchase | None:
    """Return the largest whole-contract purchase within budget and worst acceptable cost.

    Levels are taken from the cheapest on; a level whose own all-in cost per contract is above
    ``worst_all_in_dollars`` ends the walk. Cost and fee are exact, fill by fill.

    Returns:
        The purchase, or None when not even one contract fits.
    """
    fees = OrderFeeAccumulator()
    count, spent, worst = ZERO, ZERO, ZERO
    for level in asks:
        taken = _affordable(level, budget_dollars - spent, worst_all_in_dollars, terms, fees)
        if taken <= 0:
            break
        fee, fees = fees.charge(
            count=taken,
            price=level.price_dollars,
            rate=taker_rate(terms),
            multiplier=terms.multiplier,
        )
        count += taken
        spent += taken * level.price_dollars + fee.net
        worst = level.price_dollars
        if taken < _whole(level.count):
            break
    if count <= 0:
        return None
    return Purchase(count, worst, spent, round_up(spent / count, FEE_STEP))


def _affordable(
    level: BookLevel,
    money: Decimal,
    worst_all_in: Decimal,
    terms: FeeTerms,
    fees: OrderFeeAccumulator,
) -> Decimal:
    """Return how many whole contracts of a level fit, found by bisection on the exact cost."""
    low, high = ZERO, _whole(level.count)
    if level.price_dollars > 0:
        high = min(high, _whole(money / level.price_dollars))
    while low < high:
        middle = _whole((low + high + 1) / 2)
        fee, _ = fees.charge(
            count=middle,
            price=level.price_dollars,
            rate=taker_rate(terms),
            multiplier=terms.multiplier,
        )
        cost = middle * level.price_dollars + fee.net
        if cost <= money and cost <= worst_all_in * middle:
            low = middle
        else:
            high = middle - 1
    return low


def _whole(number: Decimal) -> Decimal:
    return number.to_integral_value(rounding=ROUND_FLOOR)
