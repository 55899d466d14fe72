"""``manage.py fetch_history``: the past from archives, known when it was known."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import CommandError, CommandParser

from boz.core.clock import format_utc, utc_now
from boz.core.commands import INTERRUPTED, Progress, TeachingCommand, day_argument
from weather.models import ForecastSource, Station
from weather.services.history.archive import Kind
from weather.services.history.archives import ARCHIVED_SOURCES, open_archives
from weather.services.history.backfill import Outcome, backfill
from weather.services.history.coverage import Coverage, SourceCoverage, coverage
from weather.services.history.plan import Chunk, make_plan
from weather.services.intake import Captures

_EPILOG = """\
What is fetched, of all active stations, unless told otherwise:

  truth         climate reports (iem-cli), two years back
  forecasts     previous runs of every model 1 to 5 days ahead, and the bulletins of the National
                Blend (nbm-nbs), one year back, or as far as the archive reaches
  observations  station reports (iem-asos), 90 days back

Every row says when it could first have been known; forecasts that know their day are never asked
for. Days that are not over are left out, and days on which an archive may still change its mind
are asked for again the next time: truth for 30 days, the others for two.

It can be interrupted (Ctrl-C) and started again: what is stored is not fetched again. A source that
does not answer is left out for the rest of the run, the others go on. The archives are asked
slowly, as they wish: a first run of four stations takes some minutes, of all stations up to an
hour. Afterwards the coverage is printed: per station and source the days, the gaps, and the days
from which the agent fit can learn.

Exit code: 0 when everything planned was fetched, 130 after an interrupt, 1 otherwise.

Examples:
  manage.py fetch_history
  manage.py fetch_history --dry-run
  manage.py fetch_history --station NY --station CHI --since 2025-01-01 --only forecasts
  manage.py fetch_history --report-only --json
"""


@dataclass(slots=True)
class _Tally:
    """What came of a plan so far."""

    fetched: int = 0
    rows: int = 0
    refused: int = 0
    failed: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.rows += outcome.rows
        self.refused += outcome.refused
        if outcome.reason:
            self.failed.append(outcome)
        else:
            self.fetched += 1

    def reasons(self) -> list[tuple[str, str, int]]:
        """Return source, reason and number of chunks that were not fetched because of it."""
        counted = Counter((item.chunk.archive.source_code, item.reason) for item in self.failed)
        return [(source, reason, count) for (source, reason), count in counted.items()]


class Command(TeachingCommand):
    """Fetches what is missing of the past, and says what there is."""

    epilog = _EPILOG
    help = "Fetch the past from archives: truth, forecasts, observations. It can be resumed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments."""
        parser.add_argument(
            "--station",
            action="append",
            metavar="S",
            help="Code of a station, such as NY; may be repeated. Default: all active ones.",
        )
        parser.add_argument(
            "--since", type=day_argument, metavar="D", help="First climate day, such as 2025-01-31."
        )
        parser.add_argument(
            "--until",
            type=day_argument,
            metavar="D",
            help="Last climate day. Default: the last one over.",
        )
        parser.add_argument(
            "--only",
            action="append",
            choices=[str(kind) for kind in Kind],
            help="Fetch only this kind; may be repeated.",
        )
        parser.add_argument(
            "--source",
            action="append",
            choices=sorted(ARCHIVED_SOURCES),
            metavar="CODE",
            help=f"Fetch only from this source; may be repeated. {', '.join(ARCHIVED_SOURCES)}.",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what would be fetched; ask nobody."
        )
        parser.add_argument(
            "--report-only", action="store_true", help="Show the coverage; fetch nothing."
        )
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON document last on stdout."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan, fetch, report; fail when something planned was not fetched."""
        now = utc_now()
        stations = _stations(options["station"])
        since, until = options["since"], options["until"]
        if since is not None and until is not None and until < since:
            raise CommandError(f"--until {until} lies before --since {since}.")
        if options["report_only"]:
            found = coverage(stations, as_of=now, since=since, until=until)
            self._print(found.as_dict() if options["json"] else _coverage_text(found))
            return
        captures = Captures()
        with _planned(options, stations, captures=captures, now=now) as chunks:
            if options["dry_run"]:
                self._print(_plan_document(chunks) if options["json"] else _plan_text(chunks))
                return
            tally, is_interrupted = self._fetch(chunks, options, captures=captures, now=now)
        found = coverage(stations, as_of=now, since=since, until=until)
        if options["json"]:
            self._print(_document(chunks, tally, found, is_interrupted=is_interrupted))
        else:
            self._print(_coverage_text(found))
            self._print(_tally_text(chunks, tally))
        _require_all(chunks, tally, is_interrupted=is_interrupted)

    def _fetch(
        self,
        chunks: Sequence[Chunk],
        options: dict[str, Any],
        *,
        captures: Captures,
        now: dt.datetime,
    ) -> tuple[_Tally, bool]:
        """Return what came of it, and whether the operator ended it early."""
        tally = _Tally()
        bar = Progress(len(chunks), unit="call", stderr=self.stderr, is_quiet=options["json"])
        try:
            with bar as progress:
                for outcome in backfill(chunks, captures=captures, now=now):
                    tally.add(outcome)
                    progress.advance(outcome.chunk.name, rows=tally.rows)
        except KeyboardInterrupt:
            return tally, True
        return tally, False

    def _print(self, what: dict[str, Any] | str) -> None:
        self.stdout.write(what if isinstance(what, str) else json.dumps(what))


