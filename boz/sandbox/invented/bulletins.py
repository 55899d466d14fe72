"""Invented text of the National Blend: fixed-width blocks of ours and of many filler stations.

Fillers are like any station of the real files, which hold thousands: whoever looks for one must
search. Stations stand in order of their names; every line of one kind is equally long.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import numpy as np

from boz.core.clock import UTC
from boz.sandbox.invented.models import BLEND, MODELS, Forecasts, spread
from boz.sandbox.invented.thermometer import HOUR
from boz.sandbox.places import EVERY_PLACE, Place
from boz.sandbox.recordings.loader import IntArray
from boz.sandbox.sky import FloatArray

#: Hours of a day (UTC) at which each bulletin is made.
RUN_HOURS = {
    "nbp": frozenset({0, 1, 7, 12, 13, 19}),
    "nbs": frozenset(range(24)),
    "nbe": frozenset(range(24)),
}
#: Percentiles of a row TXNPn, as distances from the mean in standard deviations.
_PERCENTILES = {"1": -1.2816, "2": -0.6745, "5": 0.0, "7": 0.6745, "9": 1.2816}
_FILLERS = 3000
_FILLER_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: The first column of a 12-hourly bulletin lies at least this far ahead.
_FIRST_HOURS = 18
_NBP_COLUMNS, _NBE_COLUMNS, _NBS_COLUMNS = 18, 15, 23
#: A daytime maximum is that of 12 to 06 UTC; its column is the 00 UTC in between.
_MAX_WINDOW_HOURS = np.arange(-12, 7)
#: An overnight minimum is that of 00 to 18 UTC; its column is 12 UTC.
_MIN_WINDOW_HOURS = np.arange(-12, 7)
_MISSING = -99


def bulletin(forecasts: Forecasts, kind: str, run: dt.datetime) -> bytes:
    """Return a whole file of a run."""
    ours = {place.station: block(forecasts, kind, place, run) for place in EVERY_PLACE}
    filler = ours[EVERY_PLACE[0].station]
    blocks = ours | {
        name: filler.replace(EVERY_PLACE[0].station, name)
        for name in filler_names()
        if name not in ours
    }
    return "".join(text for _, text in sorted(blocks.items())).encode("ascii")


def block(forecasts: Forecasts, kind: str, place: Place, run: dt.datetime) -> str:
    """Return one station's part of a file."""
    return {"nbp": _nbp, "nbs": _nbs, "nbe": _nbe}[kind](forecasts, place, run)


