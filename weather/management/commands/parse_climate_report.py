"""``manage.py parse_climate_report``: what daily climate reports in files say."""

from __future__ import annotations

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from boz.core.errors import InvalidDataError
from weather.domain.climate_report import ClimateSummary, parse_climate_reports, split_products

_EPILOG = """\
A file holds the text of a report (CLI) as sent, or the JSON of a product from api.weather.gov with
the text in its field productText. One file may hold several reports, and one report several
stations; each station section is one element of the answer:

  file               the path as given
  awips_id           e.g. CLINYC
  station_name       as in the headline
  date               climate day of the headline, midnight to midnight local standard time
  max_f, min_f       whole degrees Fahrenheit, null when missing
  max_time_lst, min_time_lst   HH:MM in local standard time, null when not given
  max_record         a record was set or tied
  max_estimated      the maximum is an estimate
  is_preliminary     the day was still running: a lower bound of the maximum, never its value
  is_correction      the report says that it corrects an earlier one
  issued_at          UTC

A file or report that cannot be read has only file and error. Then the others are still printed and
the exit code is 1. Nothing is stored; no database and no network are needed.

Examples:
  manage.py parse_climate_report CLINYC.txt
  manage.py parse_climate_report reports/*.txt --json
"""
_COLUMNS = ("awips_id", "station_name", "date", "max_f", "max_time_lst", "min_f", "min_time_lst")
_REMARKS = {
    "max_record": "record",
    "max_estimated": "estimated",
    "is_preliminary": "preliminary",
    "is_correction": "correction",
}


class Command(BaseCommand):
    """Reads climate reports from files and prints what they say."""

    help = "Read daily climate reports (CLI) from files. Exit code 0 when all could be read."
    requires_system_checks: list[str] = []  # reads files only

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the layout of the epilog."""
        kwargs.setdefault("epilog", _EPILOG)
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the arguments."""
        parser.add_argument("files", nargs="+", metavar="FILE", help="A file with reports.")
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON document last on stdout."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, print, and fail when something could not be read."""
        elements = [element for file in options["files"] for element in _elements(file)]
        if options["json"]:
            self.stdout.write(json.dumps(elements))
        else:
            self.stdout.write(_table(elements))
        failed = sum("error" in element for element in elements)
        if failed:
            raise CommandError(f"{failed} of {len(elements)} could not be read.")


def _elements(file: str) -> Iterator[dict[str, Any]]:
    try:
        products = split_products(_text(Path(file)))
    except (OSError, ValueError, InvalidDataError) as error:
        yield {"file": file, "error": str(error)}
        return
    for product in products:
        try:
            yield from [_element(file, item) for item in parse_climate_reports(product)]
        except InvalidDataError as error:
            yield {"file": file, "error": error.message}


def _text(path: Path) -> str:
    """Return the text of a report, taken out of its JSON envelope if it has one.

    Reports are ASCII; a byte that is not becomes a mark that no number can contain.
    """
    content = path.read_bytes().decode("utf-8-sig", errors="replace")
    if not content.lstrip().startswith("{"):
        return content
    try:
        product = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidDataError("This file begins like JSON and is none.") from error
    text = product.get("productText")
    if not isinstance(text, str):
        raise InvalidDataError("This JSON has no productText, so it is no product.")
    return text


def _element(file: str, summary: ClimateSummary) -> dict[str, Any]:
    return {
        "file": file,
        "awips_id": summary.awips_id,
        "station_name": summary.station_name,
        "date": summary.climate_day.isoformat(),
        "max_f": summary.max_f,
        "max_time_lst": summary.max_time_lst or None,
        "min_f": summary.min_f,
        "min_time_lst": summary.min_time_lst or None,
        "max_record": summary.max_is_record,
        "max_estimated": summary.max_is_estimated,
        "is_preliminary": summary.is_preliminary,
        "is_correction": summary.is_correction,
        "issued_at": summary.issued_at.isoformat(),
    }


def _table(elements: list[dict[str, Any]]) -> str:
    rows = [(*_COLUMNS, "issued_at", "remarks"), *map(_row, elements)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
        if any(row)
    ]
    errors = [f"{item['file']}: {item['error']}" for item in elements if "error" in item]
    return "\n".join(lines + errors)


def _row(element: dict[str, Any]) -> tuple[str, ...]:
    if "error" in element:
        return ("",) * (len(_COLUMNS) + 2)
    cells = ("-" if element[name] is None else str(element[name]) for name in _COLUMNS)
    remarks = ", ".join(word for name, word in _REMARKS.items() if element[name])
    return (*cells, element["issued_at"], remarks)
