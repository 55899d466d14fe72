"""One scoring run: files in, a report and predictions out. No database, no network."""

from __future__ import annotations

import csv
import datetime as dt
import io
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.constants import PRIMARY_ENGINE
from prediction.engines import get_engine
from prediction.services.forecast_scoring.learning import Belief
from prediction.services.forecast_scoring.official_highs import (
    Highs,
    OfficialHighs,
    merged,
    read_history,
    settled_highs,
)
from prediction.services.forecast_scoring.report import report_of
from prediction.services.forecast_scoring.scores import LOG_FLOOR, score_beliefs
from prediction.services.forecast_scoring.snapshots import Recorded, read_snapshots
from prediction.services.forecast_scoring.station_reports import StationReports, read_reports
from prediction.services.forecast_scoring.walk import walk_forward


class Progress(Protocol):
    """Whom to tell after each snapshot."""

    def advance(self, name: str, *, rows: int) -> None:
        """Go one step on: what was done, and how many beliefs there are."""
        ...


#: Given the number of snapshots to come, opens a progress.
Watch = Callable[[int], AbstractContextManager[Progress]]


@dataclass(frozen=True, slots=True)
class Request:
    """What to score.

    Args:
        files: Tables of ladders.
        history: Table of official highs.
        observations: Table of station reports.
        report_from: First climate day of the report; earlier ones are learned from.
    """

    files: Sequence[Path]
    history: Path | None = None
    observations: Path | None = None
    report_from: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report and the beliefs it is about, oldest first."""

    report: dict[str, Any]
    beliefs: tuple[Belief, ...]


def score_forecasts(request: Request, *, watch: Watch) -> Outcome:
    """Walk forward over recorded ladders and score every side of the market.

    Raises:
        InvalidDataError: If a file cannot be read or lacks a column.
        DataUnavailable: If no ladder can be used, or none is of the days of the report.
    """
    started = time.perf_counter()
    recorded = read_snapshots(request.files)
    _require_reported(request, recorded)
    walk = walk_forward(
        recorded,
        highs=_official_highs(request, recorded),
        reports=_station_reports(request, recorded),
    )
    beliefs: list[Belief] = []
    with watch(len(recorded.snapshots)) as progress:
        for belief in walk:
            beliefs.append(belief)
            progress.advance(belief.snapshot.city, rows=len(beliefs))
    scored = score_beliefs(beliefs, recorded.results, report_from=request.report_from)
    report = {
        **_settings(request),
        **report_of(scored),
        **_counts(recorded, beliefs, scored=len(scored)),
        "seconds": round(time.perf_counter() - started, 3),
    }
    return Outcome(report=report, beliefs=tuple(beliefs))


def require_writable(path: Path, *, request: Request) -> None:
    """Refuse a file that cannot be written before the work begins.

    Raises:
        InvalidDataError: If it is a directory, in none, or one of the files that are read.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise InvalidDataError(f"{path} cannot be written: it is a directory or is in none.")
    read = (*request.files, request.history, request.observations)
    if path.resolve() in {file.resolve() for file in read if file is not None}:
        raise InvalidDataError(f"{path} is read, so it cannot be written.")


def write_predictions(path: Path, beliefs: Sequence[Belief], *, is_model_only: bool) -> int:
    """Write ``city,date,snapshot,bracket,p`` for every belief; return how many rows.

    Args:
        path: File to write; one that is there is replaced.
        beliefs: What was believed.
        is_model_only: Write the engine's own belief, not its pool with the market.

    Raises:
        InvalidDataError: If the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("city", "date", "snapshot", "bracket", "p"))
    rows = 0
    for belief in beliefs:
        ladder = belief.engine if is_model_only else belief.blend
        if ladder is None:
            continue
        item = belief.snapshot
        place = (item.city, item.climate_day.isoformat(), item.name)
        writer.writerows(
            (*place, name, repr(p)) for name, p in zip(item.brackets, ladder, strict=True)
        )
        rows += len(ladder)
    try:
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidDataError(f"{path.name} cannot be written: {error}") from error
    return rows


def _require_reported(request: Request, recorded: Recorded) -> None:
    first, last = request.report_from, max(item.climate_day for item in recorded.snapshots)
    if first is not None and last < first:
        raise DataUnavailable(f"No ladder is of {first} or later; the last one is of {last}.")


def _official_highs(request: Request, recorded: Recorded) -> OfficialHighs:
    history: Highs = {}
    if request.history is not None:
        stations = {snapshot.station for snapshot in recorded.snapshots}
        history = read_history(request.history, stations=stations, skipped=recorded.skipped)
    return OfficialHighs(merged(settled_highs(recorded.snapshots, recorded.results), history))


def _station_reports(request: Request, recorded: Recorded) -> StationReports:
    if request.observations is None:
        return StationReports({})
    icaos = {snapshot.station.icao for snapshot in recorded.snapshots}
    return read_reports(request.observations, icaos=icaos, skipped=recorded.skipped)


def _settings(request: Request) -> dict[str, Any]:
    engine = get_engine(PRIMARY_ENGINE)
    day = request.report_from
    return {
        "files": [path.name for path in request.files],
        "history": None if request.history is None else request.history.name,
        "observations": None if request.observations is None else request.observations.name,
        "report_from": None if day is None else day.isoformat(),
        "engine": {"name": engine.name, "version": engine.version},
        "log_floor": LOG_FLOOR,
    }


def _counts(recorded: Recorded, beliefs: Sequence[Belief], *, scored: int) -> dict[str, Any]:
    events = {(item.city, item.climate_day) for item in recorded.snapshots}
    return {
        "n_events": len(events),
        "n_snapshots": len(beliefs),
        "n_scored": scored,
        "skipped": sum(recorded.skipped.values()),
        "skipped_reasons": dict(sorted(recorded.skipped.items())),
    }
