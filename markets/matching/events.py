"""What happened in a market, in order: the matching engine's only output.

Every event carries the market's sequence number and the moment it took effect. The same operations
at the same moments always give the same events.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from boz.core.schemas import Side
from markets.domain.fees import FillFee
from markets.matching.orders import BookSide, OrderState


class UpdateReason(StrEnum):
    """Why an order last changed, in the exchange's words.

    The exchange names no reason for a cancel on request or for what an immediate order leaves.
    """

    NONE = ""
    DECREASE = "Decrease"
    AMEND = "Amend"
    MARGIN_CANCEL = "MarginCancel"
    SELF_TRADE_CANCEL = "SelfTradeCancel"
    EXPIRY_CANCEL = "ExpiryCancel"
    CLOSE_CANCEL = "CloseCancel"
    HALT_CANCEL = "HaltCancel"
    TRADE = "Trade"
    POST_ONLY_CROSS_CANCEL = "PostOnlyCrossCancel"
    REDUCE_ONLY_CANCEL = "ReduceOnlyCancel"


@dataclass(frozen=True, slots=True)
class Accepted:
    """An order was taken in; what it did follows.

    Attributes:
        seq: Number of the event in its market, from 1 without gaps.
        at: When it took effect.
        state: The order before anything filled.
    """

    seq: int
    at: dt.datetime
    state: OrderState


@dataclass(frozen=True, slots=True)
class FillLeg:
    """One party's side of a trade.

    Attributes:
        state: The party's order after the trade.
        side: Bid or ask on the YES price.
        price: Dollars per contract of what this party bought (YES for a bid, NO for an ask).
        fee: What the fill cost beside its price.
        cash: Exact dollars that leave the account, before any payout of matched pairs.
    """

    state: OrderState
    side: BookSide
    price: Decimal
    fee: FillFee
    cash: Decimal

    @property
    def account(self) -> str:
        """Return whose fill it is."""
        return self.state.order.account


@dataclass(frozen=True, slots=True)
class Filled:
    """Two orders traded at the resting one's price.

    Attributes:
        seq: Number of the event in its market.
        at: When it took effect.
        trade_number: Number of the trade in its market, from 1.
        yes_price: Dollars per YES contract.
        count: Contracts.
        taker: The order that arrived.
        maker: The order that rested.
    """

    seq: int
    at: dt.datetime
    trade_number: int
    yes_price: Decimal
    count: Decimal
    taker: FillLeg
    maker: FillLeg


@dataclass(frozen=True, slots=True)
class Canceled:
    """An order ended without filling whole.

    Attributes:
        seq: Number of the event in its market.
        at: When it took effect.
        state: The order after it ended; nothing remains.
        reduced_by: Contracts that were still open.
        reason: Why, in the exchange's words.
    """

    seq: int
    at: dt.datetime
    state: OrderState
    reduced_by: Decimal
    reason: UpdateReason


@dataclass(frozen=True, slots=True)
class Amended:
    """A resting order's price, size or expiry changed; what it then traded follows.

    Attributes:
        seq: Number of the event in its market.
        at: When it took effect.
        state: The order after the change and before any fill that follows from it.
        kept_place: Whether it kept its place in the queue.
        reason: ``Amend`` or ``Decrease``.
    """

    seq: int
    at: dt.datetime
    state: OrderState
    kept_place: bool
    reason: UpdateReason


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """The displayed book changed at one price.

    Attributes:
        seq: Number of the event in its market.
        at: When it took effect.
        side: The contract bid for.
        price: Dollars per contract of that side.
        delta: Contracts added (above zero) or taken away (below zero).
        order_id: The order whose change it is.
    """

    seq: int
    at: dt.datetime
    side: Side
    price: Decimal
    delta: Decimal
    order_id: str


Event: TypeAlias = Accepted | Filled | Canceled | Amended | LevelChanged
Events: TypeAlias = tuple[Event, ...]
