"""What the exchange's public market data looks like, checked where it enters.

Prices and counts are exact decimals read from fixed-point strings. A field that is needed and
missing refuses the object; a price that is missing stays missing: there are no defaults for it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from boz.core.errors import InvalidDataError
from boz.core.logging import get_logger

log = get_logger("MARKET")


def _exact(value: Any) -> Any:
    """Read a fixed-point string; the JSON numbers of strikes and multipliers keep their digits."""
    if isinstance(value, bool):
        raise ValueError("must be a decimal number")
    if isinstance(value, float):
        value = repr(value)
    try:
        return Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError("must be a decimal number") from None


def _nothing_when_empty(value: Any) -> Any:
    return None if value is None or value == "" else _exact(value)


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 time")
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]
OptionalExact = Annotated[
    Annotated[Decimal, Field(allow_inf_nan=False)] | None, BeforeValidator(_nothing_when_empty)
]
Price = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=1, allow_inf_nan=False)]
OptionalPrice = Annotated[
    Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False)] | None,
    BeforeValidator(_nothing_when_empty),
]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]


class ExchangeObject(BaseModel):
    """Base: frozen; fields that we do not use are dropped, unheard-of ones told once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Documented fields that we leave aside.
    unused: ClassVar[frozenset[str]] = frozenset()


Parsed = TypeVar("Parsed", bound=ExchangeObject)


def read_object(kind: type[Parsed], payload: Any, *, what: str) -> Parsed:
    """Read one object.

    Raises:
        InvalidDataError: Naming each field that is missing or cannot be true.
    """
    if not isinstance(payload, Mapping):
        raise InvalidDataError(
            f"The exchange sent no object for {what}.", {"type": type(payload).__name__}
        )
    for name in payload.keys() - _known_fields(kind):
        _tell_unknown_field(kind.__name__, str(name))
    try:
        return kind.model_validate(dict(payload))
    except ValidationError as error:
        faults = [_fault(item) for item in error.errors(include_url=False, include_context=False)]
        raise InvalidDataError(
            f"The exchange's data for {what} cannot be used: {'; '.join(faults)}.",
            {"subject": what, "fields": faults},
        ) from None


def _fault(item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"]) or "object"
    if item["type"] == "missing":
        return f"the field '{name}' is missing"
    return f"'{name}' {item['msg'].removeprefix('Value error, ')}, was {str(item['input'])[:60]!r}"


@functools.cache
def _known_fields(kind: type[ExchangeObject]) -> frozenset[str]:
    return frozenset(kind.model_fields) | kind.unused


@functools.cache
def _tell_unknown_field(kind: str, name: str) -> None:
    """Log an unheard-of field; the cache makes it once per process."""
    log.info("The exchange sends a field we do not know", object=kind, field=name)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


class SettlementSource(ExchangeObject):
    """An authority that a market settles on."""

    name: str
    url: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored."""
        return {"name": self.name, "url": self.url}


class ExchangeSeries(ExchangeObject):
    """A series with its fee."""

    unused: ClassVar[frozenset[str]] = _names(
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

    start: Exact
    end: Exact
    step: Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, allow_inf_nan=False)]

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored: dollar strings."""
        return {"start": str(self.start), "end": str(self.end), "step": str(self.step)}


class ExchangeMarket(ExchangeObject):
    """A market: strikes, times, state and outcome. Its label is carried, never read."""

    unused: ClassVar[frozenset[str]] = _names(
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
    volume_fp: OptionalExact = None
    result: str = ""
    settlement_value_dollars: OptionalPrice = None
    settlement_ts: Instant | None = None
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

    unused: ClassVar[frozenset[str]] = _names(
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


class BookSides(ExchangeObject):
    """Bids of both sides as sent: ascending, best last. Both keys are needed, also when empty."""

    yes_dollars: tuple[tuple[Exact, Exact], ...]
    no_dollars: tuple[tuple[Exact, Exact], ...]

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

    unused: ClassVar[frozenset[str]] = _names(
        "no_price_dollars taker_book_side taker_side is_block_trade exchange_index"
    )

    trade_id: str
    ticker: str
    count_fp: Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, allow_inf_nan=False)]
    yes_price_dollars: Price
    taker_outcome_side: str
    created_time: Instant
