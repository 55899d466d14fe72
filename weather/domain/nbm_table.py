"""The table of one station in a National Blend of Models bulletin, cut by its columns.

A value stands right-aligned under the forecast hour of its column, and numbers of three digits
touch their neighbours, so a row is never split at blanks. A row that does not fit its columns makes
the whole block unusable: a shifted row holds numbers, but none that can be trusted.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError

#: Current versions print -99 where there is no value, older ones 999.
MISSING = frozenset({-99, 999})
#: Bulletins reach 264 hours ahead.
MAX_LEAD_HOURS = 276
#: Maxima and minima stand under 00 and 12 UTC.
STEP_HOURS = 12

_HEADER = re.compile(
    r"^[ \x1e]*(?P<station>[A-Z0-9]{3,8})[ ]+NBM[ ]+V(?P<version>\d+\.\d+)[ ]+"
    r"(?P<product>NB[A-Z])[ ]+GUIDANCE[ ]+"
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})[ ]+(?P<hour>\d{2})00[ ]+UTC[ \r]*$",
    re.MULTILINE | re.ASCII,
)
_LABEL = re.compile(r"(?P<indent> ?)(?P<label>[A-Z][A-Z0-9/]{1,4})(?=[ |]|$)")
_HOURS = re.compile(r"\d+", re.ASCII)
_CELL = re.compile(r"[ |]*(?P<value>-?\d{1,2}|\d{3})?", re.ASCII)
_BLANK = re.compile(r"[ |]*")
#: Right of the last column of an extended bulletin: two climatological values of three characters.
_CLIMATE_COLUMNS = re.compile(r"(?:[ \d]{2}\d){2}[ |]*", re.ASCII)

Row = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class NbmHeader:
    """The first line of a block; ``start`` and ``end`` are its place in the text."""

    station: str
    product: str
    version: str
    cycle: dt.datetime
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Columns:
    """``edges`` are positions after each column's last character, ``bars`` those of separators."""

    edges: tuple[int, ...]
    bars: frozenset[int]
    valid_at: tuple[dt.datetime, ...]


def find_headers(text: str) -> Iterator[NbmHeader]:
    """Yield the header of every block in the text, whatever its product, in the text's order.

    A header with an impossible date is no header.
    """
    for match in _HEADER.finditer(text):
        try:
            cycle = dt.datetime(
                int(match["year"]), int(match["month"]), int(match["day"]), int(match["hour"]),
                tzinfo=UTC,
            )  # fmt: skip
        except ValueError:
            continue
        yield NbmHeader(
            match["station"], match["product"], match["version"], cycle, match.start(), match.end()
        )


def unusable(wrong: str, header: NbmHeader) -> InvalidDataError:
    """Return the error that says what is wrong with a block."""
    return InvalidDataError(
        f"The {header.product} block of {header.station} {wrong}.",
        {
            "station": header.station,
            "product": header.product,
            "cycle": header.cycle.isoformat(),
        },
    )


