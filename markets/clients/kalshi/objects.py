"""What the exchange's public market data looks like, checked where it enters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field, StrictBool, field_validator, model_validator

from markets.clients.kalshi.wire import (
    Count,
    Dollars,
    Exact,
    ExchangeObject,
    Instant,
    Name,
    OptionalCount,
    OptionalExact,
    OptionalInstant,
    OptionalPrice,
    Price,
    SignedCount,
    UnixSeconds,
    names,
    read_object,
)

__all__ = [
    "AskSpread",
    "BidSpread",
    "BookSides",
    "EventFeeChange",
    "Exact",
    "ExchangeBook",
    "ExchangeCandle",
    "ExchangeEvent",
    "ExchangeMarket",
    "ExchangeObject",
    "ExchangeSchedule",
    "ExchangeSeries",
    "ExchangeStatus",
    "ExchangeTrade",
    "HistoricalCutoff",
    "MaintenanceWindow",
    "OpenHours",
    "OptionalExact",
    "OptionalPrice",
    "PastEvent",
    "Price",
    "PriceStep",
    "SeriesFeeChange",
    "SettlementSource",
    "ShardStatus",
    "TradedPrices",
    "UserDataTimestamp",
    "WeeklyHours",
    "read_object",
]


class SettlementSource(ExchangeObject):
    """An authority that a market settles on."""

    name: str
    url: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored."""
        return {"name": self.name, "url": self.url}


