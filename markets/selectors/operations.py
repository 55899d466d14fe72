"""Whether the exchange trades, as of a moment, and why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from boz.core.clock import format_utc
from markets.domain.hours import (
    WeeklyHours,
    is_within_hours,
    sessions_from_days,
    weekly_pause_end,
)
from markets.models import ExchangeHours, ExchangeStatus, MaintenanceWindow

#: An older word of the exchange on itself says nothing about now; it is read every five minutes.
MAX_STATUS_AGE = dt.timedelta(minutes=20)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class TradingPause:
    """Why nothing may be placed or amended.

    Args:
        reason: A sentence.
        until: When it ends as far as known, UTC.
        cancels_work: Whether resting orders can be cancelled meanwhile.
    """

    reason: str
    until: dt.datetime | None
    cancels_work: bool


def trading_pause(*, as_of: dt.datetime, needs_status: bool = False) -> TradingPause | None:
    """Return the pause that holds at ``as_of`` as far as was known then; None when it trades.

    The exchange's own word comes first, then announced maintenance, the weekly pause on Thursdays
    and the listed hours. Listed hours are not believed when the exchange was seen trading
    outside of them.

    Args:
        as_of: Nothing known later counts.
        needs_status: Whether not knowing the exchange's state is a pause of its own. Real orders
            need it; paper orders on recorded quotes cannot have it.
    """
    status = latest_status(as_of=as_of)
    is_fresh = status is not None and as_of - _heard_at(status, as_of) <= MAX_STATUS_AGE
    if status is not None and is_fresh:
        said = _paused_by_status(status, as_of)
        if said is not None:
            return said
    found = _announced(as_of) or _weekly(as_of) or _outside_hours(as_of, status)
    if found is not None or is_fresh or not needs_status:
        return found
    heard = "never" if status is None else f"last at {format_utc(_heard_at(status, as_of))}"
    return TradingPause(
        f"The exchange's state is not known: it was read {heard}.", None, cancels_work=True
    )


def latest_status(*, as_of: dt.datetime) -> ExchangeStatus | None:
    """Return the newest reading of the exchange's state known at a moment."""
    return ExchangeStatus.objects.filter(read_at__lte=as_of).order_by("-read_at").first()


def _heard_at(status: ExchangeStatus, as_of: dt.datetime) -> dt.datetime:
    """Return when it was last heard by ``as_of``; confirmations after it are not known yet.

    Confirmations in between are not kept one by one: a row that goes on beyond ``as_of`` was
    confirmed every few minutes until then.
    """
    return min(status.confirmed_at, as_of)


def _paused_by_status(status: ExchangeStatus, as_of: dt.datetime) -> TradingPause | None:
    until = status.estimated_resume_at
    if until is not None and until <= as_of:
        until = None
    if not status.is_exchange_active:
        return TradingPause(
            "The exchange is paused; not even cancelling works.", until, cancels_work=False
        )
    if not status.is_trading_active:
        return TradingPause("The exchange has paused trading.", until, cancels_work=True)
    return None


def _announced(as_of: dt.datetime) -> TradingPause | None:
    window = (
        MaintenanceWindow.objects.filter(
            Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=as_of),
            available_at__lte=as_of,
            start_at__lte=as_of,
            end_at__gt=as_of,
        )
        .order_by("-end_at")
        .first()
    )
    if window is None:
        return None
    return TradingPause(
        "The exchange has announced maintenance; cancelling may fail.",
        window.end_at,
        cancels_work=False,
    )


def _weekly(as_of: dt.datetime) -> TradingPause | None:
    until = weekly_pause_end(as_of)
    if until is None:
        return None
    return TradingPause(
        "The exchange pauses trading every Thursday from 03:00 to 05:00 Eastern time.",
        until,
        cancels_work=True,
    )


def _outside_hours(as_of: dt.datetime, status: ExchangeStatus | None) -> TradingPause | None:
    row = ExchangeHours.objects.filter(available_at__lte=as_of).order_by("-available_at").first()
    if row is None:
        return None
    weeks = [_week(week) for week in row.weeks]
    if is_within_hours(weeks, as_of) is not False:
        return None
    if (
        status is not None
        and status.is_trading_active
        and is_within_hours(weeks, _heard_at(status, as_of)) is False
    ):
        return None
    return TradingPause("The exchange is outside of its listed hours.", None, cancels_work=True)


def _week(stored: Mapping[str, Any]) -> WeeklyHours:
    return WeeklyHours(
        valid_from=dt.datetime.fromisoformat(stored["start_time"]),
        valid_until=dt.datetime.fromisoformat(stored["end_time"]),
        sessions=sessions_from_days(
            {number: _hours(stored[name]) for number, name in enumerate(WEEKDAYS)}
        ),
    )


def _hours(stored: Iterable[Mapping[str, str]]) -> list[tuple[dt.time, dt.time]]:
    return [
        (dt.time.fromisoformat(item["open_time"]), dt.time.fromisoformat(item["close_time"]))
        for item in stored
    ]
