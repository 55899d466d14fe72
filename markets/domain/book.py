"""Reading an order book: what a size costs, and what a ladder of books says is probable.

A missing quote is a missing quote: it is never read as a price of 0, 50 or 100 cents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.money import COUNT_STEP, FEE_STEP, ONE, ZERO, round_down, round_up
from boz.core.schemas import BookLevel, OrderBook, Side

#: What quotes leave open about a bracket's price may be at most this wide, in dollars.
MAX_WIDTH = Decimal("0.15")
#: A bracket that the quotes allow nothing still has half of the smallest usual price.
LEAST_MID = Decimal("0.005")
#: Prices of a ladder that add up to something outside this are no distribution.
COHERENT_SUM = (Decimal("0.7"), Decimal("1.4"))


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


def implied_probabilities(
    books: Sequence[OrderBook | None], *, last_prices: Mapping[str, Decimal] | None = None
) -> list[float] | None:
    """Return a ladder's normalised market probabilities in the order given, or None.

    A book bounds its YES price between its best bid and best ask. A missing side is neither 0 nor
    one half: it is whatever the other quotes leave, since exactly one bracket pays. Deep-out
    brackets are often not quoted at all, yet the bids of the others leave them next to nothing.

    Where quotes leave more than 0.15 open, the last traded price counts, moved into the bounds: it
    was really paid, but perhaps long ago. So this serves to score the market, never to trade.

    Args:
        books: One per market of a proven ladder; None where no book is known.
        last_prices: Price in dollars of the last trade, by market ticker.

    Returns:
        None when a book is absent or crossed, when more than 0.15 of a bracket stays open, or when
        the prices make no distribution.
    """
    bounds: list[tuple[str, Decimal, Decimal]] = []
    for book in books:
        if book is None or book.is_crossed:
            return None
        bid, ask = book.best_bid(Side.YES), book.best_ask(Side.YES)
        low, high = ZERO if bid is None else bid, ONE if ask is None else ask
        bounds.append((book.market_ticker, low, high))
    taken = sum((low for _, low, _ in bounds), ZERO)
    mids: list[Decimal] = []
    for ticker, low, high in bounds:
        # Exactly one bracket pays, so what the others are bid is taken.
        tight = max(low, min(high, ONE - (taken - low)))
        mid = (low + tight) / 2
        if tight - low > MAX_WIDTH:
            last = None if last_prices is None else last_prices.get(ticker)
            if last is None:
                return None
            mid = min(max(last, low), tight)
        mids.append(max(LEAST_MID, mid))
    total = sum(mids, ZERO)
    if not COHERENT_SUM[0] <= total <= COHERENT_SUM[1]:
        return None
    return [float(mid / total) for mid in mids]