class ExchangeSeries(ExchangeObject):
    """A series with its fee."""

    unused: ClassVar[frozenset[str]] = names(
        """frequency category categories tags contract_url contract_terms_url product_metadata
        additional_prohibitions volume_fp last_updated_ts exchange_index"""
    )

    ticker: str
    title: str
    settlement_sources: tuple[SettlementSource, ...] = ()
    fee_type: str
    fee_multiplier: Exact

    @field_validator("settlement_sources", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value


class PriceStep(ExchangeObject):
    """One stretch of the price grid, dollars."""

    start: Dollars
    end: Dollars
    step: Annotated[Dollars, Field(gt=0)]

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored: dollar strings."""
        return {"start": str(self.start), "end": str(self.end), "step": str(self.step)}


class ExchangeMarket(ExchangeObject):
    """A market: strikes, times, state and outcome. Its label is carried, never read."""

    unused: ClassVar[frozenset[str]] = names(
        """market_type title subtitle no_sub_title exchange_index is_provisional created_time
        updated_time expected_expiration_time latest_expiration_time expiration_time
        occurrence_datetime settlement_timer_seconds can_close_early early_close_condition
        fee_waiver_expiration_time yes_bid_size_fp yes_ask_size_fp no_bid_dollars no_ask_dollars
        previous_price_dollars previous_yes_bid_dollars previous_yes_ask_dollars volume_24h_fp
        open_interest_fp notional_value_dollars price_level_structure settlement_bounds_type
        settlement_floor_dollars liquidity_dollars fractional_trading_enabled response_price_units
        custom_strike functional_strike mve_collection_ticker mve_selected_legs
        primary_participant_key"""
    )

    ticker: str
    event_ticker: str
    yes_sub_title: str = ""
    status: str
    strike_type: str
    floor_strike: OptionalExact = None
    cap_strike: OptionalExact = None
    open_time: Instant
    close_time: Instant
    rules_primary: str
    rules_secondary: str = ""
    price_ranges: tuple[PriceStep, ...] = Field(min_length=1)
    yes_bid_dollars: OptionalPrice = None
    yes_ask_dollars: OptionalPrice = None
    last_price_dollars: OptionalPrice = None
    volume_fp: OptionalCount = None
    result: str = ""
    settlement_value_dollars: OptionalPrice = None
    settlement_ts: OptionalInstant = None
    expiration_value: str | None = None

    @field_validator("yes_bid_dollars", "last_price_dollars")
    @classmethod
    def _zero_is_no_quote(cls, value: Decimal | None) -> Decimal | None:
        """Read the exchange's 0.0000 of an empty side as what it is: no quote."""
        return None if value == 0 else value

    @field_validator("yes_ask_dollars")
    @classmethod
    def _one_is_no_quote(cls, value: Decimal | None) -> Decimal | None:
        return None if value == 1 else value


class ExchangeEvent(ExchangeObject):
    """An event with its markets."""

    unused: ClassVar[frozenset[str]] = names(
        """sub_title collateral_return_type mutually_exclusive category strike_date strike_period
        product_metadata last_updated_ts exchange_index available_on_brokers"""
    )

    event_ticker: str
    series_ticker: str
    title: str = ""
    settlement_sources: tuple[SettlementSource, ...] = ()
    fee_type_override: str | None = None
    fee_multiplier_override: OptionalExact = None
    markets: tuple[ExchangeMarket, ...]

    @field_validator("settlement_sources", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value

    @field_validator("fee_type_override")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        return value or None


class PastEvent(ExchangeEvent):
    """An event as listed long after it; markets in the historical tier are left out."""

    markets: tuple[ExchangeMarket, ...] = ()

    @field_validator("markets", mode="before")
    @classmethod
    def _no_markets_is_empty(cls, value: Any) -> Any:
        return () if value is None else value


class BookSides(ExchangeObject):
    """Bids of both sides as sent: ascending, best last. Both keys are needed, also when empty."""

    yes_dollars: tuple[tuple[Dollars, SignedCount], ...]
    no_dollars: tuple[tuple[Dollars, SignedCount], ...]

    @field_validator("yes_dollars", "no_dollars", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any) -> Any:
        return () if value is None else value


class ExchangeBook(ExchangeObject):
    """The book of one market; ``derived_from`` is set when it was not an exchange that kept it."""

    ticker: str
    orderbook_fp: BookSides
    derived_from: str = ""


class ExchangeTrade(ExchangeObject):
    """A public trade."""

    unused: ClassVar[frozenset[str]] = names(
        "no_price_dollars taker_book_side taker_side exchange_index"
    )

    trade_id: str
    ticker: str
    count_fp: Annotated[Count, Field(gt=0)]
    yes_price_dollars: Price
    taker_outcome_side: str
    created_time: Instant
    is_block_trade: bool = False


class _Spread(ExchangeObject):
    """Opening, lowest, highest and last price of one side of the book within a candle."""

    open: OptionalPrice
    low: OptionalPrice
    high: OptionalPrice
    close: OptionalPrice


class BidSpread(_Spread):
    """Bids within a candle; without a bid there is none, not a bid of 0."""

    @field_validator("open", "low", "high", "close")
    @classmethod
    def _zero_is_no_quote(cls, value: Decimal | None) -> Decimal | None:
        return None if value == 0 else value


class AskSpread(_Spread):
    """Asks within a candle; without an ask there is none, not an ask of 1."""

    @field_validator("open", "low", "high", "close")
    @classmethod
    def _one_is_no_quote(cls, value: Decimal | None) -> Decimal | None:
        return None if value == 1 else value


class TradedPrices(ExchangeObject):
    """Prices of the trades within a candle, all missing when there was no trade."""

    unused: ClassVar[frozenset[str]] = names("min max")

    open: OptionalPrice = None
    low: OptionalPrice = None
    high: OptionalPrice = None
    close: OptionalPrice = None
    mean: OptionalPrice = None
    previous: OptionalPrice = None


class ExchangeCandle(ExchangeObject):
    """One candle of a market, prices of the YES side. The end is inclusive.

    The live tier names prices ``open_dollars`` and counts ``volume_fp``, the historical one
    ``open`` and ``volume``; both are read here.
    """

    end_period_ts: UnixSeconds
    yes_bid: BidSpread
    yes_ask: AskSpread
    price: TradedPrices
    volume: Count
    open_interest: Count

    @model_validator(mode="before")
    @classmethod
    def _in_one_spelling(cls, payload: Any) -> Any:
        if not isinstance(payload, Mapping):
            return payload
        return {
            str(name).removesuffix("_fp"): _without_suffix(value) for name, value in payload.items()
        }


class SeriesFeeChange(ExchangeObject):
    """A fee of a series, from a moment on."""

    id: Name
    series_ticker: Name
    fee_type: Name
    fee_multiplier: Exact
    scheduled_ts: Instant


class EventFeeChange(ExchangeObject):
    """A fee of an event that differs from its series', from a moment on; None ends it."""

    id: Name
    event_ticker: Name
    series_ticker: Name
    fee_type_override: str | None
    fee_multiplier_override: OptionalExact
    scheduled_ts: Instant

    @field_validator("fee_type_override")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        return value or None


class ShardStatus(ExchangeObject):
    """Whether one shard of the exchange is open."""

    unused: ClassVar[frozenset[str]] = names("description intra_exchange_transfers_active")

    exchange_index: int
    exchange_active: StrictBool
    trading_active: StrictBool


class ExchangeStatus(ExchangeObject):
    """Whether the exchange is open; ``exchange_active`` false means that cancels fail too."""

    unused: ClassVar[frozenset[str]] = names("intra_exchange_transfers_active")

    exchange_active: StrictBool
    trading_active: StrictBool
    exchange_estimated_resume_time: OptionalInstant = None
    exchange_index_statuses: tuple[ShardStatus, ...] = ()

    @field_validator("exchange_index_statuses", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value

    def may_order(self, exchange_index: int) -> bool:
        """Say whether orders can be placed on a shard."""
        return (
            self.exchange_active
            and self.trading_active
            and all(
                shard.exchange_active and shard.trading_active
                for shard in self.exchange_index_statuses
                if shard.exchange_index == exchange_index
            )
        )

    def may_cancel(self, exchange_index: int) -> bool:
        """Say whether orders can be cancelled on a shard."""
        return self.exchange_active and all(
            shard.exchange_active
            for shard in self.exchange_index_statuses
            if shard.exchange_index == exchange_index
        )


class OpenHours(ExchangeObject):
    """One stretch of open hours of a weekday, Eastern time, ``HH:MM``."""

    open_time: dt.time
    close_time: dt.time


class WeeklyHours(ExchangeObject):
    """The open hours of a week, valid between two moments."""

    start_time: Instant
    end_time: Instant
    monday: tuple[OpenHours, ...]
    tuesday: tuple[OpenHours, ...]
    wednesday: tuple[OpenHours, ...]
    thursday: tuple[OpenHours, ...]
    friday: tuple[OpenHours, ...]
    saturday: tuple[OpenHours, ...]
    sunday: tuple[OpenHours, ...]


class MaintenanceWindow(ExchangeObject):
    """A time in which the exchange is closed for maintenance."""

    start_datetime: Instant
    end_datetime: Instant


class ExchangeSchedule(ExchangeObject):
    """When the exchange is open."""

    standard_hours: tuple[WeeklyHours, ...]
    maintenance_windows: tuple[MaintenanceWindow, ...]


class HistoricalCutoff(ExchangeObject):
    """Up to which moments data has moved to the historical tier; the border is fuzzy."""

    market_settled_ts: Instant
    trades_created_ts: Instant
    orders_updated_ts: Instant
    market_positions_last_updated_ts: OptionalInstant = None


class UserDataTimestamp(ExchangeObject):
    """Up to when reads of an account show what the matching engine did."""

    as_of_time: Instant


def _without_suffix(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {str(name).removesuffix("_dollars"): item for name, item in value.items()}
