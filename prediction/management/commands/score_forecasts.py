"""``manage.py score_forecasts``: our forecasts and the market on recorded ladders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from boz.core.commands import Progress, TeachingCommand, day_argument
from boz.core.errors import BozBaseException
from prediction.services.forecast_scoring import (
    Request,
    require_writable,
    score_forecasts,
    write_predictions,
)
from prediction.services.forecast_scoring.report import DIFFERENCES
from prediction.services.forecast_scoring.scores import METRICS, SIDES

_EPILOG = """\
A FILE is CSV, plain or gzip, with a row per event, snapshot and bracket:
  city date lo_f hi_f   whole degrees, both inclusive; blank for an open end
  snapshot_utc          the moment (or quote_utc, candle_utc, utc); nothing later is read for it
  mkt_p                 the market's probability (or mid, or yes_bid_c and yes_ask_c, in cents)
and where it has them
  snapshot bracket      names; without them moments and numbers from the coldest on are used
  station               where the high is measured, by its ICAO name
  ndfd_high_f           grid forecast of the weather service of 00:46 UTC of the day
  nws_f gfs_f ecmwf_f   highs logged at issued_utc
  won settle_high_f     the result; it teaches from 08:00 local standard time of the day after
  mkt_ok mkt_p_sum      scored are ladders with mkt_ok 1 whose prices add up to 0.7..1.4

--out writes city,date,snapshot,bracket,p of every ladder, scored or not.
HIGHS has city or station, date, high_f; METAR has station, utc, temp_c, tgroup_c, max6h_c.

The engines are those of the product, fitted each morning from what was known by then; a report is
available five minutes after it was made. Scores per ladder, lower is better: brier is the sum over
its brackets, log_loss has a floor of 0.005, rps is divided by the brackets less one. Intervals are
95 % by resampling whole days. engine is the model without the market, blend both together.

Examples:
  manage.py score_forecasts joined_2024_2025.csv.gz --history daily_highs.csv.gz --json
  manage.py score_forecasts a.csv b.csv --report-from 2025-01-01 --out preds.csv
"""


class Command(TeachingCommand):
    """Walks forward over recorded ladders."""

    epilog = _EPILOG
    help = "Score our forecasts and the market on recorded ladders, walking forward in time."
    requires_system_checks: list[str] = []  # reads files only

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="Ladders.")
        parser.add_argument("--history", type=Path, metavar="HIGHS", help="Official highs.")
        parser.add_argument("--observations", type=Path, metavar="METAR", help="Station reports.")
        parser.add_argument(
            "--report-from", type=day_argument, metavar="DATE", help="First climate day reported."
        )
        parser.add_argument(
            "--out",
            type=Path,
            metavar="FILE",
            help="Write the blend as CSV, see above.",
        )
        parser.add_argument(
            "--model-only", action="store_true", help="Write the engine's own belief to --out."
        )
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON document last on stdout."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Walk, write and report."""
        try:
            report = self._run(options)
        except BozBaseException as error:
            if options["json"]:
                self.stdout.write(json.dumps(error.as_dict()))
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(report) if options["json"] else _table(report))

    def _run(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["model_only"] and options["out"] is None:
            raise CommandError("--model-only says what --out writes; give both.")
        request = Request(
            files=options["files"],
            history=options["history"],
            observations=options["observations"],
            report_from=options["report_from"],
        )

        if options["out"] is not None:
            require_writable(options["out"], request=request)

        def watch(total: int) -> Progress:
            is_quiet = options["verbosity"] == 0
            return Progress(total, unit="ladder", stderr=self.stderr, is_quiet=is_quiet)

        outcome = score_forecasts(request, watch=watch)
        if options["out"] is not None:
            write_predictions(options["out"], outcome.beliefs, is_model_only=options["model_only"])
        return outcome.report


def _table(report: dict[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [("snapshot", "city", "n", "", *METRICS)]
    for name, entry in [*report["snapshots"].items(), ("overall", report["overall"])]:
        rows += _rows(name, "all", entry)
        for city, part in entry["cities"].items():
            rows += _rows(name, city, part)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    skipped = [f"{count} x {reason}" for reason, count in report["skipped_reasons"].items()]
    return "\n".join([*lines, *skipped])


def _rows(name: str, city: str, entry: dict[str, Any]) -> list[tuple[str, ...]]:
    sides = (*SIDES, *(f"{first}_minus_{second}" for first, second in DIFFERENCES))
    return [
        (name, city, str(entry["n"]), side, *(_cell(entry[side], metric) for metric in METRICS))
        for side in sides
    ]


def _cell(means: dict[str, Any], metric: str) -> str:
    if means[metric] is None:
        return "-"
    text = f"{means[metric]:.4f}"
    interval = means["intervals"][metric]
    return text if interval is None else f"{text} ({interval[0]:.4f} to {interval[1]:.4f})"