def filler_names() -> list[str]:
    """Return the names of the filler stations."""
    size = len(_FILLER_LETTERS)
    return [
        ("C" if number % 7 == 0 else "K")
        + "".join(_FILLER_LETTERS[number * 5 // size**power % size] for power in (2, 1, 0))
        for number in range(_FILLERS)
    ]


def extremes(
    forecasts: Forecasts, place: Place, run: int, columns: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of maximum (00 UTC) or minimum (12 UTC) per column."""
    model = MODELS[BLEND]
    windows = np.add.outer(np.array(columns), _MAX_WINDOW_HOURS * HOUR)
    valid = windows.ravel()
    said = forecasts.at(model, place, valid, np.full(len(valid), run))[0].reshape(windows.shape)
    is_max = np.array(columns) // HOUR % 24 == 0
    means = np.where(is_max, said.max(axis=1), said.min(axis=1))
    return means, spread(model, (np.array(columns) - run) / HOUR)


def half_days(run: int, count: int) -> list[int]:
    """Return the Unix seconds of the columns of a 12-hourly bulletin."""
    half = 12 * HOUR
    first = -(-(run + _FIRST_HOURS * HOUR) // half) * half
    return [first + number * half for number in range(count)]


def three_hours(run: int) -> list[int]:
    """Return the Unix seconds of the columns of the short-range bulletin."""
    step = 3 * HOUR
    first = -(-(run + 6 * HOUR) // step) * step
    return [first + number * step for number in range(_NBS_COLUMNS)]


def extended_columns(run: int) -> list[int]:
    """Return the Unix seconds of the columns of the extended bulletin."""
    return half_days(run, _NBE_COLUMNS)


def temperatures(forecasts: Forecasts, place: Place, run: int, columns: Sequence[int]) -> IntArray:
    """Return the temperature at each column in whole °F."""
    valid = np.array(columns)
    said = forecasts.at(MODELS[BLEND], place, valid, np.full(len(valid), run))[0]
    return np.rint(said).astype(np.int64)


def deviations(run: int, columns: Sequence[int]) -> IntArray:
    """Return the standard deviation at each column in whole °F, at least 1."""
    size = spread(MODELS[BLEND], (np.array(columns) - run) / HOUR)
    return np.maximum(np.rint(size), 1).astype(np.int64)


def _nbp(forecasts: Forecasts, place: Place, run: dt.datetime) -> str:
    start = int(run.timestamp())
    columns = half_days(start, _NBP_COLUMNS)
    means, sizes = extremes(forecasts, place, start, columns)
    rows = [("TXNMN", means), ("TXNSD", np.maximum(sizes, 1))]
    rows += [(f"TXNP{name}", means + distance * sizes) for name, distance in _PERCENTILES.items()]
    return _lines(
        _title(place, "NBP", run),
        _day_line(columns),
        _half_day_row("UTC", columns, [f"{_at(column):%H}" for column in columns]),
        _half_day_row("FHR", columns, _whole(_hours(start, columns))),
        *(_half_day_row(name, columns, _whole(values)) for name, values in rows),
    )


def _nbe(forecasts: Forecasts, place: Place, run: dt.datetime) -> str:
    start = int(run.timestamp())
    columns = extended_columns(start)
    means, sizes = extremes(forecasts, place, start, columns)
    climatology = "999999"

    def row(name: str, values: Iterable[str]) -> str:
        """Return a row; here no bar follows the last column."""
        return _half_day_row(name, columns, values).rstrip("|")

    return _lines(
        _title(place, "NBE", run),
        _day_line(columns).rstrip("| ") + "  CLIMO",
        row("UTC", [f"{_at(column):%H}" for column in columns]),
        row("FHR", _whole(_hours(start, columns))),
        row("TXN", _whole(means)) + climatology,
        row("XND", _whole(np.maximum(sizes, 1))),
        row("TMP", _whole(temperatures(forecasts, place, start, columns))),
        row("TSD", _whole(deviations(start, columns))),
    )


def _nbs(forecasts: Forecasts, place: Place, run: dt.datetime) -> str:
    start = int(run.timestamp())
    columns = three_hours(start)
    halves = [
        number
        for number, column in enumerate(columns)
        if column % (12 * HOUR) == 0 and column - start >= _FIRST_HOURS * HOUR
    ]
    means, sizes = extremes(forecasts, place, start, [columns[number] for number in halves])
    return _lines(
        _title(place, "NBS", run),
        _date_line(columns),
        _three_hour_row("UTC", [f"{_at(column):%H}" for column in columns]),
        _three_hour_row("FHR", [f"{hours:02d}" for hours in _hours(start, columns)]),
        _three_hour_row("TXN", _scattered(halves, means)),
        _three_hour_row("XND", _scattered(halves, np.maximum(sizes, 1))),
        _three_hour_row("TMP", _whole(temperatures(forecasts, place, start, columns))),
        _three_hour_row("TSD", _whole(deviations(start, columns))),
    )


def _lines(*lines: str) -> str:
    """Return a block: every line after one blank, and a blank line behind them."""
    return "".join(f" {line}\n" for line in lines) + f"{'':76}\n"


def _title(place: Place, kind: str, run: dt.datetime) -> str:
    return (
        f"{place.station}    NBM V5.0 {kind} GUIDANCE   {run.month:2d}/{run:%d/%Y}  {run:%H%M} UTC"
    )


def _day_line(columns: Sequence[int]) -> str:
    """Return the names of the days, each ending where the column of 12 UTC ends."""
    cells = ""
    for number, column in enumerate(columns):
        moment = _at(column)
        if moment.hour == 12:
            cells += f"{moment:%a %d}".upper().rjust(6 if number == 0 else 7) + "|"
        elif number == 0:
            cells += "   "
    return f"   {cells} "


def _half_day_row(name: str, columns: Sequence[int], values: Iterable[str]) -> str:
    """Return a row of four-wide fields; a bar instead of the blank behind every 12 UTC."""
    row = f"{name:<5}"
    after_noon = False
    for column, value in zip(columns, values, strict=True):
        row += f"{'|' if after_noon else ' '}{value:>3}"
        after_noon = _at(column).hour == 12
    return row + ("|" if after_noon else "")


def _date_line(columns: Sequence[int]) -> str:
    row = list(f"{'DT':<4}{'':{3 * len(columns) + 8}}")
    for number, column in enumerate(columns):
        moment = _at(column)
        if moment.hour == 0:
            mark = f"/{moment:%b}".upper() + f"{moment.day:4d}"
            begin = 5 + 3 * number
            row[begin : begin + len(mark)] = mark
    return "".join(row).rstrip()


def _three_hour_row(name: str, values: Iterable[str]) -> str:
    return f"{name:<4}" + "".join(f"{value:>3}" for value in values)


def _scattered(places: Sequence[int], values: FloatArray) -> list[str]:
    row = [""] * _NBS_COLUMNS
    for number, text in zip(places, _whole(values), strict=True):
        row[number] = text
    return row


def _whole(values: FloatArray | IntArray) -> list[str]:
    return [str(max(round(float(value)), _MISSING + 1)) for value in values]


def _hours(start: int, columns: Sequence[int]) -> IntArray:
    return (np.array(columns) - start) // HOUR


def _at(column: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(column, tz=UTC)
