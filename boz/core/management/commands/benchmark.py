"""``manage.py benchmark``: how fast we are, measured, with the work stated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from boz.core.benchmarks import Measurement, benchmark_names, run_benchmark
from boz.core.errors import BozBaseException

MANAGE = Path(settings.BASE_DIR) / "manage.py"


class Command(BaseCommand):
    """Measures one part of the product in a database made for the purpose."""

    help = (
        "Measures how fast a part of the product is: the work, the median of at least five runs,"
        " and what that makes per second. It runs in a SQLite database of its own that is removed"
        " afterwards; your data is not touched. Names: " + ", ".join(benchmark_names()) + "."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", help="which benchmark")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON document last on stdout"
        )
        parser.add_argument(
            "--database",
            default="",
            help="address of an empty database to measure on (default: a new SQLite file)",
        )
        parser.add_argument(
            "--here", action="store_true", help="measure in the configured database"
        )

    def handle(self, **options: Any) -> None:
        """Measure, in a process whose database is made for it."""
        if options["name"] not in benchmark_names():
            raise CommandError(
                f"There is no benchmark {options['name']!r}. There are: "
                f"{', '.join(benchmark_names())}."
            )
        if options["here"]:
            self._measure(options["name"])
            return
        with tempfile.TemporaryDirectory(prefix="boz-benchmark-") as folder:
            database = options["database"] or f"sqlite:///{folder}/benchmark.sqlite3"
            command = [sys.executable, str(MANAGE), "benchmark", options["name"], "--here"]
            environment = {**os.environ, "DATABASE_URL": database, "LOG_LEVEL": "ERROR"}
            inside = subprocess.run(  # noqa: S603 - our own interpreter and script
                command, env=environment, stdout=subprocess.PIPE, text=True, check=False
            )
        if inside.returncode != 0:
            raise CommandError("The measurement did not finish; the reason stands above.")
        found = json.loads(inside.stdout.strip().splitlines()[-1])
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        for part in found["parts"]:
            self.stdout.write(
                f"{part['part']}: {part['seconds']:.3f} s (median of {part['runs']}), "
                f"{part['per_second']:,.0f} {part['unit']}/s"
            )
            self.stdout.write(f"  {part['work']}")
            for note in part["notes"]:
                self.stdout.write(f"  {note}")

    def _measure(self, name: str) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        try:
            parts = run_benchmark(name)
        except BozBaseException as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(_document(name, parts)))


def _document(name: str, parts: list[Measurement]) -> dict[str, Any]:
    """Return the whole document; its head repeats the first part, the one that gives the name."""
    head = parts[0].as_json()
    return {
        "benchmark": name,
        "work": head["work"],
        "seconds": head["seconds"],
        "per_second": head["per_second"],
        "parts": [part.as_json() for part in parts],
    }
