"""Reading an order book: what a size costs, and what a ladder of books says is probable.

A missing quote is a missing quote: it is never read as a price of 0, 50 or 100 cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.money import COUNT_STEP, FEE_STEP, ONE, ZERO, round_down, round_up
from boz.core.schemas import BookLevel, OrderBook, Side

#: A market whose price is known no better than this says too little to be called a quote.
MAX_QUOTE_WIDTH = Decimal("0.20")


@dataclass(frozen=True, slots=True)
class BookWalk:
    """What buying from the cheapest ask upwards takes and costs, before fees.

    Attributes:
        levels: What is taken from each level, cheapest first.
        count: Contracts taken in all.
        cost: Dollars paid for them, exact.
        average_price: Dollars per contract rounded up to $0.000001; None when nothing is taken.
        worst_price: Price of the last level taken; None when nothing is taken.
        unfilled: Contracts wanted that the book does not hold; zero when walking a budget.
    """

    levels: tuple[BookLevel, ...]
    count: Decimal
    cost: Decimal
    average_price: Decimal | None
    worst_price: Decimal | None
    unfilled: Decimal = ZERO


def walk_book(
    asks: Sequence[BookLevel],
    *,
    count: Decimal | None = None,
    budget: Decimal | None = None,
    limit_price: Decimal | None = None,
    count_step: Decimal = COUNT_STEP,
) -> BookWalk:
    """Buy from the cheapest ask upwards until a count or a budget is reached.

    Args:
        asks: Levels, cheapest first, as :meth:`boz.core.schemas.OrderBook.asks` gives them.
        count: Contracts wanted, or
        budget: dollars to spend at most, fees not included; exactly one of the two.
        limit_price: Take nothing above this price, in dollars.
        count_step: Contracts are taken in multiples of this when a budget runs out.

    Raises:
        InvalidOrderError: If not exactly one of count and budget is given, or it is negative.
        InvalidDataError: If the levels are not ordered, cheapest first.
    """
    wanted = count if count is not None else budget
    if wanted is None or (count is not None and budget is not None):
        raise InvalidOrderError("Walk a book for a count or for a budget, not both or neither.")
    if not wanted.is_finite() or wanted < 0:
        raise InvalidOrderError(f"A count or budget is zero or more, was {wanted}.")
    taken: list[BookLevel] = []
    total = cost = ZERO
    last_price: Decimal | None = None
    for level in asks:
        price = level.price_dollars
        if last_price is not None and price <= last_price:
            raise InvalidDataError("The asks of a book must rise in price.")
        last_price = price
        if limit_price is not None and price > limit_price:
            break
        size = level.count
        if count is not None:
            size = min(size, count - total)
        elif budget is not None and price > 0:
            size = min(size, round_down((budget - cost) / price, count_step))
        if size <= 0:
            break
        taken.append(BookLevel(price_dollars=price, count=size))
        total += size
        cost += size * price
    return BookWalk(
        levels=tuple(taken),
        count=total,
        cost=cost,
        average_price=round_up(cost / total, FEE_STEP) if taken else None,
        worst_price=taken[-1].price_dollars if taken else None,
        unfilled=ZERO if count is None else count - total,
    )


@dataclass(frozen=True, slots=True)
class ImpliedLadder:
    """What a ladder's books say is probable.

    Attributes:
        probabilities: Per market ticker, adding up to one; None when any market lacks a quote,
            since the part that it holds is then unknown.
        overround: Sum of the mids minus one; None likewise.
        mids: The unnormalised YES price of each market that has a quote, dollars.
        missing: Tickers without a usable quote, and
        reasons: why, one sentence per missing ticker.
    """

    probabilities: dict[str, float] | None
    overround: float | None
    mids: dict[str, Decimal]
    missing: tuple[str, ...]
    reasons: tuple[str, ...]


def implied_probabilities(
    books: Sequence[OrderBook], *, max_width: Decimal = MAX_QUOTE_WIDTH
) -> ImpliedLadder:
    """Return the market's normalised probabilities over all markets of one ladder.

    A book bounds its YES price between its best bid and best ask; without a bid the lower bound is
    $0, without an ask the upper bound is $1. The price is the middle of the bounds, and counts as a
    quote only where they are at most ``max_width`` apart. So an offer alone at 2 cents is a price
    of 1 cent, an offer alone at 60 cents is none; an empty or crossed book is none either.

    Args:
        books: One book per market of the ladder.
        max_width: Widest bounds, in dollars, that still count as a quote.
    """
    mids: dict[str, Decimal] = {}
    missing: dict[str, str] = {}
    for book in books:
        price, reason = _mid(book, max_width)
        if price is None:
            missing[book.market_ticker] = reason
        else:
            mids[book.market_ticker] = price
    total = sum(mids.values(), ZERO)
    complete = bool(mids) and not missing and total > 0
    return ImpliedLadder(
        probabilities={t: float(mid / total) for t, mid in mids.items()} if complete else None,
        overround=float(total - ONE) if complete else None,
        mids=mids,
        missing=tuple(missing),
        reasons=tuple(missing.values()),
    )


def _mid(book: OrderBook, max_width: Decimal) -> tuple[Decimal | None, str]:
    bid, ask = book.best_bid(Side.YES), book.best_ask(Side.YES)
    name = book.market_ticker
    if bid is None and ask is None:
        return None, f"{name} has no quote."
    if book.is_crossed:
        return None, f"{name} has a crossed book: {bid} bid, {ask} asked."
    low, high = ZERO if bid is None else bid, ONE if ask is None else ask
    if high - low > max_width:
        return None, f"{name} is only known to lie between {low} and {high}."
    return (low + high) / 2, ""
