"""What the exchange says of itself: whether it trades, its hours and announced maintenance."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from boz.core.agents import AgentResult
from boz.core.clock import format_utc
from boz.core.errors import (
    DataUnavailable,
    InvalidDataError,
    OperatorActionRequired,
    TransientError,
)
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from markets.clients.kalshi import KalshiMarketData
from markets.clients.kalshi.objects import ExchangeSchedule, WeeklyHours
from markets.clients.kalshi.objects import ExchangeStatus as StatusReading
from markets.models import ExchangeHours, ExchangeStatus, MaintenanceWindow
from markets.selectors.operations import MAX_STATUS_AGE, WEEKDAYS

log = get_logger("MARKET")

#: The shard on which weather trades, as far as known; the listed top level is that of shard 0.
WEATHER_SHARD = 0
_UNREAD = (TransientError, DataUnavailable, InvalidDataError, OperatorActionRequired)


def sync_operations(*, now: dt.datetime, client: KalshiMarketData) -> AgentResult:
    """Store the exchange's state, hours and maintenance; what cannot be read says so.

    It never fails: an exchange that is down is asked about exactly then.
    """
    skipped: list[SkippedSubject] = []
    status = schedule = None
    try:
        status = client.exchange_status()
    except _UNREAD as error:
        skipped.append(SkippedSubject(subject="exchange status", reason=error.message))
    try:
        schedule = client.exchange_schedule()
    except _UNREAD as error:
        skipped.append(SkippedSubject(subject="exchange schedule", reason=error.message))
    done = {"status_changes": 0, "windows": 0}
    with transaction.atomic():
        if status is not None:
            done["status_changes"] = int(record_status(status, now=now))
        if schedule is not None:
            _write_hours(schedule, now=now)
            done["windows"] = _write_windows(schedule, now=now)
    return AgentResult(done=done, skipped=skipped)


def record_status(reading: StatusReading, *, now: dt.datetime) -> bool:
    """Store a reading; return whether it says something else than the one before.

    A reading that says the same extends its row, unless nothing was heard for so long that the
    time in between is not known.
    """
    facts = {
        "is_exchange_active": reading.may_cancel(WEATHER_SHARD),
        "is_trading_active": reading.may_order(WEATHER_SHARD),
        "estimated_resume_at": reading.exchange_estimated_resume_time,
    }
    last = ExchangeStatus.objects.order_by("-read_at").first()
    if last is not None and now <= last.confirmed_at:
        return False
    is_same = last is not None and all(
        getattr(last, name) == value for name, value in facts.items()
    )
    if last is not None and is_same and now - last.confirmed_at <= MAX_STATUS_AGE:
        last.confirmed_at = now
        last.save(update_fields=["confirmed_at"])
        return False
    ExchangeStatus.objects.create(read_at=now, confirmed_at=now, **facts)
    if not is_same and (last is not None or not facts["is_trading_active"]):
        log.warning(
            "The exchange has changed its state",
            exchange_active=facts["is_exchange_active"],
            trading_active=facts["is_trading_active"],
        )
    return not is_same


def _write_hours(schedule: ExchangeSchedule, *, now: dt.datetime) -> None:
    weeks = [_week(week) for week in schedule.standard_hours]
    last = ExchangeHours.objects.order_by("-available_at").first()
    if last is None or (last.weeks != weeks and last.available_at < now):
        ExchangeHours.objects.create(available_at=now, weeks=weeks)


def _week(hours: WeeklyHours) -> dict[str, Any]:
    days = {
        name: [
            {
                "open_time": f"{session.open_time:%H:%M}",
                "close_time": f"{session.close_time:%H:%M}",
            }
            for session in getattr(hours, name)
        ]
        for name in WEEKDAYS
    }
    return {
        "start_time": format_utc(hours.start_time),
        "end_time": format_utc(hours.end_time),
        **days,
    }


def _write_windows(schedule: ExchangeSchedule, *, now: dt.datetime) -> int:
    """Store announced maintenance; what is no longer announced before its start is taken back."""
    listed = {
        (window.start_datetime, window.end_datetime)
        for window in schedule.maintenance_windows
        if window.end_datetime > window.start_datetime
    }
    held = {
        (row.start_at, row.end_at): row
        for row in MaintenanceWindow.objects.filter(withdrawn_at__isnull=True, end_at__gt=now)
    }
    gone = [row.pk for span, row in held.items() if span not in listed and row.start_at > now]
    MaintenanceWindow.objects.filter(pk__in=gone).update(withdrawn_at=now)
    new = [
        MaintenanceWindow(start_at=start, end_at=end, available_at=now)
        for start, end in sorted(listed - held.keys())
        if end > now
    ]
    MaintenanceWindow.objects.bulk_create(new, ignore_conflicts=True)
    for window in new:
        log.warning(
            "The exchange has announced maintenance", start=window.start_at, end=window.end_at
        )
    return len(new)
