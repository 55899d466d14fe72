"""National Blend of Models station bulletins (NBP, NBS, NBE): maxima, spread and percentiles.

Rows: NBP ``TXNMN`` (mean), ``TXNSD`` (standard deviation), ``TXNP1 2 5 7 9`` (10th, 25th, 50th,
75th, 90th percentile); NBS and NBE ``TXN`` with ``XND``, in versions before 4 ``X/N`` or ``N/X``.
Values are whole °F. The value under 00 UTC is the maximum of the day before (window 12 to 06 UTC),
the one under 12 UTC the minimum; so it is everywhere but in Guam. Layout: NBM text card 4.2 and
bulletins of versions 3.2 to 5.0. UNVERIFIED: that extended bulletins print ``XND``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from boz.core.clock import require_utc
from boz.core.errors import InvalidDataError
from weather.domain.nbm_table import NbmTable, Row, unusable
from weather.domain.temperature import require_plausible

#: A standard deviation above this is no forecast of a temperature.
MAX_SD_F = 40.0


@dataclass(frozen=True, slots=True)
class _Layout:
    """What one product prints.

    Args:
        width: Characters of a column.
        is_dense: Whether every column of the rows below holds a value.
        high: Labels of the row of maxima and minima.
        sd: Label of the row of standard deviations.
        percentiles: Label and probability of each row of percentiles.
        last: Label of a row below that is always there; where it is whole, those above are.
    """

    width: int
    is_dense: bool
    high: tuple[str, ...]
    sd: str
    percentiles: tuple[tuple[str, float], ...]
    last: str


_HIGH = ("TXN", "X/N", "N/X")
_PERCENTILES = (
    ("TXNP1", 0.10),
    ("TXNP2", 0.25),
    ("TXNP5", 0.50),
    ("TXNP7", 0.75),
    ("TXNP9", 0.90),
)
_LAYOUTS = {
    "NBP": _Layout(4, True, ("TXNMN",), "TXNSD", _PERCENTILES, last="TXNP9"),
    "NBS": _Layout(3, False, _HIGH, "XND", (), last="TMP"),
    "NBE": _Layout(4, True, _HIGH, "XND", (), last="TMP"),
}
PRODUCTS = frozenset(_LAYOUTS)


@dataclass(frozen=True, slots=True)
class NbmDay:
    """The forecast maximum of one climate day.

    Args:
        climate_day: Day of the maximum.
        valid_at: 00 UTC, for which the column holds.
        high_f: Mean of the distribution (NBP) or the forecast maximum (NBS, NBE), °F.
        sd_f: Standard deviation in °F, None when not printed.
        quantiles_f: Probability and temperature in °F, rising; empty for NBS and NBE.
    """

    climate_day: dt.date
    valid_at: dt.datetime
    high_f: float
    sd_f: float | None
    quantiles_f: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class NbmGuidance:
    """What a block says; ``problems`` holds a sentence for every day that was refused."""

    station: str
    product: str
    version: str
    cycle: dt.datetime
    days: tuple[NbmDay, ...]
    problems: tuple[tuple[dt.date, str], ...]


@dataclass(frozen=True, slots=True)
class _Cells:
    """What stands in one column."""

    high: int | None
    sd: int | None
    quantiles: tuple[tuple[float, int | None], ...]

    @property
    def is_empty(self) -> bool:
        values = [self.high, self.sd, *(value for _, value in self.quantiles)]
        return all(value is None for value in values)


def climate_day_of_maximum(valid_at: dt.datetime) -> dt.date | None:
    """Return the day whose maximum is valid at this UTC time; None for any hour but 00."""
    moment = require_utc(valid_at, name="valid_at")
    return moment.date() - dt.timedelta(days=1) if moment.hour == 0 else None


def parse_nbm_block(text: str, *, station: str, product: str) -> NbmGuidance:
    """Read the forecast maxima of one station's block.

    Args:
        text: The block, possibly with lines before it and other blocks around it.
        station: Identifier as printed, e.g. ``KNYC``.
        product: ``NBP``, ``NBS`` or ``NBE``.

    Raises:
        InvalidDataError: If the station's block is not in the text or is there twice, is cut
            short, or has rows that do not fit its columns.
    """
    layout = _LAYOUTS[product]
    table = NbmTable(
        text, station=station, product=product, width=layout.width, is_dense=layout.is_dense
    )
    table.require_whole(layout.last)
    highs, sds = table.row(*layout.high), table.row(layout.sd)
    percentiles = [(level, table.row(label)) for label, level in layout.percentiles]
    if any(row is None for _, row in percentiles):
        raise unusable("lacks rows of percentiles", table.header)
    days: list[NbmDay] = []
    problems: list[tuple[dt.date, str]] = []
    for index, valid_at in enumerate(table.valid_at):
        day = climate_day_of_maximum(valid_at)
        cells = _Cells(
            _at(highs, index),
            _at(sds, index),
            tuple((level, _at(row, index)) for level, row in percentiles),
        )
        if day is None or cells.is_empty:
            continue
        try:
            days.append(_day(day, valid_at, cells))
        except InvalidDataError as error:
            problems.append((day, error.message))
    header = table.header
    return NbmGuidance(
        header.station, header.product, header.version, header.cycle, tuple(days), tuple(problems)
    )


def _day(day: dt.date, valid_at: dt.datetime, cells: _Cells) -> NbmDay:
    if cells.high is None:
        raise InvalidDataError(f"The forecast for {day} has a spread but no maximum.", {})
    high_f = require_plausible(float(cells.high), what=f"A forecast maximum for {day}")
    if cells.sd is not None and not 0 <= cells.sd <= MAX_SD_F:
        raise InvalidDataError(
            f"The forecast for {day} has a standard deviation of {cells.sd} °F.", {}
        )
    return NbmDay(
        climate_day=day,
        valid_at=valid_at,
        high_f=high_f,
        sd_f=None if cells.sd is None else float(cells.sd),
        quantiles_f=_quantiles(day, cells),
    )


def _quantiles(day: dt.date, cells: _Cells) -> tuple[tuple[float, float], ...]:
    """Return the percentiles; equal neighbours are usual in whole degrees, crossing ones wrong."""
    quantiles: list[tuple[float, float]] = []
    for level, value in cells.quantiles:
        if value is None:
            raise InvalidDataError(f"The forecast for {day} lacks a percentile.", {"level": level})
        value_f = require_plausible(float(value), what=f"A forecast percentile for {day}")
        if quantiles and value_f < quantiles[-1][1]:
            raise InvalidDataError(f"The forecast percentiles for {day} cross.", {"level": level})
        quantiles.append((level, value_f))
    return tuple(quantiles)


def _at(row: Row | None, index: int) -> int | None:
    return None if row is None else row[index]
