"""The recorded files that we can read: recognised by their header, read row by row.

Prices in these files are cents of a one-dollar contract and times are UTC, with or without a zone.
A broken row is counted under its reason and the others go on.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from boz.core.money import CENT
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F

_GZIP = b"\x1f\x8b"


class RowError(ValueError):
    """A row cannot be used; the text is the reason under which it is counted."""


class Kind(StrEnum):
    """What a file holds."""

    MARKETS = "markets"
    TRADES = "trades"
    QUOTES = "quotes"


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of recorded file.

    Attributes:
        kind: What it holds.
        columns: The header must have all of these.
        time: Column of the quote's time.
        bid: Column of the best YES bid, cents.
        ask: Column of the best YES ask, cents.
        last: Column of the last trade, cents; empty when the file has none.
        origin: What the quotes are derived from; empty when the exchange quoted them.
    """

    kind: Kind
    columns: frozenset[str]
    time: str = ""
    bid: str = ""
    ask: str = ""
    last: str = ""
    origin: str = ""


_LADDER = frozenset({"city", "date", "ticker", "lo_f", "hi_f"})
#: In this order: the first whose columns are all there is the file's.
SHAPES = (
    Shape(Kind.MARKETS, _LADDER | {"event_ticker", "open_time", "close_time", "won"}),
    Shape(Kind.TRADES, frozenset({"ticker", "utc", "yes_price_c", "contracts", "taker_side"})),
    Shape(
        Kind.QUOTES,
        _LADDER | {"snapshot_utc", "bid_est_c", "ask_est_c", "last_c"},
        time="snapshot_utc",
        bid="bid_est_c",
        ask="ask_est_c",
        last="last_c",
        origin="trades",
    ),
    Shape(
        Kind.QUOTES,
        _LADDER | {"candle_utc", "yes_bid_c", "yes_ask_c", "price_c"},
        time="candle_utc",
        bid="yes_bid_c",
        ask="yes_ask_c",
        last="price_c",
        origin="hourly candles",
    ),
    Shape(
        Kind.QUOTES,
        _LADDER | {"utc", "yes_bid_c", "yes_ask_c"},
        time="utc",
        bid="yes_bid_c",
        ask="yes_ask_c",
    ),
    Shape(
        Kind.QUOTES,
        _LADDER | {"quote_utc", "yes_bid_c", "yes_ask_c"},
        time="quote_utc",
        bid="yes_bid_c",
        ask="yes_ask_c",
    ),
)


def shape_of(header: list[str], *, path: Path) -> Shape:
    """Return the shape of a file from its header.

    Raises:
        InvalidDataError: If it is none that we know.
    """
    columns = set(header)
    for shape in SHAPES:
        if shape.columns <= columns:
            return shape
    raise InvalidDataError(
        f"{path.name} has none of the headers that can be imported.",
        {"file": path.name, "header": header[:40]},
    )


@contextmanager
def open_rows(path: Path) -> Iterator[tuple[Shape, Iterator[dict[str, str]]]]:
    """Open a CSV file, plain or gzip, and yield its shape and its rows.

    Raises:
        InvalidDataError: If it cannot be read or has an unknown header.
    """
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == _GZIP
            raw.seek(0)
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if is_gzip else raw
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            reader = csv.DictReader(text)
            shape = shape_of(list(reader.fieldnames or []), path=path)
            yield shape, reader
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InvalidDataError(
            f"{path.name} cannot be read: {error}", {"file": path.name}
        ) from error


def field(row: Mapping[str, str], name: str) -> str:
    """Return a needed value.

    Raises:
        RowError: If it is missing or blank.
    """
    value = row.get(name)
    if not value:
        raise RowError(f"The column '{name}' is blank.")
    return value


@functools.lru_cache(maxsize=4096)
def day_of(text: str) -> dt.date:
    """Read a date."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise RowError("The date cannot be read.") from None


def moment_of(text: str) -> dt.datetime:
    """Read a UTC time, with or without its zone."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise RowError("The time cannot be read.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@functools.lru_cache(maxsize=4096)
def number_of(text: str) -> Decimal:
    """Read a finite number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise RowError("A number cannot be read.") from None
    if not number.is_finite():
        raise RowError("A number is not finite.")
    return number


@functools.lru_cache(maxsize=4096)
def degrees_of(text: str) -> int | None:
    """Read a bracket's edge in whole °F; blank is an open end."""
    if not text:
        return None
    number = number_of(text)
    if number != number.to_integral_value():
        raise RowError("A bracket's edge is no whole degree.")
    if not PLAUSIBLE_LOW_F <= number <= PLAUSIBLE_HIGH_F:
        raise RowError("A bracket's edge is no possible temperature.")
    return int(number)


@functools.lru_cache(maxsize=4096)
def price_of(text: str) -> Decimal:
    """Read cents as dollars with four places; 0 and 100 are no prices."""
    cents = number_of(text)
    if not 0 < cents < 100:
        raise RowError("A price is not between 0 and 100 cents.")
    return (cents * CENT).quantize(Decimal("0.0001"))


def bid_of(text: str) -> Decimal | None:
    """Read a bid in cents; blank or 0 means that nobody bids."""
    return None if not text or number_of(text) == 0 else price_of(text)


def ask_of(text: str) -> Decimal | None:
    """Read an ask in cents; blank or 100 means that nobody offers."""
    return None if not text or number_of(text) == 100 else price_of(text)
