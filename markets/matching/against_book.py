"""What one order does when it meets a displayed book that nobody else may touch.

For recorded books, of which the orders behind the levels are not known. It never assumes more than
is displayed, never trades through the limit, gives the taker the resting level's price, and charges
the exact fee of each fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from boz.core.errors import InvalidDataError, InvalidOrderError
from boz.core.money import COUNT_STEP, ONE, ZERO
from boz.core.schemas import FeeTerms, OrderBook, Side
from markets.domain.book import walk_book
from markets.domain.fees import OrderFeeAccumulator, taker_rate
from markets.matching.orders import TimeInForce


class MatchStatus(StrEnum):
    """What becomes of an order after it met the book."""

    FILLED = "filled"
    RESTING = "resting"
    CANCELED = "canceled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class MatchedFill:
    """Contracts taken from one level.

    Attributes:
        price: Dollars per contract of the side bought, the level's price.
        count: Contracts.
        fee: Dollars, net, as the exchange would report it.
        is_taker: Whether the fill took a resting order.
    """

    price: Decimal
    count: Decimal
    fee: Decimal
    is_taker: bool

    @property
    def cash(self) -> Decimal:
        """Return the exact dollars that leave the account."""
        return self.price * self.count + self.fee


@dataclass(frozen=True, slots=True)
class MatchResult:
    """The outcome of one order.

    Attributes:
        fills: Best price first; empty when nothing matched.
        remaining: Contracts not filled. They rest when the status says so and are gone otherwise.
        status: What becomes of the order.
        reason: Why it was canceled or rejected, a sentence; empty otherwise.
        accumulator: Fee state to keep for this order's later fills.
    """

    fills: tuple[MatchedFill, ...]
    remaining: Decimal
    status: MatchStatus
    reason: str
    accumulator: OrderFeeAccumulator

    @property
    def filled(self) -> Decimal:
        """Return the contracts filled."""
        return sum((fill.count for fill in self.fills), ZERO)

    @property
    def cash(self) -> Decimal:
        """Return the exact dollars that leave the account, fees included."""
        return sum((fill.cash for fill in self.fills), ZERO)


def match_against_book(
    *,
    book: OrderBook,
    side: Side,
    limit_price: Decimal,
    count: Decimal,
    time_in_force: TimeInForce,
    post_only: bool,
    terms: FeeTerms,
    accumulator: OrderFeeAccumulator | None = None,
) -> MatchResult:
    """Match an order to buy ``side`` with the displayed book.

    Fill-or-kill fills whole or not at all; immediate-or-cancel drops what is left; good-till-
    canceled lets it rest. A post-only order that would take anything is rejected whole.

    Args:
        book: The book as displayed at the moment of the match.
        side: The contract bought.
        limit_price: Most dollars per contract of that side, strictly between 0 and 1.
        count: Contracts wanted, a multiple of 0.01 above zero.
        time_in_force: What happens to the part that does not fill.
        post_only: Never take; only with good-till-canceled.
        terms: Fee terms in force.
        accumulator: The order's fee state; a fresh one when None.

    Raises:
        InvalidOrderError: If price, count or the combination of flags makes no order.
        InvalidDataError: If the book is crossed, so that no fill from it could be believed.
    """
    _require_order(limit_price, count, time_in_force, post_only=post_only)
    if book.is_crossed:
        raise InvalidDataError(
            f"The book of {book.market_ticker} is crossed; nothing can be matched against it.",
            {"market": book.market_ticker, "at": book.at.isoformat()},
        )
    fees = OrderFeeAccumulator() if accumulator is None else accumulator
    walk = walk_book(book.asks(side), count=count, limit_price=limit_price)
    if post_only and walk.count > 0:
        return MatchResult(
            (), count, MatchStatus.REJECTED, "A post-only order would have crossed.", fees
        )
    if time_in_force is TimeInForce.FILL_OR_KILL and walk.unfilled > 0:
        reason = f"Only {walk.count} of {count} contracts are offered at {limit_price} or better."
        return MatchResult((), count, MatchStatus.CANCELED, reason, fees)
    fills = []
    for level in walk.levels:
        fee, fees = fees.charge(
            count=level.count,
            price=level.price_dollars,
            rate=taker_rate(terms),
            multiplier=terms.multiplier,
        )
        fills.append(MatchedFill(level.price_dollars, level.count, fee.net, is_taker=True))
    status, reason = _fate(walk.unfilled, time_in_force)
    return MatchResult(tuple(fills), walk.unfilled, status, reason, fees)


def _fate(remaining: Decimal, time_in_force: TimeInForce) -> tuple[MatchStatus, str]:
    if remaining == 0:
        return MatchStatus.FILLED, ""
    if time_in_force is TimeInForce.GOOD_TILL_CANCELED:
        return MatchStatus.RESTING, ""
    return MatchStatus.CANCELED, f"{remaining} contracts were not offered at the limit or better."


def _require_order(
    limit_price: Decimal, count: Decimal, time_in_force: TimeInForce, *, post_only: bool
) -> None:
    if not limit_price.is_finite() or not ZERO < limit_price < ONE:
        raise InvalidOrderError(f"A limit lies between $0 and $1, was {limit_price}.")
    if not count.is_finite() or count <= 0 or count % COUNT_STEP != 0:
        raise InvalidOrderError(f"A count is a multiple of {COUNT_STEP} above 0, was {count}.")
    if post_only and time_in_force is not TimeInForce.GOOD_TILL_CANCELED:
        raise InvalidOrderError("A post-only order must be able to rest.")
