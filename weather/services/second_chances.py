"""A person's word that something is worth another try: a paused source, a refused product."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction

from boz.core.audit import record_audit
from boz.core.clock import format_utc
from weather.models import ForecastSource, Refusal
from weather.services.health import resume


@transaction.atomic
def ask_again(source: ForecastSource, *, user: User, now: dt.datetime) -> None:
    """End a source's pause, so that the next run asks it."""
    pause = source.paused_until
    resume(source)
    record_audit(
        actor=user.get_username(),
        action="source.ask_again",
        subject=f"source:{source.code}",
        before={"paused_until": None if pause is None else format_utc(pause)},
        after={"paused_until": None},
        reason="Asked for in the admin.",
        now=now,
    )


@transaction.atomic
def read_again(refusal: Refusal, *, user: User, now: dt.datetime) -> None:
    """Forget a refusal, so that the next run fetches the product anew; its evidence stays."""
    record_audit(
        actor=user.get_username(),
        action="refusal.read_again",
        subject=f"source:{refusal.source.code}",
        before={
            "subject": refusal.subject,
            "reason": refusal.reason,
            "times": refusal.times,
            "payload_sha256": None if refusal.payload is None else refusal.payload.sha256,
        },
        after=None,
        reason="Asked for in the admin.",
        now=now,
    )
    refusal.delete()
