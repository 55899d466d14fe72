"""Messages of the stream's channels that are not books, checked where they enter."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, field_validator

from boz.core.money import COUNT_STEP, MICRO_STEP
from markets.clients.kalshi.objects import (
    Exact,
    ExchangeObject,
    OptionalExact,
    OptionalPrice,
    Price,
    PriceStep,
)

Seconds = Annotated[int, Field(ge=0, le=99_999_999_999)]
Milliseconds = Annotated[int, Field(ge=0, le=99_999_999_999_999)]
Contracts = Annotated[Exact, Field(ge=0)]


def _on_price_grid(value: Decimal | None) -> Decimal | None:
    if value is not None and value != value.quantize(MICRO_STEP):
        raise ValueError("is finer than the exchange's prices")
    return value


def _on_count_grid(value: Decimal) -> Decimal:
    if value >= MAX_COUNT or value != value.quantize(COUNT_STEP):
        raise ValueError("is finer or larger than the exchange's counts")
    return value


#: Far beyond any honest count; what is larger does not fit where it is stored.
MAX_COUNT = Decimal(10) ** 11
GridPrice = Annotated[Price, AfterValidator(_on_price_grid)]
OptionalGridPrice = Annotated[OptionalPrice, AfterValidator(_on_price_grid)]
GridCount = Annotated[Exact, Field(gt=0), AfterValidator(_on_count_grid)]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


class TickerBody(ExchangeObject):
    """The last trade of a market; its quote is read from the book."""

    unused: ClassVar[frozenset[str]] = _names(
        """market_id yes_bid_dollars yes_ask_dollars volume_fp open_interest_fp dollar_volume
        dollar_open_interest yes_bid_size_fp yes_ask_size_fp last_trade_size_fp ts time"""
    )

    market_ticker: str
    price_dollars: OptionalGridPrice
    ts_ms: Milliseconds

    @field_validator("price_dollars")
    @classmethod
    def _zero_is_no_trade(cls, value: Decimal | None) -> Decimal | None:
        return None if value == 0 else value


class TradeBody(ExchangeObject):
    """A public trade."""

    unused: ClassVar[frozenset[str]] = _names("no_price_dollars taker_side taker_book_side ts")

    trade_id: str = Field(min_length=1, max_length=80)
    market_ticker: str
    yes_price_dollars: GridPrice
    count_fp: GridCount
    taker_outcome_side: str = Field(pattern="^(yes|no)$")
    is_block_trade: bool
    ts_ms: Milliseconds


class FillBody(ExchangeObject):
    """A fill of an order of the account; prices are YES prices."""

    unused: ClassVar[frozenset[str]] = _names("side action purchased_side ts")

    trade_id: str = Field(min_length=1)
    order_id: str = Field(min_length=1)
    market_ticker: str
    exchange_index: int | None = None
    is_taker: bool
    yes_price_dollars: GridPrice
    count_fp: GridCount
    fee_cost: Exact
    outcome_side: str = Field(pattern="^(yes|no)$")
    book_side: str = Field(pattern="^(bid|ask)$")
    client_order_id: str | None = None
    post_position_fp: Exact
    subaccount: int | None = None
    ts_ms: Milliseconds


class UserOrderBody(ExchangeObject):
    """An order of the account as it is now; this channel calls the market ``ticker``."""

    unused: ClassVar[frozenset[str]] = _names(
        """user_id side is_yes created_time last_update_time expiration_time exchange_index
        self_trade_prevention_type"""
    )

    order_id: str = Field(min_length=1)
    ticker: str
    status: str
    outcome_side: str = Field(pattern="^(yes|no)$")
    book_side: str = Field(pattern="^(bid|ask)$")
    yes_price_dollars: GridPrice
    fill_count_fp: Contracts
    remaining_count_fp: Contracts
    initial_count_fp: Contracts
    taker_fill_cost_dollars: Exact
    maker_fill_cost_dollars: Exact
    taker_fees_dollars: Exact
    maker_fees_dollars: Exact
    client_order_id: str
    order_group_id: str | None = None
    created_ts_ms: Milliseconds
    last_updated_ts_ms: Milliseconds | None = None
    expiration_ts_ms: Milliseconds | None = None
    subaccount_number: int | None = None


class PositionBody(ExchangeObject):
    """A position of the account; the exchange counts NO contracts as negative."""

    unused: ClassVar[frozenset[str]] = frozenset({"user_id"})

    market_ticker: str
    position_fp: Exact
    position_cost_dollars: Exact
    realized_pnl_dollars: Exact
    fees_paid_dollars: Exact
    position_fee_cost_dollars: Exact
    volume_fp: Contracts
    subaccount: int | None = None


class LifecycleBody(ExchangeObject):
    """Something happened to a market; times are Unix seconds."""

    unused: ClassVar[frozenset[str]] = _names(
        """exchange_index open_ts determination_ts settlement_value settled_ts is_deactivated
        price_level_structure yes_sub_title result"""
    )

    event_type: str
    market_ticker: str
    close_ts: Seconds | None = None
    price_ranges: tuple[PriceStep, ...] | None = None
    strike_type: str | None = None
    floor_strike: OptionalExact = None
    cap_strike: OptionalExact = None
    custom_strike: Any = None
    additional_metadata: dict[str, Any] | None = None


class EventCreatedBody(ExchangeObject):
    """An event was listed; the next listing reads it whole."""

    unused: ClassVar[frozenset[str]] = _names(
        """exchange_index title subtitle collateral_return_type strike_date
        strike_period"""
    )

    event_ticker: str
    series_ticker: str = ""


class FeeUpdateBody(ExchangeObject):
    """The fee of one event was overridden, or its override taken back (both empty)."""

    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: OptionalExact


Body = (
    TickerBody
    | TradeBody
    | FillBody
    | UserOrderBody
    | PositionBody
    | LifecycleBody
    | EventCreatedBody
    | FeeUpdateBody
)
