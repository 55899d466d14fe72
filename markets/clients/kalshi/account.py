"""What the exchange tells about an account, checked where it enters.

Prices of orders and fills come for both legs; the price of what the account holds or wants is that
of its own side, ``price``.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from boz.core.money import ONE
from markets.clients.kalshi.wire import (
    Cents,
    Count,
    Dollars,
    ExchangeObject,
    Instant,
    Name,
    OptionalCount,
    OptionalInstant,
    Price,
    SignedCount,
    UnixSeconds,
    names,
)

Side = Literal["yes", "no"]
BookSide = Literal["bid", "ask"]
BOOK_SIDES: dict[str, str] = {"yes": "bid", "no": "ask"}


class _Directed(ExchangeObject):
    """Base of orders and fills: which side, at which price."""

    outcome_side: Side
    book_side: BookSide
    yes_price_dollars: Price
    no_price_dollars: Price

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        """Refuse a direction or a price that contradicts itself: money hangs on it."""
        if BOOK_SIDES[self.outcome_side] != self.book_side:
            raise ValueError(f"is for {self.outcome_side} and on the {self.book_side} side at once")
        if self.yes_price_dollars + self.no_price_dollars != ONE:
            raise ValueError("has prices of yes and no that do not add up to 1")
        return self

    @property
    def price(self) -> Decimal:
        """Return the price of its own side, dollars."""
        return self.yes_price_dollars if self.outcome_side == "yes" else self.no_price_dollars


class ExchangeOrder(_Directed):
    """An order of the account; ``client_order_id`` is empty on one that was not sent by us."""

    unused: ClassVar[frozenset[str]] = names("side action")

    order_id: Name
    #: Whose order it is; empty when it is not told.
    user_id: str = ""
    client_order_id: str
    ticker: Name
    type: str
    status: Literal["resting", "canceled", "executed"]
    fill_count_fp: Count
    remaining_count_fp: Count
    initial_count_fp: Count
    taker_fill_cost_dollars: Dollars
    maker_fill_cost_dollars: Dollars
    taker_fees_dollars: Dollars
    maker_fees_dollars: Dollars
    expiration_time: OptionalInstant = None
    created_time: OptionalInstant = None
    last_update_time: OptionalInstant = None
    self_trade_prevention_type: str | None = None
    order_group_id: str | None = None
    cancel_order_on_pause: StrictBool | None = None
    subaccount_number: int | None = None
    exchange_index: int | None = None


class ExchangeFill(_Directed):
    """A fill of an order of the account, with its fee in dollars."""

    unused: ClassVar[frozenset[str]] = names("side action market_ticker")

    fill_id: Name
    trade_id: Name
    order_id: Name
    ticker: Name
    count_fp: Annotated[Count, Field(gt=0)]
    is_taker: StrictBool
    fee_cost: Dollars
    created_time: OptionalInstant = None
    ts: UnixSeconds | None = None
    subaccount_number: int | None = None
    exchange_index: int | None = None

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if self.created_time is None and self.ts is None:
            raise ValueError("has no time")
        return self

    @property
    def at(self) -> dt.datetime:
        """Return when it happened, as exactly as it is told."""
        at = self.created_time or self.ts
        assert at is not None  # noqa: S101 - the validator above holds it
        return at.astimezone(dt.UTC)


class MarketPosition(ExchangeObject):
    """What the account holds of one market; a count below zero is NO."""

    ticker: Name
    position_fp: SignedCount
    total_traded_dollars: Dollars
    market_exposure_dollars: Dollars
    realized_pnl_dollars: Dollars
    fees_paid_dollars: Dollars
    last_updated_ts: Instant
    exchange_index: int | None = None


class EventPosition(ExchangeObject):
    """What the account holds of one event."""

    event_ticker: Name
    total_cost_dollars: Dollars
    total_cost_shares_fp: Count
    event_exposure_dollars: Dollars
    realized_pnl_dollars: Dollars
    fees_paid_dollars: Dollars


class ShardBalance(ExchangeObject):
    """The cash on one shard."""

    exchange_index: int
    balance: Dollars


class Balance(ExchangeObject):
    """The account's cash; whether resting orders are taken off it is not documented."""

    #: The same in whole cents, cut off.
    unused: ClassVar[frozenset[str]] = names("balance")

    balance_dollars: Dollars
    #: Comes in cents; dollars here.
    portfolio_value: Cents
    updated_ts: UnixSeconds
    balance_breakdown: tuple[ShardBalance, ...] = ()

    @field_validator("balance_breakdown", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value


class RestingValue(ExchangeObject):
    """What all resting orders would cost together."""

    #: Comes in cents; dollars here.
    total_resting_order_value: Cents
    resting_order_value_breakdown: tuple[ShardBalance, ...] = ()


class ExchangeSettlement(ExchangeObject):
    """How a position of the account was paid out."""

    ticker: Name
    event_ticker: Name
    market_result: Literal["yes", "no", "scalar"]
    yes_count_fp: Count
    yes_total_cost_dollars: Dollars
    no_count_fp: Count
    no_total_cost_dollars: Dollars
    #: Both come in cents; dollars here. ``value`` is the payout of one YES contract.
    revenue: Cents
    value: Cents | None = None
    #: The sum of the fees of the trades, not a fee of the settlement.
    fee_cost: Dollars
    settled_time: Instant
    exchange_index: int | None = None


class QueuePosition(ExchangeObject):
    """How many contracts are served before an order's."""

    order_id: Name
    market_ticker: Name
    queue_position_fp: Count


class OneQueuePosition(ExchangeObject):
    """The answer for a single order."""

    queue_position_fp: Count


class OrderGroup(ExchangeObject):
    """Orders that are cancelled together when too much of them trades within 15 seconds."""

    id: Name
    contracts_limit_fp: OptionalCount = None
    is_auto_cancel_enabled: StrictBool
    exchange_index: int | None = None


class OrderGroupDetail(ExchangeObject):
    """One group with the ids of its orders."""

    is_auto_cancel_enabled: StrictBool
    orders: tuple[Name, ...]
    contracts_limit_fp: OptionalCount = None
    exchange_index: int | None = None

    @field_validator("orders", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value


class ApiKey(ExchangeObject):
    """A key of the account and what it may do; a scope includes those below it."""

    unused: ClassVar[frozenset[str]] = names("name")

    api_key_id: Name
    scopes: tuple[str, ...]
    subaccount: int | None = None


class BucketLimit(ExchangeObject):
    """One token bucket: tokens per second, and the most it holds."""

    refill_rate: Annotated[int, Field(gt=0)]
    bucket_capacity: Annotated[int, Field(gt=0)]


class AccountLimits(ExchangeObject):
    """How much the account may ask and change."""

    unused: ClassVar[frozenset[str]] = names("grants")

    usage_tier: str
    read: BucketLimit
    write: BucketLimit


class EndpointCost(ExchangeObject):
    """A call that costs other than the default."""

    method: Name
    path: Name
    cost: Annotated[int, Field(ge=0)]


class EndpointCostList(ExchangeObject):
    """What calls cost, tokens."""

    default_cost: Annotated[int, Field(ge=0)]
    endpoint_costs: tuple[EndpointCost, ...]
