"""What the Iowa Environmental Mesonet's answers hold, row by row.

Every row is judged alone: one that cannot be used becomes a sentence, the others stay.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from boz.core.clock import UTC, parse_utc, standard_day_bounds
from boz.core.errors import InvalidDataError
from weather.domain.nbm_text import MAX_SD_F, climate_day_of_maximum
from weather.domain.temperature import require_plausible

#: How a missing value is written.
MISSING = frozenset({"M", ""})
MAX_RAW_CHARS = 2000
#: Numbers beyond this are not even looked at.
TOO_LARGE = 1000

_DECIMAL = re.compile(r"-?\d{1,3}(?:\.\d{1,6})?", re.ASCII)
_PRODUCT_ID = re.compile(
    r"(?P<time>\d{12})-(?P<office>[A-Z][A-Z0-9]{3})-(?P<heading>[A-Z]{4}\d{2})-"
    r"(?P<pil>[A-Z0-9]{4,6})(?:-(?P<bbb>[A-Z]{3}))?",
    re.ASCII,
)

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Rows(Generic[RowT]):
    """Rows that can be used, in the order of the answer, and name and sentence of the others."""

    rows: tuple[RowT, ...]
    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ProductId:
    """An identifier such as ``202607090626-KOKX-CDUS41-CLINYC``.

    Args:
        pil: The AWIPS identifier, e.g. ``CLINYC``.
        bbb: Mark of a correction (``CCA``) or repetition (``RRA``), mostly empty.
    """

    text: str
    issued_at: dt.datetime
    office: str
    pil: str
    bbb: str


@dataclass(frozen=True, slots=True)
class IemClimateDay:
    """High and low of a climate day from the latest product known for it.

    Args:
        high_f: Whole °F, None when missing.
        product: Where the values come from; its issuance is the earliest they could be known.
    """

    icao: str
    climate_day: dt.date
    high_f: int | None
    low_f: int | None
    product: ProductId

    def is_partial(self, *, standard_offset: dt.timedelta) -> bool:
        """Say whether the product was issued before the day was over: a lower bound then.

        Args:
            standard_offset: The station's fixed offset from UTC.
        """
        _, end = standard_day_bounds(self.climate_day, offset=standard_offset)
        return self.product.issued_at < end


@dataclass(frozen=True, slots=True)
class ListedProduct:
    """One issuance in a list; ``entered_at`` is when the service had it."""

    product: ProductId
    entered_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ArchivedMetar:
    """A station report as sent; the text names no month, the time does."""

    observed_at: dt.datetime
    raw: str


@dataclass(frozen=True, slots=True)
class ArchivedNbm:
    """A maximum or minimum of an archived NBM short-range bulletin, °F.

    Args:
        cycle: Start of the run; it was published about an hour later.
        valid_at: 00 UTC for a maximum, 12 UTC for a minimum.
    """

    icao: str
    cycle: dt.datetime
    valid_at: dt.datetime
    temp_f: float
    sd_f: float | None

    @property
    def climate_day(self) -> dt.date | None:
        """Return the day of the maximum, None for a minimum."""
        return climate_day_of_maximum(self.valid_at)


def parse_product_id(text: object) -> ProductId:
    """Read a product identifier.

    Raises:
        InvalidDataError: If it is none.
    """
    match = _PRODUCT_ID.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidDataError("A product has no readable identifier.", {"product": str(text)[:80]})
    issued_at = _moment(match["time"], "%Y%m%d%H%M", what="the time of a product identifier")
    return ProductId(match[0], issued_at, match["office"], match["pil"], match["bbb"] or "")


def climate_days(items: Iterable[Any], *, icao: str, pil: str, year: int) -> Rows[IemClimateDay]:
    """Read the rows of ``json/cli.py``."""

    def read(item: Mapping[str, Any]) -> IemClimateDay:
        product = parse_product_id(item.get("product"))
        if item.get("station") != icao or product.pil != pil:
            raise InvalidDataError(f"The row is of {item.get('station')} {product.pil}.", {})
        day = _day(item.get("valid"))
        if day.year != year:
            raise InvalidDataError("The row is of another year.", {})
        high_f = _whole_fahrenheit(item.get("high"), what=f"A high for {day}")
        low_f = _whole_fahrenheit(item.get("low"), what=f"A low for {day}")
        if high_f is not None and low_f is not None and low_f > high_f:
            raise InvalidDataError(f"The low for {day} is above the high.", {})
        return IemClimateDay(icao, day, high_f, low_f, product)

    return _each(items, read, name="valid")


def listed_products(items: Iterable[Any], *, pil: str) -> Rows[ListedProduct]:
    """Read the entries of a list of products."""

    def read(item: Mapping[str, Any]) -> ListedProduct:
        product = parse_product_id(item.get("product_id"))
        if product.pil != pil:
            raise InvalidDataError(f"The entry is of {product.pil}.", {})
        try:
            return ListedProduct(product, parse_utc(str(item.get("entered"))))
        except ValueError:
            raise InvalidDataError("The entry does not say when it came in.", {}) from None

    return _each(items, read, name="product_id")


def metars(text: str, *, station: str) -> Rows[ArchivedMetar]:
    """Read the answer of ``asos.py`` with only the raw report asked for."""

    def read(row: Mapping[str, Any]) -> ArchivedMetar | None:
        if row["station"] != station:
            raise InvalidDataError(f"The row is of {row['station']}.", {})
        observed_at = _moment(row["valid"], "%Y-%m-%d %H:%M", what="the time of a report")
        raw = row["metar"].strip()
        if raw in MISSING:
            return None
        if len(raw) > MAX_RAW_CHARS:
            raise InvalidDataError("The report is too long to be one.", {})
        return ArchivedMetar(observed_at, raw)

    return _each(_table(text, needed=("station", "valid", "metar")), read, name="valid")


def nbm_extremes(text: str, *, icao: str) -> Rows[ArchivedNbm]:
    """Read the maxima and minima of the answer of ``mos.py``."""

    def read(row: Mapping[str, Any]) -> ArchivedNbm | None:
        if (row["station"], row["model"]) != (icao, "NBS"):
            raise InvalidDataError(f"The row is of {row['station']} {row['model']}.", {})
        cycle = _moment(row["runtime"], "%Y-%m-%d %H:%M:%S", what="a run time")
        valid_at = _moment(row["ftime"], "%Y-%m-%d %H:%M:%S", what="a forecast time")
        temp_f = _number(row["txn"], what="A forecast maximum or minimum")
        if temp_f is None:
            return None
        require_plausible(temp_f, what="A forecast maximum or minimum")
        sd_f = _number(row["xnd"], what="A standard deviation")
        if valid_at <= cycle or valid_at.hour not in {0, 12}:
            raise InvalidDataError("The row has a maximum at a time that has none.", {})
        if sd_f is not None and not 0 <= sd_f <= MAX_SD_F:
            raise InvalidDataError(f"The row has a standard deviation of {sd_f:g} °F.", {})
        return ArchivedNbm(icao, cycle, valid_at, temp_f, sd_f)

    needed = ("runtime", "ftime", "model", "station", "txn", "xnd")
    return _each(_table(text, needed=needed), read, name="ftime")


def _each(
    items: Iterable[Any], read: Callable[[Mapping[str, Any]], RowT | None], *, name: str
) -> Rows[RowT]:
    rows: list[RowT] = []
    problems: list[tuple[str, str]] = []
    for item in items:
        try:
            if not isinstance(item, Mapping):
                raise InvalidDataError("A row is cut off or has too many values.", {})
            row = read(item)
        except InvalidDataError as error:
            subject = item.get(name) if isinstance(item, Mapping) else None
            problems.append((str(subject or "unknown")[:80], error.message))
            continue
        if row is not None:
            rows.append(row)
    return Rows(tuple(rows), tuple(problems))


def _table(text: str, *, needed: tuple[str, ...]) -> list[dict[str, str] | None]:
    """Return the rows of a table with a heading; None for a line that does not fit it.

    Values are separated by commas and never quoted.
    """
    lines = [line.rstrip("\r").split(",") for line in text.split("\n") if line.strip()]
    heading = lines[0] if lines else []
    if not set(needed) <= set(heading):
        raise InvalidDataError(
            "A table of the Iowa Environmental Mesonet lacks columns.",
            {"needed": list(needed), "heading": heading[:50]},
        )
    return [
        dict(zip(heading, line, strict=True)) if len(line) == len(heading) else None
        for line in lines[1:]
    ]


def _whole_fahrenheit(value: object, *, what: str) -> int | None:
    """Read a whole number; a missing one is ``M``, and a trace is no temperature."""
    if value is None or (isinstance(value, str) and value in MISSING):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidDataError(f"{what} of {str(value)[:20]} is no number.", {})
    if not abs(value) < TOO_LARGE or value != int(value):
        raise InvalidDataError(f"{what} of {str(value)[:20]} is no whole number.", {})
    return int(require_plausible(value, what=what))


def _number(value: str, *, what: str) -> float | None:
    if value.strip() in MISSING:
        return None
    if _DECIMAL.fullmatch(value.strip()) is None:
        raise InvalidDataError(f"{what} of {value[:20]} is no number.", {})
    return float(value)


def _day(value: object) -> dt.date:
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise InvalidDataError(f"{str(value)[:20]} is no date.", {}) from None


def _moment(text: str, layout: str, *, what: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, layout).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidDataError(f"{text[:20]!r} is not {what}.", {}) from None
