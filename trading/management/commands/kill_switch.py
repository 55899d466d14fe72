"""`manage.py kill_switch`: stop every order, everywhere, or allow them again."""

from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boz.core.clock import format_utc, utc_now
from boz.core.errors import BozBaseException
from trading.selectors import kill_switch
from trading.services.protections import set_kill_switch


class Command(BaseCommand):
    """Turn or read the kill switch."""

    help = (
        "on: no order leaves, anywhere, until it is turned off again. off: orders may leave again;"
        " say why with --reason. status: what it is and why."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("state", choices=("on", "off", "status"))
        parser.add_argument("--reason", default="", help="why; kept; needed for off")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    @staticmethod
    def _default_reason(state: str) -> str:
        """Return a reason for turning it on: an alarm must not wait for words."""
        return "Turned on at the prompt." if state == "on" else ""

    def handle(self, **options: Any) -> None:
        """Turn it, then say what it is."""
        if options["state"] != "status":
            try:
                set_kill_switch(
                    is_on=options["state"] == "on",
                    actor=f"{getpass.getuser()} at the prompt",
                    reason=options["reason"] or self._default_reason(options["state"]),
                    now=utc_now(),
                )
            except BozBaseException as error:
                raise CommandError(f"{error.message} Give one with --reason.") from error
        latest = kill_switch()
        if options["json"]:
            state = {
                "is_on": latest is not None and latest.is_on,
                "reason": "" if latest is None else latest.reason,
                "actor": "" if latest is None else latest.actor,
                "at": None if latest is None else format_utc(latest.at),
            }
            self.stdout.write(json.dumps(state))
        elif latest is None:
            self.stdout.write("The kill switch is off; it was never touched.")
        else:
            word = "on" if latest.is_on else "off"
            self.stdout.write(
                f"The kill switch is {word} since {format_utc(latest.at)} by {latest.actor}:"
                f" {latest.reason}"
            )
