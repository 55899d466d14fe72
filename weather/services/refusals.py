"""What sources said that cannot be used: kept with reason and evidence, once each."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db.models import F

from boz.core.errors import BozBaseException
from boz.core.http import Captured
from boz.core.redaction import redact
from weather.models import ForecastSource, Refusal, Station
from weather.services.payloads import store_payload


def record_refusal(
    source: ForecastSource,
    *,
    subject: str,
    reason: str,
    now: dt.datetime,
    context: Mapping[str, Any] | None = None,
    station: Station | None = None,
    captured: Captured | None = None,
) -> Refusal:
    """Keep a refusal; the same one again only counts up."""
    payload = None if captured is None else store_payload(captured)
    evidence = "" if payload is None else payload.sha256
    digest = hashlib.sha256(json.dumps([subject, reason, evidence]).encode()).hexdigest()
    refusal, is_new = Refusal.objects.get_or_create(
        source=source,
        digest=digest,
        defaults={
            "station": station,
            "subject": subject[:200],
            "reason": reason,
            "context": redact(BozBaseException(reason, dict(context or {})).as_dict()["context"]),
            "payload": payload,
            "first_seen_at": now,
            "last_seen_at": now,
        },
    )
    if not is_new:
        Refusal.objects.filter(pk=refusal.pk).update(times=F("times") + 1, last_seen_at=now)
    return refusal
