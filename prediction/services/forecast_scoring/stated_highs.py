"""Forecasts of the high that stand in a recorded row, from the moment they were available."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from markets.services.imports.shapes import RowError
from prediction.engines.base import KnownForecast
from prediction.services.forecast_scoring.tables import Row, first_moment, number
from weather.domain.temperature import require_plausible
from weather.sources import NWS_GRID

HOUR = dt.timedelta(hours=1)
#: The grid maximum of these files was issued between 00:46 and 00:49 UTC of the climate day, the
#: evening before in America: it counts as issued at the first and can be used after the second.
GRID_ISSUED = dt.time(0, 46, tzinfo=UTC)
GRID_AVAILABLE = dt.time(0, 50, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """A column with somebody's forecast of the high, °F, and the source it is one of."""

    name: str
    source: str


GRID_COLUMN = Column("ndfd_high_f", NWS_GRID)
#: Highs logged with the moment of ``issued_utc``.
LOGGED_COLUMNS = (
    Column("nws_f", NWS_GRID),
    Column("gfs_f", "gfs"),
    Column("ecmwf_f", "ecmwf-ifs"),
)
STATED_COLUMNS = (
    "issued_utc",
    GRID_COLUMN.name,
    *(column.name for column in LOGGED_COLUMNS),
)


def stated_highs(
    rows: Sequence[Row],
    *,
    climate_day: dt.date,
    day_end: dt.datetime,
    as_of: dt.datetime,
    refused: Counter[str],
) -> tuple[KnownForecast, ...]:
    """Return the forecasts of a snapshot that were available by its moment, sorted by source.

    One that is no possible temperature, or that the rows tell differently, is refused and counted
    under its reason; the others stand.

    Args:
        rows: All rows of the snapshot; they say the same.
        climate_day: The day forecast.
        day_end: Its end, from which the lead is counted.
        as_of: The moment of the snapshot.
        refused: Counts what was refused.

    Raises:
        RowError: If the rows name different times of issue, or one that is no time.
    """
    stated: list[tuple[Column, dt.datetime]] = []
    if as_of >= dt.datetime.combine(climate_day, GRID_AVAILABLE):
        stated.append((GRID_COLUMN, dt.datetime.combine(climate_day, GRID_ISSUED)))
    logged_at = {first_moment(row, ("issued_utc",)) for row in rows}
    if len(logged_at) > 1:
        raise RowError("The rows of a snapshot name different times of issue.")
    logged = logged_at.pop()
    if logged is not None and logged <= as_of:
        stated += [(column, logged) for column in LOGGED_COLUMNS]
    known: dict[str, KnownForecast] = {}
    for column, issued_at in stated:
        try:
            high = _told(rows, column)
        except (RowError, InvalidDataError) as error:
            refused[f"A forecast: {error}"] += 1
            continue
        # A later word of a source takes the place of an earlier one.
        if high is not None:
            lead = max(0, (day_end - issued_at) // HOUR)
            known[column.source] = KnownForecast(column.source, high, issued_at, lead)
    return tuple(known[source] for source in sorted(known))


def _told(rows: Sequence[Row], column: Column) -> float | None:
    values = {number(row, column.name) for row in rows} - {None}
    if len(values) > 1:
        raise RowError(f"The rows of a snapshot differ in '{column.name}'.")
    high = next(iter(values), None)
    return None if high is None else require_plausible(high, what="A recorded forecast")
