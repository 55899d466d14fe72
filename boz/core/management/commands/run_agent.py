"""Run one agent now."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boz.core.agents import all_agents, run_agent
from boz.core.clock import format_utc, parse_utc, utc_now
from boz.core.errors import DataUnavailable
from boz.core.models import JobRun

#: Subjects named per reason; the record of the run and ``--json`` have them all.
SUBJECTS_SHOWN = 6


class Command(BaseCommand):
    """Runs an agent once, as the queue would, and says how it went."""

    help = "Run one agent now. Exit code 0 only when it ended well."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments; the help lists the agents."""
        known = "; ".join(f"{agent.name}: {agent.description}" for agent in all_agents())
        parser.add_argument("name", help=f"Which agent. {known}".replace("%", "%%"))
        parser.add_argument(
            "--once", action="store_true", help="Run once and leave, which it always does."
        )
        parser.add_argument(
            "--as-of",
            metavar="T",
            help="Use only what was known at this moment, e.g. 2026-07-11T12:00:00Z.",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Undo everything afterwards but the record; "
            f"refused for agents that act outside of the database{_outside()}.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print, and fail when the run did."""
        try:
            run = run_agent(
                options["name"], now=_moment(options["as_of"]), dry_run=options["dry_run"]
            )
        except DataUnavailable as error:
            if options["json"]:
                self.stdout.write(json.dumps(error.as_dict()))
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(run_document(run)))
        else:
            self._print(run)
        if run.status != JobRun.Status.OK:
            raise CommandError(run.error)

    def _print(self, run: JobRun) -> None:
        is_undone = run.is_dry_run and run.status != JobRun.Status.REFUSED
        undone = " (dry run: undone)" if is_undone else ""
        self.stdout.write(f"{run.agent}: {run.status}{undone}, as of {format_utc(run.as_of)}")
        for name, value in run.done.items():
            self.stdout.write(f"  {name}: {value}")
        for line in _skipped_lines(run.skipped):
            self.stdout.write(f"  skipped {line}")


def _skipped_lines(skipped: list[dict[str, Any]]) -> list[str]:
    """Return a line per reason, with the source it is about and the subjects that share it."""
    subjects: dict[tuple[str, str], dict[str, None]] = {}
    for item in skipped:
        source = item.get("context", {}).get("source_code", "")
        subjects.setdefault((source, item["reason"]), {})[item["subject"]] = None
    return [
        f"{source and f'{source} '}{_few(list(names))}: {reason}"
        for (source, reason), names in subjects.items()
    ]


def _few(names: list[str]) -> str:
    more = len(names) - SUBJECTS_SHOWN
    return ", ".join(names[:SUBJECTS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _outside() -> str:
    names = ", ".join(agent.name for agent in all_agents() if agent.acts_outside)
    return f" ({names})" if names else ""


def run_document(run: JobRun) -> dict[str, Any]:
    """Return a run as one JSON document: what was done, and beside it how it went."""
    return {
        **run.done,
        "agent": run.agent,
        "status": run.status,
        "as_of": format_utc(run.as_of),
        "skipped": run.skipped,
        "error": run.error,
    }


def _moment(text: str | None) -> dt.datetime:
    if text is None:
        return utc_now()
    try:
        return parse_utc(text)
    except ValueError as error:
        raise CommandError(
            f"--as-of must be a time with its zone such as 2026-07-11T12:00:00Z, was {text!r}."
        ) from error
