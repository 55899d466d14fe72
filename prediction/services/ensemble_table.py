"""Tables of ensemble forecasts and what was observed, read from CSV files."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TextIO

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.emos_types import TrainingTable

_GLOB_SIGNS = "*?["
_MISSING = {"", "na", "nan", "null", "none"}


@dataclass(frozen=True, slots=True)
class EnsembleColumns:
    """Which columns of a table mean what.

    Attributes:
        members: Names of columns, one model each, or patterns such as ``ECMF_*``, one ensemble
            each.
        observed: Column of the observation.
        date: Column of the forecast's date.
        station: Column of the station; empty for a table of one place.
    """

    members: tuple[str, ...]
    observed: str
    date: str
    station: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleTable:
    """A table read from files, in time order.

    Attributes:
        training: One row per forecast; a source is one entry of ``members``.
        members: Every member's value, shape (n, M), NaN = missing.
        stations: Names of the stations, in the order of ``training.stations``.
    """

    training: TrainingTable
    members: FloatArray
    stations: tuple[str, ...]


def read_ensemble_table(files: Sequence[Path], columns: EnsembleColumns) -> EnsembleTable:
    """Read one or more files with the same columns as one table; the name may end in ``.gz``.

    Blank cells and ``NA`` are missing values. Rows need not be in order.

    Raises:
        DataUnavailable: If a file cannot be read or there is no row.
        InvalidDataError: If a column is not there or a cell is no number or date.
    """
    patterns = tuple(sorted(set(columns.members)))
    days: list[int] = []
    stations: list[str] = []
    observed: list[float] = []
    values: dict[str, list[list[float]]] = {pattern: [] for pattern in patterns}
    for file in files:
        with _opened(file) as text:
            for number, row in enumerate(_rows(text, file), start=2):
                where = f"{file.name}, line {number}"
                found = _matching(row, patterns, columns, file)
                days.append(read_day(row[columns.date] or "", where=where))
                stations.append((row[columns.station] or "").strip() if columns.station else "")
                observed.append(_number(row[columns.observed], where=where))
                for pattern, names in found.items():
                    values[pattern].append([_number(row[name], where=where) for name in names])
    if not days:
        raise DataUnavailable("There is no row in " + ", ".join(file.name for file in files) + ".")
    return _table(days, stations, observed, {key: _square(rows) for key, rows in values.items()})


def read_day(text: str, *, where: str) -> int:
    """Return the ordinal day of ``2010-03-01``, ``2000-01-02 06:00:00`` or ``2004010100``.

    Raises:
        InvalidDataError: If it is none of these.
    """
    plain = text.strip()
    head = plain[:10] if "-" in plain else plain[:8]
    try:
        return dt.date.fromisoformat(head).toordinal()
    except ValueError as error:
        raise InvalidDataError(f"{where}: {text!r} is no date such as 2010-03-01.") from error


def _opened(file: Path) -> TextIO:
    try:
        if file.suffix == ".gz":
            return gzip.open(file, "rt", encoding="utf-8", newline="")
        return file.open(encoding="utf-8", newline="")
    except OSError as error:
        raise DataUnavailable(
            f"The file {file.name} cannot be opened: {error.strerror}."
        ) from error


def _rows(text: TextIO, file: Path) -> Iterator[dict[str, str | None]]:
    try:
        yield from csv.DictReader(text)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InvalidDataError(
            f"The file {file.name} cannot be read as a table: {error}."
        ) from error


def _matching(
    row: dict[str, str | None], patterns: Sequence[str], columns: EnsembleColumns, file: Path
) -> dict[str, list[str]]:
    """Return the columns of each entry of the members."""
    others = {columns.observed, columns.date, columns.station}
    for name in sorted(others - {""}):
        if name not in row:
            raise InvalidDataError(f"{file.name} has no column {name}. It has: {_names(row)}.")
    found = {}
    for pattern in patterns:
        names = [name for name in row if name and name not in others and _fits(name, pattern)]
        if not names:
            raise InvalidDataError(
                f"No column of {file.name} fits {pattern}. It has: {_names(row)}."
            )
        found[pattern] = names
    return found


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or (
        any(sign in pattern for sign in _GLOB_SIGNS) and fnmatchcase(name, pattern)
    )


def _names(row: dict[str, str | None]) -> str:
    return ", ".join(str(name) for name in row)


def _number(text: str | None, *, where: str) -> float:
    plain = (text or "").strip()
    if plain.lower() in _MISSING:
        return math.nan
    try:
        number = float(plain)
    except ValueError as error:
        raise InvalidDataError(f"{where}: {plain!r} is no number.") from error
    if math.isinf(number):
        raise InvalidDataError(f"{where}: {plain!r} is no finite number.")
    return number


def _square(rows: list[list[float]]) -> FloatArray:
    """Return the members of an ensemble, those that a file does not have as missing."""
    width = max(map(len, rows))
    return np.array([row + [math.nan] * (width - len(row)) for row in rows])


def _table(
    days: list[int], stations: list[str], observed: list[float], values: dict[str, FloatArray]
) -> EnsembleTable:
    names = sorted(set(stations))
    place = {name: index for index, name in enumerate(names)}
    group = np.array([place[name] for name in stations], dtype=np.int64)
    order = np.lexsort((group, np.array(days)))
    spreads = [_mean_and_sd(members[order]) for members in values.values()]
    training = TrainingTable(
        days=np.array(days, dtype=np.int64)[order],
        sources=tuple(values),
        highs=np.stack([mean for mean, _ in spreads], axis=1),
        sds=np.stack([sd for _, sd in spreads], axis=1),
        observed=np.array(observed)[order],
        stations=group[order],
    )
    return EnsembleTable(
        training, np.concatenate(list(values.values()), axis=1)[order], tuple(names)
    )


def _mean_and_sd(members: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return each row's mean and standard deviation; no deviation from fewer than two members."""
    is_there = ~np.isnan(members)
    count = is_there.sum(axis=1)
    total = np.where(is_there, members, 0.0).sum(axis=1)
    mean = total / np.where(count > 0, count, np.nan)
    squares = np.where(is_there, members - mean[:, None], 0.0) ** 2
    variance = squares.sum(axis=1) / np.where(count > 1, count - 1, np.nan)
    return mean, np.sqrt(variance)
