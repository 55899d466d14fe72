"""``manage.py fetch_market_history``: settled events, candles and trades of the exchange."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from boz.core.clock import exchange_day, format_utc, utc_now
from boz.core.commands import INTERRUPTED, Progress, TeachingCommand, day_argument
from boz.core.errors import BozBaseException
from markets.clients.kalshi import KalshiMarketData
from markets.models import MarketHistoryChunk, Series
from markets.services.history.backfill import (
    USUAL_KINDS,
    Chunk,
    Kind,
    Outcome,
    backfill,
    make_plan,
)
from markets.services.history.coverage import Coverage, coverage
from markets.services.history.past_events import PastEvents, fetch_past_events
from markets.services.history.tiers import Tiers
from markets.services.sync.series import known_series

USUAL_REACH = dt.timedelta(days=60)

_EPILOG = """\
First the settled events of each series with their markets and results are listed and stored, then
what is missing of their data is fetched, the newest days first:

  trades       every public trade
  candles-60   hourly prices, quotes, volume and open interest
  candles-1, candles-1440   the same by minute or day, when asked for with --only

Settled data moves from the exchange's live tier to a historical one; both are read around the
moving border, so nothing is lost or doubled. Order books of the past exist nowhere.

It can be interrupted (Ctrl-C) and started again: what is stored whole is not fetched again. The
exchange is asked slowly (KALSHI_RATE_LIMIT_PER_SECOND): about 15 calls per event. Afterwards the
coverage is printed.

Exit code: 0 when everything planned was fetched, 130 after an interrupt, 1 otherwise.

Examples:
  manage.py fetch_market_history
  manage.py fetch_market_history --series KXHIGHNY --since 2026-01-01
  manage.py fetch_market_history --only candles-1 --since 2026-11-01 --until 2026-11-07
  manage.py fetch_market_history --report-only --json
