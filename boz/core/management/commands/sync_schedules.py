"""Bring the queue's schedules in line with the code."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from boz.core.services.schedules import declared_schedules, sync_schedules


class Command(BaseCommand):
    """Creates, changes and removes schedules; running it twice changes nothing more."""

    help = "Make the queue's schedules equal to those declared in code. Run it on every start."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sync and print."""
        try:
            result = sync_schedules(declared_schedules(), now=utc_now())
        except BozBaseException as error:
            raise CommandError(error.message) from error
        changes = dataclasses.asdict(result)
        if options["json"]:
            self.stdout.write(json.dumps(changes))
            return
        for what, names in changes.items():
            self.stdout.write(f"{what}: {', '.join(names) or '-'}")
