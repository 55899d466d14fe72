"""Examine this installation."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boz.core.clock import utc_now
from boz.core.services.doctor import examine


class Command(BaseCommand):
    """Says what works, what does not, and what to do about it."""

    help = "Examine this installation. Exit code 0 when everything it cannot do without works."
    requires_system_checks: list[str] = []  # its own findings tell of them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")
        parser.add_argument(
            "--offline", action="store_true", help="Leave out what needs the network."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine, print, and fail when a required check did."""
        findings = examine(now=utc_now(), offline=options["offline"])
        unfit = [finding.name for finding in findings if finding.required and not finding.ok]
        if options["json"]:
            checks = [dataclasses.asdict(finding) for finding in findings]
            self.stdout.write(json.dumps({"ok": not unfit, "checks": checks}))
        else:
            for finding in findings:
                mark = "ok  " if finding.ok else "FAIL" if finding.required else "warn"
                self.stdout.write(f"{mark}  {finding.name}: {finding.detail}")
                if not finding.ok and finding.next_step:
                    self.stdout.write(f"      {finding.next_step}")
        if unfit:
            raise CommandError(f"Not fit to run: {', '.join(unfit)}.")
