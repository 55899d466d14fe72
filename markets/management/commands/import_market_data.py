"""``manage.py import_market_data``: recorded markets, trades and quotes into the database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from boz.core.commands import TeachingCommand
from boz.core.errors import BozBaseException
from markets.services.imports import import_market_data

_EPILOG = """\
Files are CSV, plain or gzip, and recognised by their header:
  markets  city date event_ticker ticker lo_f hi_f open_time close_time won ...
  trades   ticker utc yes_price_c contracts taker_side ...
  quotes   city date ticker lo_f hi_f, a time (utc, quote_utc, candle_utc or snapshot_utc) and
           yes_bid_c yes_ask_c, or bid_est_c ask_est_c last_c

Prices are cents, times UTC, lo_f..hi_f whole degrees with blank for an open end. Trades need their
markets: give both, in any order. Importing a file twice changes nothing.

Examples:
  manage.py import_market_data markets.csv.gz trades.csv.gz
  manage.py import_market_data quotes.csv --json
"""


class Command(TeachingCommand):
    """Imports recorded files."""

    epilog = _EPILOG
    help = "Import recorded markets, trades or quotes. Broken rows are skipped and counted."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="A recorded file.")
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON document last on stdout."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and report."""
        is_quiet = options["verbosity"] == 0

        def watch(rows: Any, name: str) -> Any:
            return tqdm(rows, desc=name, unit=" rows", file=sys.stderr, disable=is_quiet)

        try:
            report = import_market_data(options["files"], watch=watch).as_json()
        except BozBaseException as error:
            if options["json"]:
                self.stdout.write(json.dumps(error.as_dict()))
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(
            f"{report['events']} events, {report['markets']} markets, {report['rows']} rows, "
            f"{report['skipped']} skipped"
        )
        for reason, count in report["skipped_reasons"].items():
            self.stdout.write(f"  {count} x {reason}")