"""


@dataclass(slots=True)
class _Tally:
    """What came of it so far."""

    events: int = 0
    markets: int = 0
    planned: int = 0
    fetched: int = 0
    rows: int = 0
    refused: int = 0
    is_interrupted: bool = False
    unlisted: dict[str, str] = field(default_factory=dict)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    failed: list[Outcome] = field(default_factory=list)

    def add_listing(self, listed: PastEvents) -> None:
        """Count the events of a series."""
        self.events += listed.events
        self.markets += listed.markets
        self.skipped += [
            {"subject": item.subject, "reason": item.reason} for item in listed.skipped
        ]

    def add(self, outcome: Outcome) -> None:
        """Count a chunk."""
        self.rows += outcome.rows
        self.refused += outcome.refused
        if outcome.reason:
            self.failed.append(outcome)
        else:
            self.fetched += 1

    def reasons(self) -> list[tuple[str, int]]:
        """Return each reason for which chunks were not fetched, and for how many."""
        return Counter(item.reason for item in self.failed).most_common()


class Command(TeachingCommand):
    """Fetches what is missing of the exchange's past, and says what there is."""

    epilog = _EPILOG
    help = "Fetch settled events, candles and trades of the exchange. It can be resumed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments."""
        parser.add_argument(
            "--series",
            action="append",
            metavar="S",
            help="Ticker such as KXHIGHNY; may be repeated. Default: all of active stations.",
        )
        parser.add_argument(
            "--since",
            type=day_argument,
            metavar="D",
            help=f"First climate day. Default: {USUAL_REACH.days} days back.",
        )
        parser.add_argument(
            "--until", type=day_argument, metavar="D", help="Last climate day. Default: yesterday."
        )
        parser.add_argument(
            "--only",
            action="append",
            choices=Kind.values,
            help="Fetch only this kind of data; may be repeated.",
        )
        parser.add_argument(
            "--report-only", action="store_true", help="Show the coverage; fetch nothing."
        )
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON document last on stdout."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """List, plan, fetch, report; fail when something planned was not fetched."""
        now = utc_now()
        until = options["until"] or exchange_day(now) - dt.timedelta(days=1)
        since = options["since"] or until - USUAL_REACH
        if until < since:
            raise CommandError(f"--until {until} lies before --since {since}.")
        series = _series(options["series"])
        tally = _Tally()
        if not options["report_only"]:
            kinds = [Kind(name) for name in options["only"] or USUAL_KINDS]
            try:
                self._fetch(series, kinds, since, until, tally, options, now=now)
            except KeyboardInterrupt:
                tally.is_interrupted = True
        found = coverage(series, as_of=utc_now(), since=since, until=until)
        if options["json"]:
            self.stdout.write(json.dumps(_document(tally, found)))
        else:
            self.stdout.write(_coverage_text(found))
            if not options["report_only"]:
                self.stdout.write(_tally_text(tally))
        _require_all(tally)

    def _fetch(
        self,
        series: Sequence[Series],
        kinds: Sequence[Kind],
        since: dt.date,
        until: dt.date,
        tally: _Tally,
        options: dict[str, Any],
        *,
        now: dt.datetime,
    ) -> None:
        is_quiet = options["json"] or not sys.stderr.isatty()
        with KalshiMarketData.from_settings() as client:
            tiers = Tiers(client)
            for item in tqdm(series, desc="events", unit="series", disable=is_quiet):
                try:
                    listed = fetch_past_events(
                        item, client=client, tiers=tiers, since=since, until=until, now=now
                    )
                except BozBaseException as error:
                    tally.unlisted[item.ticker] = error.message
                    continue
                tally.add_listing(listed)
            chunks = make_plan(series, kinds=kinds, since=since, until=until)
            tally.planned = len(chunks)
            self._fill(chunks, tiers, tally, is_quiet=is_quiet, now=now)

    def _fill(
        self,
        chunks: Sequence[Chunk],
        tiers: Tiers,
        tally: _Tally,
        *,
        is_quiet: bool,
        now: dt.datetime,
    ) -> None:
        bar = Progress(len(chunks), unit="part", stderr=self.stderr, is_quiet=is_quiet)
        with bar as progress:
            for outcome in backfill(chunks, tiers=tiers, now=now):
                tally.add(outcome)
                progress.advance(outcome.chunk.name, rows=tally.rows)


def _series(tickers: Sequence[str] | None) -> list[Series]:
    """Return the series asked for, made where they are not stored yet."""
    found = known_series()
    if not tickers:
        return list(found.values())
    unknown = sorted(set(tickers) - found.keys())
    if unknown:
        raise CommandError(
            f"No series of an active station is called {', '.join(unknown)}. "
            f"There are: {', '.join(found)}."
        )
    return [found[ticker] for ticker in sorted(set(tickers))]


def _require_all(tally: _Tally) -> None:
    """Fail when something planned is missing."""
    if tally.is_interrupted:
        raise CommandError(
            f"Interrupted: {tally.fetched} of {tally.planned} parts are stored. The same command "
            "goes on where this one ended.",
            returncode=INTERRUPTED,
        )
    if tally.unlisted or tally.failed:
        raise CommandError(
            f"{len(tally.unlisted)} series could not be listed and {len(tally.failed)} of "
            f"{tally.planned} parts brought nothing. The same command asks for what is missing."
        )


def _document(tally: _Tally, found: Coverage) -> dict[str, Any]:
    return {
        "events": tally.events,
        "markets": tally.markets,
        "planned": tally.planned,
        "fetched": tally.fetched,
        "rows": tally.rows,
        "refused": tally.refused,
        "interrupted": tally.is_interrupted,
        "not_listed": tally.unlisted,
        "not_fetched": [{"reason": reason, "parts": count} for reason, count in tally.reasons()],
        "skipped": tally.skipped,
        "coverage": found.as_dict(),
    }


def _tally_text(tally: _Tally) -> str:
    lines = [
        f"{tally.events} new events with {tally.markets} markets; {tally.fetched} of "
        f"{tally.planned} parts, {tally.rows} new rows, {tally.refused} entries refused."
    ]
    lines += [f"{ticker} was not listed: {reason}" for ticker, reason in tally.unlisted.items()]
    lines += [f"{count} parts brought nothing: {reason}" for reason, count in tally.reasons()]
    lines += [f"Left out: {item['subject']}: {item['reason']}" for item in tally.skipped]
    return "\n".join(lines)


def _coverage_text(found: Coverage) -> str:
    kinds = MarketHistoryChunk.Kind.values
    head = ("series", "first day", "last day", "events", "missing", *kinds, "refused")
    rows = [
        (
            item.series,
            str(item.first_day or "-"),
            str(item.last_day or "-"),
            str(item.events),
            str(item.days_missing),
            *(f"{item.fetched.get(kind, 0)} ({item.rows.get(kind, 0)} rows)" for kind in kinds),
            str(item.refused),
        )
        for item in found.series
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    return "\n".join([*lines, f"As of {format_utc(found.as_of)}."])
