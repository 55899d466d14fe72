"""The audit trail: who changed what and why, in a chain that shows tampering."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from boz.core.clock import require_utc
from boz.core.errors import TransientError
from boz.core.models import AuditEvent
from boz.core.redaction import redact, redact_text

APPEND_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """A place where the trail does not hold together."""

    event_id: int
    problem: str


def record_audit(
    *,
    actor: str,
    action: str,
    subject: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str,
    now: dt.datetime,
) -> AuditEvent:
    """Append an event; secrets in ``before`` and ``after`` are redacted.

    Safe to call inside a transaction: the event then stands or falls with what it tells.

    Raises:
        TransientError: If others kept appending at the same moment.
    """
    facts = {
        "at": require_utc(now, name="now"),
        "actor": actor,
        "action": action,
        "subject": subject,
        "before": None if before is None else redact(before),
        "after": None if after is None else redact(after),
        "reason": redact_text(reason),
    }
    for _ in range(APPEND_ATTEMPTS):
        try:
            with transaction.atomic():
                return _append(facts)
        except IntegrityError:
            continue  # someone else became the successor of the same event first
    raise TransientError("The audit trail is too busy to take another event.", {"action": action})


def verify_audit_chain() -> list[ChainBreak]:
    """Return every break of the chain, oldest first; an empty list means that it holds.

    Events cut off at the end cannot be seen from the chain itself: keep the newest hash elsewhere
    to notice that.
    """
    breaks: list[ChainBreak] = []
    previous = ""
    for event in AuditEvent.objects.order_by("id").iterator(chunk_size=1000):
        if event.previous_hash != previous:
            breaks.append(
                ChainBreak(event.pk, "An event before this one was removed, added or changed.")
            )
        if event.hash != event_hash(event):
            breaks.append(ChainBreak(event.pk, "This event was changed after it was recorded."))
        previous = event.hash
    return breaks


def event_hash(event: AuditEvent) -> str:
    """Return the SHA-256 of an event's facts with the hash of the event before it."""
    at = event.at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    facts = {
        "at": at,
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "before": _canonical(event.before),
        "after": _canonical(event.after),
        "reason": event.reason,
        "previous": event.previous_hash,
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _append(facts: dict[str, Any]) -> AuditEvent:
    event = AuditEvent(**facts, previous_hash=_lock_last_hash())
    event.hash = event_hash(event)
    event.full_clean(validate_unique=False, validate_constraints=False)
    event.save()
    return event


def _lock_last_hash() -> str:
    """Return the newest hash while holding its row, so that appends queue up behind each other."""
    while True:
        last = AuditEvent.objects.select_for_update().order_by("-id").first()
        # Whoever held the row before us has appended meanwhile; only a new query sees that.
        newest = AuditEvent.objects.order_by("-id").first()
        if last is None and newest is None:
            return ""
        if last is not None and newest is not None and last.pk == newest.pk:
            return newest.hash


def _canonical(value: Any) -> Any:
    """Write numbers in one way, since a database may return 1e22 as a whole number."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return f"#{Decimal(repr(value)).normalize()}"
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    return [_canonical(item) for item in value]
