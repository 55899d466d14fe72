"""Recorded ladders as they stood at a moment, with everything that was said by then.

A :class:`Snapshot` holds nothing that was known later. What the day became stands apart in a
:class:`~prediction.services.forecast_scoring.results.Result`, so that no forecast can be handed it
by accident.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from boz.core.clock import standard_day_bounds
from boz.core.errors import BozBaseException, DataUnavailable
from boz.core.schemas import Bracket
from markets.domain.brackets import prove_ladder
from markets.services.imports.shapes import RowError, day_of, degrees_of, field
from prediction.domain.horizons import horizon_of
from prediction.engines.base import KnownForecast
from prediction.services.forecast_scoring.ladder_prices import (
    PRICE_COLUMNS,
    TIME_COLUMNS,
    MarketPrices,
    market_prices,
)
from prediction.services.forecast_scoring.results import Result, read_result
from prediction.services.forecast_scoring.stated_highs import STATED_COLUMNS, stated_highs
from prediction.services.forecast_scoring.tables import Row, first_moment, read_rows
from weather.stations import STATIONS, StationFacts

NEEDED_COLUMNS = (("city",), ("date",), ("lo_f",), ("hi_f",), TIME_COLUMNS, PRICE_COLUMNS)
HOUR = dt.timedelta(hours=1)
_READ_BEFORE = ("bracket", "station", "mkt_ok", "mkt_p_sum", *PRICE_COLUMNS, *STATED_COLUMNS)
_FACTS = {name: facts for facts in STATIONS for name in (facts.code, facts.icao)}

#: City as the file calls it, climate day, name and moment.
Key = tuple[str, dt.date, str, dt.datetime]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One event as it stood at a moment.

    Args:
        city: As the file calls it.
        station: Where the high is measured.
        climate_day: Day in the station's standard time.
        name: What the file calls the snapshot; its moment when it has no name for it.
        group: What it is reported under: its name, or the class of lead where it has none.
        at: The moment; nothing in here was known later.
        ladder: Coldest bracket first.
        brackets: What the file calls each, in the same order.
        forecasts: What was said of the day's high by then, sorted by source.
        market: What the market said; None where it was silent.
    """

    city: str
    station: StationFacts
    climate_day: dt.date
    name: str
    group: str
    at: dt.datetime
    ladder: tuple[Bracket, ...]
    brackets: tuple[str, ...]
    forecasts: tuple[KnownForecast, ...]
    market: MarketPrices | None

    @property
    def key(self) -> Key:
        """Return what tells it from all others."""
        return self.city, self.climate_day, self.name, self.at

    @property
    def lead_hours(self) -> float:
        """Return the hours left to the end of the climate day, below zero after it."""
        _, end = day_bounds(self.station, self.climate_day)
        return (end - self.at) / HOUR


@dataclass(frozen=True, slots=True)
class Recorded:
    """What files hold: snapshots in order of time, results apart, and what could not be used."""

    snapshots: tuple[Snapshot, ...]
    results: dict[Key, Result]
    skipped: Counter[str]


def day_bounds(station: StationFacts, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """Return start and end of a climate day, UTC."""
    return standard_day_bounds(day, offset=dt.timedelta(hours=station.standard_offset_hours))


def read_snapshots(paths: Sequence[Path]) -> Recorded:
    """Read the snapshots of all files.

    The answer does not depend on the order of files or rows; a row that is there twice counts
    once. A snapshot that cannot be used is counted under its reason, the others go on.

    Raises:
        InvalidDataError: If a file cannot be read or lacks a column.
        DataUnavailable: If no snapshot is left.
    """
    skipped: Counter[str] = Counter()
    groups = _grouped(paths, skipped)
    snapshots: list[Snapshot] = []
    results: dict[Key, Result] = {}
    for key in sorted(groups):
        try:
            ladder, rungs = _ladder(groups[key])
            rows = [rung[0] for rung in rungs]
            snapshots.append(_snapshot(key, rows, ladder, refused=skipped))
        except (RowError, BozBaseException) as error:
            skipped[_reason(error)] += 1
            continue
        results[key] = read_result(rungs, ladder)
    if not snapshots:
        reasons = " ".join(sorted(skipped)) or "There are no rows."
        raise DataUnavailable(
            f"No ladder in {', '.join(path.name for path in paths)} can be used. {reasons}",
            {"skipped": dict(skipped)},
        )
    snapshots.sort(key=lambda item: (item.at, item.key))
    return Recorded(tuple(snapshots), results, skipped)


def _grouped(paths: Sequence[Path], skipped: Counter[str]) -> dict[Key, list[Row]]:
    groups: dict[Key, list[Row]] = defaultdict(list)
    for path in paths:
        for row in read_rows(path, needed=NEEDED_COLUMNS):
            try:
                groups[_key(row)].append(row)
            except RowError as error:
                skipped[f"A row without a place: {error}"] += 1
    return groups


def _key(row: Row) -> Key:
    at = first_moment(row, TIME_COLUMNS)
    if at is None:
        raise RowError("The time is blank.")
    name = row.get("snapshot") or at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return field(row, "city"), day_of(field(row, "date")), name, at


def _ladder(rows: Sequence[Row]) -> tuple[tuple[Bracket, ...], list[list[Row]]]:
    """Return a complete ladder, coldest first, and the rows of each bracket."""
    by_bracket: dict[Bracket, list[Row]] = defaultdict(list)
    for row in rows:
        by_bracket[_bracket(row)].append(row)
    ladder = prove_ladder(list(by_bracket))
    rungs = [by_bracket[bracket] for bracket in ladder]
    if any(len({_said(row) for row in rung}) > 1 for rung in rungs):
        raise RowError("Two rows of one bracket contradict each other.")
    return ladder, rungs


def _bracket(row: Row) -> Bracket:
    low_f, high_f = degrees_of(row.get("lo_f") or ""), degrees_of(row.get("hi_f") or "")
    if low_f is None and high_f is None:
        raise RowError("A bracket has no edge.")
    if low_f is not None and high_f is not None and low_f > high_f:
        raise RowError("A bracket's edges are reversed.")
    return Bracket(low_f=low_f, high_f=high_f)


def _said(row: Row) -> tuple[str, ...]:
    """Return what is read of a row before its day is over."""
    return tuple(row.get(name) or "" for name in _READ_BEFORE)


def _snapshot(
    key: Key, rows: Sequence[Row], ladder: tuple[Bracket, ...], *, refused: Counter[str]
) -> Snapshot:
    city, day, name, at = key
    station = station_of(rows[0])
    if station is None:
        raise RowError(f"No market settles at the station of {city}.")
    _, end = day_bounds(station, day)
    return Snapshot(
        city=city,
        station=station,
        climate_day=day,
        name=name,
        group=name if rows[0].get("snapshot") else horizon_of((end - at) / HOUR).value,
        at=at,
        ladder=ladder,
        brackets=tuple(row.get("bracket") or str(n) for n, row in enumerate(rows, start=1)),
        forecasts=stated_highs(rows, climate_day=day, day_end=end, as_of=at, refused=refused),
        market=market_prices(rows),
    )


def station_of(row: Row) -> StationFacts | None:
    """Return the station that a row names, or else that of its city; None when no market's is."""
    names = (row.get("station"), row.get("city"))
    return next((_FACTS[name] for name in names if name in _FACTS), None)


def _reason(error: RowError | BozBaseException) -> str:
    return error.message if isinstance(error, BozBaseException) else str(error)
