"""Check the audit trail."""

from __future__ import annotations

import dataclasses
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from boz.core.audit import verify_audit_chain
from boz.core.models import AuditEvent


class Command(BaseCommand):
    """Recomputes every hash of the audit trail."""

    help = "Check that no audit event was changed, removed or slipped in. Exit code 0 if so."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify, print, and fail when there is a break."""
        breaks = verify_audit_chain()
        events = AuditEvent.objects.count()
        last = AuditEvent.objects.order_by("-id").values_list("hash", flat=True).first()
        if options["json"]:
            document = {
                "ok": not breaks,
                "events": events,
                "last_hash": last or "",
                "breaks": [dataclasses.asdict(item) for item in breaks],
            }
            self.stdout.write(json.dumps(document))
        else:
            for item in breaks:
                self.stdout.write(f"event {item.event_id}: {item.problem}")
            self.stdout.write(f"{events} events, {len(breaks)} breaks; newest hash {last or '-'}")
        if breaks:
            raise CommandError("The audit trail was tampered with.")
