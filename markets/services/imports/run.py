"""One import of recorded files, in the order in which they depend on each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction

from boz.core.logging import get_logger
from markets.services.imports.ladders import Collector, write_ladders
from markets.services.imports.rows import quote_values, write_quotes, write_trades
from markets.services.imports.shapes import Kind, RowError, Shape, open_rows

log = get_logger("MARKET")

Row = Mapping[str, str]
Watch = Callable[[Iterable[Row], str], Iterable[Row]]


@dataclass(slots=True)
class ImportReport:
    """What an import read; importing the same files again reports the same."""

    events: set[str] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers, with the skipped rows by reason."""
        return {
            "events": len(self.events),
            "markets": len(self.markets),
            "rows": self.rows,
            "skipped": self.skipped.total(),
            "skipped_reasons": dict(self.skipped.most_common()),
        }


def _unwatched(rows: Iterable[Row], name: str) -> Iterable[Row]:
    return rows


def import_market_data(paths: Sequence[Path], *, watch: Watch = _unwatched) -> ImportReport:
    """Store recorded markets, trades and quotes; idempotent.

    Everything is known from its own time on, never from now. Broken rows are skipped and counted
    by reason.

    Args:
        paths: CSV files, plain or gzip; each is recognised by its header.
        watch: Wraps the rows of a file, to show progress.

    Raises:
        InvalidDataError: If a file cannot be read or is none that we know; files before it stay.
    """
    report = ImportReport()
    for path in _markets_first(paths):
        with open_rows(path) as (shape, rows), transaction.atomic():
            watched = watch(rows, path.name)
            if shape.kind is Kind.TRADES:
                count, tickers = write_trades(watched, report.skipped)
                report.rows += count
                report.markets |= tickers
                report.events |= {ticker.rpartition("-")[0] for ticker in tickers}
            else:
                _import_ladders(watched, shape, report)
    numbers = {name: value for name, value in report.as_json().items() if name != "skipped_reasons"}
    log.info("Imported recorded market data", files=len(paths), **numbers)
    return report


def _markets_first(paths: Sequence[Path]) -> list[Path]:
    """Order files so that trades find their markets; every header is checked before any write."""
    order = {Kind.MARKETS: 0, Kind.QUOTES: 1, Kind.TRADES: 2}
    kinds: dict[Path, Kind] = {}
    for path in paths:
        with open_rows(path) as (shape, _):
            kinds[path] = shape.kind
    return sorted(kinds, key=lambda path: order[kinds[path]])


def _import_ladders(rows: Iterable[Row], shape: Shape, report: ImportReport) -> None:
    collector = Collector.from_database()
    quotes: list[tuple[str, tuple[Any, ...]]] = []
    read = 0
    for row in rows:
        try:
            market = collector.take(row)
            if shape.kind is Kind.QUOTES:
                quotes.append((market.ticker, quote_values(row, shape)))
        except RowError as error:
            report.skipped[str(error)] += 1
            continue
        read += 1
    keys, refused = write_ladders(collector.markets.values())
    report.skipped.update(refused)
    if shape.kind is Kind.QUOTES:
        report.rows += write_quotes(quotes, keys, report.skipped)
    else:
        report.rows += read - refused.total()
    report.markets |= keys.keys()
    report.events |= {collector.markets[ticker].event_ticker for ticker in keys}
