"""How the exchange writes values, checked where they enter.

Prices, amounts and counts come as fixed-point strings and become exact decimals; a JSON number in
their place is refused, since it may mean cents. A field that is needed and missing refuses the
object; there are no defaults for prices.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from boz.core.errors import InvalidDataError
from boz.core.logging import get_logger
from boz.core.money import CENT

log = get_logger("MARKET")

NAME_CHARS = 80
#: Room for any amount of the exchange; longer is nonsense.
_FIXED_POINT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_COUNT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?")
#: The year 2286 in seconds: a time in milliseconds is never mistaken for one in seconds.
_LAST_SECOND: Final = 9_999_999_999


def _exact(value: Any) -> Any:
    """Read the JSON numbers of strikes and multipliers, which keep their digits."""
    if isinstance(value, bool):
        raise ValueError("must be a decimal number")
    if isinstance(value, float):
        value = repr(value)
    try:
        return Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError("must be a decimal number") from None


def _dollars(value: Any) -> Decimal:
    if not isinstance(value, str) or _FIXED_POINT.fullmatch(value) is None:
        raise ValueError("must be a fixed-point string of dollars")
    return Decimal(value)


def _count(value: Any) -> Decimal:
    if not isinstance(value, str) or _COUNT.fullmatch(value) is None:
        raise ValueError("must be a fixed-point string with at most two decimals")
    return Decimal(value)


def _cents(value: Any) -> Decimal:
    """Read one of the few amounts that still come as whole cents; the result is dollars."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number of cents")
    return value * CENT


def _nothing_when_empty(value: Any) -> Any:
    return None if value == "" else value


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 time")
    return value


def _unix_seconds(value: Any) -> dt.datetime:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LAST_SECOND:
        raise ValueError("must be a Unix time in seconds")
    return dt.datetime.fromtimestamp(value, tz=dt.UTC)


def _unix_milliseconds(value: Any) -> dt.datetime:
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not _LAST_SECOND < value <= _LAST_SECOND * 1000
    ):
        raise ValueError("must be a Unix time in milliseconds")
    return dt.datetime.fromtimestamp(value // 1000, tz=dt.UTC) + dt.timedelta(
        milliseconds=value % 1000
    )


Exact = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]
OptionalExact = Annotated[Exact | None, BeforeValidator(_nothing_when_empty)]
Dollars = Annotated[Decimal, BeforeValidator(_dollars)]
OptionalDollars = Annotated[Dollars | None, BeforeValidator(_nothing_when_empty)]
Price = Annotated[Decimal, BeforeValidator(_dollars), Field(ge=0, le=1)]
OptionalPrice = Annotated[Price | None, BeforeValidator(_nothing_when_empty)]
Count = Annotated[Decimal, BeforeValidator(_count), Field(ge=0)]
OptionalCount = Annotated[Count | None, BeforeValidator(_nothing_when_empty)]
SignedCount = Annotated[Decimal, BeforeValidator(_count)]
#: Dollars that the exchange writes as whole cents.
Cents = Annotated[Decimal, BeforeValidator(_cents)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
OptionalInstant = Annotated[Instant | None, BeforeValidator(_nothing_when_empty)]
UnixSeconds = Annotated[dt.datetime, BeforeValidator(_unix_seconds)]
UnixMilliseconds = Annotated[dt.datetime, BeforeValidator(_unix_milliseconds)]
Name = Annotated[str, Field(min_length=1)]


class ExchangeObject(BaseModel):
    """Base: frozen; fields that we do not use are dropped, unheard-of ones told once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Documented fields that we leave aside.
    unused: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _tell_unknown_fields(cls, payload: Any) -> Any:
        if isinstance(payload, Mapping):
            for name in payload.keys() - _known_fields(cls):
                _tell_unknown_field(cls.__name__, str(name)[:NAME_CHARS])
        return payload


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


def names(text: str) -> frozenset[str]:
    """Return the names of a list in one text."""
    return frozenset(text.split())
