"""What a purchase costs in all: the price of every level taken and the exact fee of every fill.

Prices are those of the side bought, so YES and NO are the same sum. Formula:
``count x price + fee``, the fee per fill with the rounding and accumulator of
:mod:`markets.domain.fees`; each level counts as one fill. A level made up of many small orders
fills in more pieces, each rounded up by less than $0.0001 before the accumulator gives it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from boz.core.errors import InvalidOrderError
from boz.core.money import FEE_STEP, ZERO, round_up
from boz.core.schemas import BookLevel, FeeTerms, OrderBook, Side
from markets.domain.book import walk_book
from markets.domain.fees import DIRECT_PRECISION, OrderFeeAccumulator, maker_rate, taker_rate


@dataclass(frozen=True, slots=True)
class Purchase:
    """Contracts bought and what leaves the account for them.

    Attributes:
        side: What is bought.
        count: Contracts.
        principal: Dollars for the contracts.
        fee: Dollars of fees, net of rebates.
        worst_price: Highest price paid, dollars of the side bought.
    """

    side: Side
    count: Decimal
    principal: Decimal
    fee: Decimal
    worst_price: Decimal

    @property
    def total(self) -> Decimal:
        """Return the exact dollars that leave the account."""
        return self.principal + self.fee

    @property
    def per_contract(self) -> Decimal:
        """Return dollars per contract, rounded up to $0.000001.

        It can pass $1 for a hundredth of a contract near one dollar: simply a bad buy.
        """
        return round_up(self.total / self.count, FEE_STEP)


def cost_at_price(
    *,
    side: Side,
    price: Decimal,
    count: Decimal,
    terms: FeeTerms,
    is_taker: bool = True,
    precision: Decimal = DIRECT_PRECISION,
) -> Purchase:
    """Return the cost of one fill of a fresh order.

    Args:
        side: What is bought.
        price: Dollars of the side bought.
        count: Contracts, above zero.
        terms: Fee terms in force.
        is_taker: Whether it takes a resting order; our own resting order pays the maker's rate.
        precision: What the account's balance is aligned to.

    Raises:
        InvalidOrderError: If the count is not above zero or the price is outside $0 to $1.
        OperatorActionRequired: If the fee cannot be computed.
    """
    level = BookLevel.model_construct(price_dollars=price, count=count)
    return _purchase(side, (level,), terms, is_taker=is_taker, precision=precision)


def cost_in_book(
    book: OrderBook,
    *,
    side: Side,
    count: Decimal,
    terms: FeeTerms,
    limit_price: Decimal | None = None,
    precision: Decimal = DIRECT_PRECISION,
) -> Purchase | None:
    """Return the cost of taking ``count`` contracts from a book; None when it does not hold them.

    Args:
        book: As displayed.
        side: What is bought.
        count: Contracts, above zero.
        terms: Fee terms in force.
        limit_price: Take nothing above this price of the side bought.
        precision: What the account's balance is aligned to.

    Raises:
        InvalidOrderError: If the count is not above zero.
        OperatorActionRequired: If the fee cannot be computed.
    """
    if not count.is_finite() or count <= 0:
        raise InvalidOrderError(f"A count must be above zero, was {count}.")
    walk = walk_book(book.asks(side), count=count, limit_price=limit_price)
    if walk.unfilled > 0:
        return None
    return _purchase(side, walk.levels, terms, is_taker=True, precision=precision)


def _purchase(
    side: Side,
    levels: Iterable[BookLevel],
    terms: FeeTerms,
    *,
    is_taker: bool,
    precision: Decimal,
) -> Purchase:
    rate = taker_rate(terms) if is_taker else maker_rate(terms)
    fees = OrderFeeAccumulator(precision=precision)
    count = principal = fee = worst = ZERO
    for level in levels:
        charged, fees = fees.charge(
            count=level.count, price=level.price_dollars, rate=rate, multiplier=terms.multiplier
        )
        count += level.count
        principal += level.count * level.price_dollars
        fee += charged.net
        worst = max(worst, level.price_dollars)
    return Purchase(side, count, principal, fee, worst)
