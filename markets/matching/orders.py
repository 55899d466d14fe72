"""Orders as the exchange takes them: one side of the YES price, exact prices and counts.

A ``bid`` buys YES at its price. An ``ask`` sells YES at its price, which is the same as buying NO
at one minus it; there is no other way to sell.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from boz.core.errors import InvalidOrderError
from boz.core.money import ONE, ZERO
from boz.core.schemas import Side


class TimeInForce(StrEnum):
    """How long an order lives, in the exchange's words."""

    FILL_OR_KILL = "fill_or_kill"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    GOOD_TILL_CANCELED = "good_till_canceled"


class BookSide(StrEnum):
    """Which side of the YES price an order is on, in the exchange's words."""

    BID = "bid"
    ASK = "ask"

    @property
    def opposite(self) -> BookSide:
        """Return the side that this one trades with."""
        return BookSide.ASK if self is BookSide.BID else BookSide.BID

    @property
    def bought(self) -> Side:
        """Return the contract that an order of this side buys."""
        return Side.YES if self is BookSide.BID else Side.NO

    @classmethod
    def buying(cls, side: Side) -> BookSide:
        """Return the side of an order that buys ``side``."""
        return cls.BID if side is Side.YES else cls.ASK

    def own_price(self, yes_price: Decimal) -> Decimal:
        """Return the dollars per contract that this side pays at a YES price."""
        return yes_price if self is BookSide.BID else ONE - yes_price


class SelfTradePrevention(StrEnum):
    """What gives way when an order would trade with one of its own account."""

    #: The incoming one is cancelled.
    TAKER_AT_CROSS = "taker_at_cross"
    #: The resting one is cancelled, the incoming one goes on.
    MAKER = "maker"


class Refusal(StrEnum):
    """Why an operation was refused before it changed anything."""

    INVALID_PRICE = "invalid_price"
    INVALID_COUNT = "invalid_order_size"
    INVALID_ORDER = "invalid_order"
    EXPIRY_PASSED = "expiry_passed"
    DUPLICATE_ORDER = "duplicate_order"
    UNKNOWN_ORDER = "unknown_order"
    TRADING_PAUSED = "trading_paused"
    MARKET_INACTIVE = "market_inactive"


class OrderRefusedError(InvalidOrderError):
    """An operation that the market refuses; nothing changed.

    Args:
        refusal: The kind of refusal, to branch on.
        message: One plain sentence for the operator.
    """

    def __init__(self, refusal: Refusal, message: str) -> None:
        """Keep the kind of refusal beside the sentence."""
        super().__init__(message, {"refusal": refusal.value})
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it arrives.

    Attributes:
        order_id: The exchange's identity of the order, unique in the market for ever.
        account: Whose order it is; orders of one account never trade with each other.
        side: Bid or ask on the YES price.
        price: Worst YES price in dollars, on the market's grid.
        count: Contracts, a multiple of 0.01 above zero.
        time_in_force: What happens to the part that does not fill at once.
        self_trade_prevention: What gives way when the order meets one of its own account.
        expires_at: When a good-till-canceled order leaves the book by itself; None for never.
        post_only: Never take; the order is canceled whole if it would.
        reduce_only: Never take more than the position it closes; immediate-or-cancel only.
        cancel_on_pause: Whether the order leaves the book when trading pauses.
    """

    order_id: str
    account: str
    side: BookSide
    price: Decimal
    count: Decimal
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    expires_at: dt.datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False


@dataclass(frozen=True, slots=True)
class Amendment:
    """What an order shall become.

    Attributes:
        price: YES price in dollars; the present one to leave it.
        count: Contracts in all: those already filled plus those that shall still rest.
        changes_expiry: Whether ``expires_at`` is meant; otherwise the expiry stays as it is.
        expires_at: The new expiry, None to remove it.
    """

    price: Decimal
    count: Decimal
    changes_expiry: bool = False
    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as it stands after an event.

    Attributes:
        order: As it arrived, with price, expiry and total count as last amended.
        filled: Contracts filled so far.
        remaining: Contracts that may still fill; zero once it has ended.
        fees: Dollars of fees charged so far, net of rebates.
        fee_carry: Rounding overpaid so far that may come back as a rebate, in dollars.
    """

    order: NewOrder
    filled: Decimal = ZERO
    remaining: Decimal = ZERO
    fees: Decimal = ZERO
    fee_carry: Decimal = ZERO

    @property
    def order_id(self) -> str:
        """Return the order's identity."""
        return self.order.order_id
