"""How many contracts: the book, the fee, the edge and the budget together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from boz.core.money import FEE_STEP, ONE, ZERO, round_up
from boz.core.schemas import BookLevel, FeeTerms
from markets.domain.fees import OrderFeeAccumulator, taker_rate


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase that walks the book from the best price on.

    Attributes:
        count: Whole contracts.
        worst_price: The limit: price of the last level wanted.
        expected_dollars: Cost and fee if the book stands still.
        per_contract_dollars: The same per contract, rounded up.
        max_dollars: Cost and fee if everything is paid at the limit, contract by contract: what the
            order can cost at most when the book moves before it arrives.
    """

    count: Decimal
    worst_price: Decimal
    expected_dollars: Decimal
    per_contract_dollars: Decimal
    max_dollars: Decimal


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


def worst_cost_each(price: Decimal, terms: FeeTerms) -> Decimal:
    """Return the most that one contract at a limit can cost, fee included.

    The fee is rounded up at every fill, so it is largest when contracts arrive one by one.
    """
    fee, _ = OrderFeeAccumulator().charge(
        count=ONE, price=price, rate=taker_rate(terms), multiplier=terms.multiplier
    )
    return price + fee.net


def purchase(
    *,
    asks: Sequence[BookLevel],
    budget_dollars: Decimal,
    worst_all_in_dollars: Decimal,
    terms: FeeTerms,
) -> Purchase | None:
    """Return the largest whole-contract purchase within budget and worst acceptable cost.

    Levels are taken from the cheapest on, as long as the whole purchase still fits the budget when
    every contract costs the level's price, and that price with its fee is still acceptable.

    Returns:
        The purchase, or None when not even one contract fits.
    """
    count, limit, offered = ZERO, ZERO, ZERO
    for level in asks:
        each = worst_cost_each(level.price_dollars, terms)
        offered += _whole(level.count)
        fits = min(offered, _whole(budget_dollars / each))
        if each > worst_all_in_dollars or fits <= count:
            break
        count, limit = fits, level.price_dollars
        if count < offered:
            break
    if count <= 0:
        return None
    expected = _expected_dollars(asks, count, terms)
    return Purchase(
        count=count,
        worst_price=limit,
        expected_dollars=expected,
        per_contract_dollars=round_up(expected / count, FEE_STEP),
        max_dollars=round_up(count * worst_cost_each(limit, terms)),
    )


def _expected_dollars(asks: Sequence[BookLevel], count: Decimal, terms: FeeTerms) -> Decimal:
    """Return what ``count`` contracts cost in the book as it stands, fill by fill."""
    fees, left, spent = OrderFeeAccumulator(), count, ZERO
    for level in asks:
        taken = min(left, _whole(level.count))
        if taken <= 0:
            continue
        fee, fees = fees.charge(
            count=taken,
            price=level.price_dollars,
            rate=taker_rate(terms),
            multiplier=terms.multiplier,
        )
        spent += taken * level.price_dollars + fee.net
        left -= taken
        if left == 0:
            break
    return spent


def _whole(number: Decimal) -> Decimal:
    return number.to_integral_value(rounding=ROUND_FLOOR)
