"""``manage.py evaluate_ensemble``: how well EMOS calibrates any table of ensemble forecasts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from boz.core.commands import Progress, TeachingCommand, day_argument
from boz.core.errors import BozBaseException
from prediction.services.ensemble_evaluation import (
    EnsembleScores,
    dates_to_forecast,
    score_walk,
    walk_forward,
)
from prediction.services.ensemble_table import (
    EnsembleColumns,
    EnsembleTable,
    read_ensemble_table,
)

_EPILOG = """\
Every date of the table is forecast from the rows before it, as on the day itself: the row of a date
is learnt from only when that date plus --lag is not after the date forecast. The settings are those
of the product, never of one table, except that nothing is assumed of the unit.

  --members   names of columns, one model each, or patterns, one ensemble each: ECMF_*,EGRR_*
  --date      dates such as 2010-03-01, 2000-01-02 06:00:00 or 2004010100
  --station   without it the table is of one place; with it each station's bias and spread are held
              to those of all stations

Dates with fewer than five known days before them are learnt from but not forecast. Blank cells and
NA are missing; a model that is missing is left out of that day's forecast.

What is printed: n, crps_raw (the empirical distribution of all members), crps_emos, mae,
pit_reliability (0 is flat) beside what sampling alone makes of it, the coverage of the central 50,
80 and 90 % intervals, seconds.

Nothing is stored; no database and no network are needed.

Examples:
  manage.py evaluate_ensemble toulouse_raw.csv.gz --members 'ECMF_*,EGRR_*' --observed obs_c \\
      --date date_run --lag 2 --report-from 2019-05-02 --json
  manage.py evaluate_ensemble srft.csv.gz --members CMCG,ETA,GASP,GFS,JMA,NGPS,TCWB,UKMO \\
      --observed observation --date date --station station --lag 2 --report-from 2004-01-31
"""


class Command(TeachingCommand):
    """Calibrates a table walk-forward and prints the scores."""

    epilog = _EPILOG
    help = "Calibrate a table of ensemble forecasts walk-forward, and score it."
    requires_system_checks: list[str] = []  # reads files only

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="CSV, or .csv.gz.")
        parser.add_argument(
            "--members", required=True, metavar="A,B,...", help="Columns or patterns of columns."
        )
        parser.add_argument(
            "--observed", required=True, metavar="COL", help="Column of the observation."
        )
        parser.add_argument(
            "--date", required=True, metavar="COL", help="Column of the forecast's date."
        )
        parser.add_argument("--station", default="", metavar="COL", help="Column of the station.")
        parser.add_argument(
            "--lag",
            type=int,
            default=1,
            metavar="DAYS",
            help="Days after its forecast's date on which an observation is known. Default: 1.",
        )
        parser.add_argument(
            "--report-from",
            type=day_argument,
            metavar="DATE",
            help="First date that is scored; earlier ones are only learnt from.",
        )
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON document last on stdout."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, walk, score, print."""
        started = time.perf_counter()
        try:
            table = read_ensemble_table(options["files"], _columns(options))
            scores = self._scores(table, options)
        except BozBaseException as error:
            raise CommandError(error.message) from error
        seconds = round(time.perf_counter() - started, 3)
        if options["json"]:
            self.stdout.write(json.dumps({**scores.as_json(), "seconds": seconds}))
        else:
            self.stdout.write(_text(scores, seconds))

    def _scores(self, table: EnsembleTable, options: dict[str, Any]) -> EnsembleScores:
        since = options["report_from"]
        first_day = None if since is None else since.toordinal()
        days = dates_to_forecast(table, first_day)
        bar = Progress(len(days), unit="date", stderr=self.stderr, is_quiet=options["json"])
        with bar as progress:
            walk = walk_forward(
                table,
                lag_days=options["lag"],
                first_day=first_day,
                on_day=lambda day, rows: progress.advance(str(day), rows=rows),
            )
        return score_walk(table, walk)


def _columns(options: dict[str, Any]) -> EnsembleColumns:
    members = tuple(name.strip() for name in options["members"].split(",") if name.strip())
    if not members:
        raise CommandError("--members names no column.")
    return EnsembleColumns(members, options["observed"], options["date"], options["station"])


def _text(scores: EnsembleScores, seconds: float) -> str:
    lines = [
        f"forecasts scored          {scores.n}",
        f"CRPS of the raw members   {scores.crps_raw:.4f}",
        f"CRPS of EMOS              {scores.crps_emos:.4f}",
        f"mean absolute error       {scores.mae:.4f}",
        f"PIT reliability           {scores.pit_reliability:.4f} "
        f"(sampling alone: {scores.pit_reliability_expected:.4f})",
    ]
    lines += [
        f"coverage of {percent} %          {share:.3f}"
        for percent, share in scores.coverage.items()
    ]
    return "\n".join([*lines, f"seconds                   {seconds}"])