class NbmTable:
    """One station's rows.

    Args:
        text: The block, possibly with lines before it and other blocks around it.
        station: Identifier as printed, e.g. ``KNYC``.
        product: Three letters, e.g. ``NBP``.
        width: Characters of a column.
        is_dense: Whether every column of a row holds a value, if only that of a missing one.

    Raises:
        InvalidDataError: If the station's block is not in the text or is there twice, or its rows
            of hours contradict each other.
    """

    def __init__(
        self, text: str, *, station: str, product: str, width: int, is_dense: bool
    ) -> None:
        """Find the block and its columns."""
        self.header, lines = _find_block(text, station=station, product=product)
        self._is_dense = is_dense
        self._lines: dict[str, list[str]] = {}
        for line in lines:
            match = _LABEL.match(line)
            if match is not None:
                self._lines.setdefault(match["label"], []).append(line)
        self._columns = self._read_columns(width)

    @property
    def valid_at(self) -> tuple[dt.datetime, ...]:
        """Return the time for which each column holds."""
        return self._columns.valid_at

    def row(self, *labels: str) -> Row | None:
        """Return the values of the row with one of these labels, None for one that is missing.

        Without any such row None is returned: a row whose values are all missing is not printed.

        Raises:
            InvalidDataError: If the row does not fit the columns.
        """
        found = [label for label in labels if label in self._lines]
        if not found:
            return None
        if len(found) > 1:
            raise unusable(f"has both {found[0]} and {found[1]}", self.header)
        label = found[0]
        values = self._cut(label, self._line(label))
        for value, moment in zip(values, self.valid_at, strict=True):
            if value is not None and moment.hour % STEP_HOURS != 0:
                raise unusable(f"has a {label} value at an hour that has none", self.header)
        return values

    def require_whole(self, label: str) -> None:
        """Refuse the block unless this row is there and reaches the last column.

        Raises:
            InvalidDataError: If it does not: the rows above may be cut short as well.
        """
        line = self._line(label) if label in self._lines else ""
        if len(line.rstrip(" |")) < self._columns.edges[-1]:
            raise unusable(f"is cut short: its {label} row is missing or incomplete", self.header)

    def _line(self, label: str) -> str:
        lines = self._lines.get(label, [])
        if len(lines) != 1:
            wrong = "twice" if lines else "not at all"
            raise unusable(f"has its {label} row {wrong}", self.header)
        return lines[0]

    def _read_columns(self, width: int) -> _Columns:
        hours, clock = self._line("FHR"), self._line("UTC")
        first = hours.index("FHR") + 3
        leads = list(_HOURS.finditer(hours, first))
        clocks = list(_HOURS.finditer(clock, first))
        edges = tuple(match.end() for match in leads)
        if not edges or edges != tuple(match.end() for match in clocks):
            raise unusable("has hours that do not stand under each other", self.header)
        if any(right - left != width for left, right in pairwise(edges)):
            raise unusable("has columns of another width than its product", self.header)
        lead_hours = [int(match[0]) for match in leads]
        if lead_hours[-1] > MAX_LEAD_HOURS or any(b <= a for a, b in pairwise(lead_hours)):
            raise unusable("has forecast hours out of order", self.header)
        valid_at = tuple(self.header.cycle + dt.timedelta(hours=lead) for lead in lead_hours)
        if [moment.hour for moment in valid_at] != [int(match[0]) for match in clocks]:
            raise unusable("has forecast hours that contradict its UTC row", self.header)
        return _Columns(edges, _bars(hours, edges[-1]), valid_at)

    def _cut(self, label: str, line: str) -> Row:
        edges, bars = self._columns.edges, self._columns.bars
        is_short = self._is_dense and len(line.rstrip(" |")) < edges[-1]
        if is_short or (bars and not _bars(line, edges[-1]) <= bars):
            raise self._misfit(label)
        values: list[int | None] = []
        start = line.index(label) + len(label)
        for edge in edges:
            # A value that ends before its edge is shifted or cut off; one that goes on behind it
            # spoils the next cell.
            cell = _CELL.fullmatch(line[start:edge].ljust(edge - start))
            if cell is None:
                raise self._misfit(label)
            value = None if cell["value"] is None else int(cell["value"])
            values.append(None if value in MISSING else value)
            start = edge
        is_climate = self.header.product == "NBE" and _CLIMATE_COLUMNS.fullmatch(line[start:])
        if not is_climate and _BLANK.fullmatch(line[start:]) is None:
            raise self._misfit(label)
        return tuple(values)

    def _misfit(self, label: str) -> InvalidDataError:
        return unusable(f"has a {label} row that does not fit its columns", self.header)


def _find_block(text: str, *, station: str, product: str) -> tuple[NbmHeader, list[str]]:
    headers = list(find_headers(text))
    mine = [item for item in headers if (item.station, item.product) == (station, product)]
    if len(mine) != 1:
        wrong = "holds the station twice" if mine else "does not hold the station"
        raise InvalidDataError(
            f"The {product} bulletin {wrong} {station}.",
            {
                "station": station,
                "product": product,
                "found": [f"{item.station} {item.product}" for item in headers[:5]],
            },
        )
    header = mine[0]
    end = min((item.start for item in headers if item.start > header.start), default=len(text))
    return header, [line.rstrip("\r") for line in text[header.end : end].split("\n")]


def _bars(line: str, end: int) -> frozenset[int]:
    return frozenset(index for index, character in enumerate(line[:end]) if character == "|")
