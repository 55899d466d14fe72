"""Reading of recorded tables: CSV, plain or gzip, blank for missing, times UTC."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import math
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from boz.core.errors import InvalidDataError
from markets.services.imports.shapes import RowError, moment_of

Row = Mapping[str, str]
_GZIP = b"\x1f\x8b"


def read_rows(path: Path, *, needed: Sequence[Sequence[str]]) -> Iterator[Row]:
    """Yield the rows of a table.

    Args:
        path: The file; whether it is gzip is seen from its first bytes, not its name.
        needed: Columns that its header must have; of each group one is enough.

    Raises:
        InvalidDataError: If it cannot be read, or a column is missing; the sentence names it.
    """
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == _GZIP
            raw.seek(0)
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if is_gzip else raw
            reader = csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
            _require_columns(reader.fieldnames or (), needed, path=path)
            yield from reader
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InvalidDataError(
            f"{path.name} cannot be read: {error}", {"file": path.name}
        ) from error


def number(row: Row, name: str) -> float | None:
    """Return an optional value; None when the column is absent or blank.

    Raises:
        RowError: If it is no finite number.
    """
    text = row.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RowError(f"The column '{name}' holds no number.")
    return value


def first_filled(row: Row, names: Sequence[str]) -> str | None:
    """Return the text of the first of several columns that is filled."""
    return next((text for name in names if (text := row.get(name))), None)


def first_moment(row: Row, names: Sequence[str]) -> dt.datetime | None:
    """Return the time in the first of several columns that is filled.

    Raises:
        RowError: If it is no time.
    """
    text = first_filled(row, names)
    return None if text is None else moment_of(text)


def _require_columns(
    header: Collection[str], needed: Sequence[Sequence[str]], *, path: Path
) -> None:
    missing = [" or ".join(group) for group in needed if not set(group) & set(header)]
    if missing:
        raise InvalidDataError(
            f"{path.name} lacks the column {', '.join(missing)}.",
            {"file": path.name, "missing": missing, "header": sorted(header)[:60]},
        )
