"""Watches what a series settles on; a change stops new entries until a person has read it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from boz.core.audit import record_audit
from boz.core.errors import InvalidOrderError
from boz.core.logging import get_logger
from markets.models import Series

log = get_logger("MARKET")

ACTOR = "agent:markets"


def stop_entries(
    series: Series,
    *,
    what: str,
    subject: str,
    before: Any,
    after: Any,
    now: dt.datetime,
) -> None:
    """Stop new entries in a series because ``what`` has changed; a first reason stays.

    Args:
        series: The series to stop.
        what: E.g. "settlement sources".
        subject: Ticker of the series or event at which it was seen.
        before: As known so far.
        after: As listed now.
        now: When it was seen.
    """
    reason = (
        f"The {what} changed at {subject}. New entries are stopped until an operator has read the "
        "new terms and allows them again."
    )
    log.warning(
        "New entries are stopped", series=series.ticker, what=what, before=before, after=after
    )
    record_audit(
        actor=ACTOR,
        action="series.entries_stopped",
        subject=f"series:{series.ticker}",
        before={what: before},
        after={what: after},
        reason=reason,
        now=now,
    )
    if not series.entries_stopped_reason:
        series.entries_stopped_reason = reason
        series.save(update_fields=["entries_stopped_reason"])


def allow_entries(series: Series, *, actor: str, reason: str, now: dt.datetime) -> None:
    """Allow new entries again; a no-op when they are allowed.

    Raises:
        InvalidOrderError: If no reason is given: the audit trail must say why.
    """
    if not reason.strip():
        raise InvalidOrderError("Say why entries are allowed again.", {"series": series.ticker})
    if not series.entries_stopped_reason:
        return
    before = series.entries_stopped_reason
    series.entries_stopped_reason = ""
    series.save(update_fields=["entries_stopped_reason"])
    record_audit(
        actor=actor,
        action="series.entries_allowed",
        subject=f"series:{series.ticker}",
        before={"entries_stopped_reason": before},
        after={"entries_stopped_reason": ""},
        reason=reason.strip(),
        now=now,
    )


def halt_entries(series: Series, *, actor: str, reason: str, now: dt.datetime) -> None:
    """Stop new entries by hand; a no-op when they are stopped already.

    Raises:
        InvalidOrderError: If no reason is given.
    """
    if not reason.strip():
        raise InvalidOrderError("Say why entries are stopped.", {"series": series.ticker})
    if series.entries_stopped_reason:
        return
    series.entries_stopped_reason = f"Stopped by {actor}: {reason.strip()}"
    series.save(update_fields=["entries_stopped_reason"])
    record_audit(
        actor=actor,
        action="series.entries_stopped",
        subject=f"series:{series.ticker}",
        before={"entries_stopped_reason": ""},
        after={"entries_stopped_reason": series.entries_stopped_reason},
        reason=reason.strip(),
        now=now,
    )