@contextmanager
def _planned(
    options: dict[str, Any], stations: Sequence[Station], *, captures: Captures, now: dt.datetime
) -> Iterator[list[Chunk]]:
    """Give the plan; the archives stay open meanwhile."""
    switched_off = set(
        ForecastSource.objects.filter(is_active=False).values_list("code", flat=True)
    )
    with open_archives(capture=captures) as archives:
        wanted = [
            archive
            for archive in archives
            if (not options["only"] or archive.kind in options["only"])
            and (not options["source"] or archive.source_code in options["source"])
            and archive.source_code not in switched_off
        ]
        if not wanted:
            raise CommandError(
                "No archive is left to ask: --only and --source exclude each other, or the "
                "source is switched off in the admin."
            )
        yield make_plan(wanted, stations, now=now, since=options["since"], until=options["until"])


def _stations(codes: Sequence[str] | None) -> list[Station]:
    if not codes:
        return list(Station.objects.filter(is_active=True))
    found = list(Station.objects.filter(code__in=codes))
    unknown = sorted(set(codes) - {station.code for station in found})
    if unknown:
        known = ", ".join(Station.objects.values_list("code", flat=True))
        raise CommandError(f"No station has the code {', '.join(unknown)}. There are: {known}.")
    return found


def _require_all(chunks: Sequence[Chunk], tally: _Tally, *, is_interrupted: bool) -> None:
    """Fail when something planned is missing."""
    if is_interrupted:
        raise CommandError(
            f"Interrupted: {tally.fetched} of {len(chunks)} calls are stored. The same command "
            "goes on where this one ended.",
            returncode=INTERRUPTED,
        )
    if tally.failed:
        raise CommandError(
            f"{len(tally.failed)} of {len(chunks)} calls brought nothing. The same command asks "
            "for what is missing."
        )


def _document(
    chunks: Sequence[Chunk], tally: _Tally, found: Coverage, *, is_interrupted: bool
) -> dict[str, Any]:
    return {
        "planned": len(chunks),
        "fetched": tally.fetched,
        "rows": tally.rows,
        "refused": tally.refused,
        "interrupted": is_interrupted,
        "not_fetched": [
            {"source": source, "calls": count, "reason": reason}
            for source, reason, count in tally.reasons()
        ],
        "coverage": found.as_dict(),
    }


def _tally_text(chunks: Sequence[Chunk], tally: _Tally) -> str:
    refused = f", {tally.refused} entries refused" if tally.refused else ""
    lines = [f"{tally.fetched} of {len(chunks)} calls, {tally.rows} new rows{refused}."]
    lines += [
        f"{source}: calls that brought nothing: {count}. {reason}"
        for source, reason, count in tally.reasons()
    ]
    return "\n".join(lines)


def _plan_document(chunks: Sequence[Chunk]) -> dict[str, Any]:
    return {
        "calls": len(chunks),
        "plan": [
            {
                "source": source,
                "station": station,
                "calls": len(spans),
                "first_day": min(span.first for span in spans).isoformat(),
                "last_day": max(span.last for span in spans).isoformat(),
            }
            for (source, station), spans in _by_source(chunks).items()
        ],
    }


def _by_source(chunks: Sequence[Chunk]) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    for chunk in chunks:
        key = chunk.archive.source_code, chunk.station.code
        found.setdefault(key, []).append(chunk.days)
    return found


def _plan_text(chunks: Sequence[Chunk]) -> str:
    rows = [
        (item["source"], item["station"], item["first_day"], item["last_day"], str(item["calls"]))
        for item in _plan_document(chunks)["plan"]
    ]
    table = _table([("source", "station", "first day", "last day", "calls"), *rows])
    return f"{table}\n{len(chunks)} calls."


def _coverage_text(found: Coverage) -> str:
    head = (
        "station",
        "source",
        "first day",
        "last day",
        "days",
        "usable",
        "gaps",
        "rows",
        "refused",
    )
    rows = [
        (station.station, *_cells(item)) for station in found.stations for item in station.sources
    ]
    lines = [_table([head, *rows])]
    for station in found.stations:
        can = "can" if station.can_fit else "cannot"
        lines.append(
            f"{station.station}: truth of {station.days_with_truth} days, forecasts of "
            f"{station.days_with_forecasts}, observations of {station.days_with_observations}; "
            f"the agent fit {can} learn from {station.usable_days}."
        )
    lines.append(f"As of {format_utc(found.as_of)}.")
    return "\n".join(lines)


def _cells(item: SourceCoverage) -> tuple[str, ...]:
    gaps = str(item.gaps.count)
    if item.gaps.first:
        gaps += f" (from {item.gaps.first[0].first})"
    return (
        item.source,
        str(item.first_day or "-"),
        str(item.last_day or "-"),
        str(item.days),
        str(item.usable_days) if item.kind is Kind.FORECASTS else "-",
        gaps,
        str(item.rows),
        str(item.refused),
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
