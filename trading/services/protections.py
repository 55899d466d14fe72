"""What stops trading: locks after losses, and the kill switch."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from boz.core.clock import exchange_day, exchange_day_bounds
from boz.core.errors import OperatorActionRequired
from boz.core.logging import get_logger
from boz.core.money import format_dollars
from boz.core.services.audit import record_audit
from trading import selectors
from trading.choices import LockKind, TradeStatus
from trading.models import KillSwitch, Lock, Portfolio, Trade

log = get_logger("COOLDOWN")


def protect_after_settlement(*, portfolio: Portfolio, lost: list[Trade], now: dt.datetime) -> None:
    """Set the locks that freshly lost trades call for.

    Args:
        portfolio: Whose trades were settled.
        lost: The trades just lost; with none, nothing is locked.
        now: The present, from which a cooldown counts.
    """
    if not lost:
        return
    last = max(lost, key=lambda trade: trade.pk)
    if portfolio.cooldown_minutes > 0:
        until = now + dt.timedelta(minutes=portfolio.cooldown_minutes)
        _lock(
            portfolio,
            kind=LockKind.COOLDOWN,
            cause=f"trade:{last.pk}",
            reason=(
                f"Cooling down for {portfolio.cooldown_minutes} minutes after a loss in"
                f" {last.market.ticker}, until {until:%H:%M} UTC."
            ),
            now=now,
            until=until,
        )
    _, day_end = exchange_day_bounds(exchange_day(now))
    streak = _losses_in_a_row(portfolio)
    if 0 < portfolio.consecutive_loss_limit <= streak:
        _lock(
            portfolio,
            kind=LockKind.LOSS_STREAK,
            cause=f"trade:{last.pk}",
            reason=(
                f"{streak} losses in a row; no new trade until the exchange day ends"
                f" at {day_end:%H:%M} UTC."
            ),
            now=now,
            until=day_end,
        )
    realised = selectors.realised_today_dollars(portfolio, now=now)
    if -realised >= portfolio.daily_loss_limit_dollars:
        _lock(
            portfolio,
            kind=LockKind.DAILY_LOSS,
            cause=f"day:{exchange_day(now)}",
            reason=(
                f"Realised result today is {format_dollars(realised)}, the daily loss limit is"
                f" reached; no new trade until {day_end:%H:%M} UTC."
            ),
            now=now,
            until=day_end,
        )


def _losses_in_a_row(portfolio: Portfolio) -> int:
    """Return the latest losses without a win between them; a streak that locked once is spent."""
    last_lock = (
        Lock.objects.filter(portfolio=portfolio, kind=LockKind.LOSS_STREAK)
        .order_by("-starts_at")
        .first()
    )
    settled = Trade.objects.filter(portfolio=portfolio, status__in=selectors.SETTLED)
    if last_lock is not None:
        settled = settled.filter(settled_at__gt=last_lock.starts_at)
    streak = 0
    for status in settled.order_by("-settled_at", "-pk").values_list("status", flat=True):
        if status != TradeStatus.LOST:
            break
        streak += 1
    return streak


def _lock(
    portfolio: Portfolio,
    *,
    kind: LockKind,
    cause: str,
    reason: str,
    now: dt.datetime,
    until: dt.datetime,
) -> None:
    _, created = Lock.objects.get_or_create(
        reference=f"{portfolio.pk}:{kind}:{cause}",
        defaults={
            "portfolio": portfolio,
            "kind": kind,
            "reason": reason,
            "starts_at": now,
            "until": until,
        },
    )
    if created:
        log.warning(reason, portfolio=portfolio.name)


@transaction.atomic
def set_kill_switch(*, is_on: bool, actor: str, reason: str, now: dt.datetime) -> KillSwitch:
    """Turn the kill switch; on means that no order leaves, anywhere, until it is turned off.

    Raises:
        OperatorActionRequired: If no reason is given.
    """
    if not reason.strip():
        raise OperatorActionRequired("Turning the kill switch needs a reason.")
    before = selectors.kill_switch_is_on()
    switch = KillSwitch.objects.create(is_on=is_on, reason=reason, actor=actor, at=now)
    record_audit(
        actor=actor,
        action="kill_switch",
        subject="kill_switch",
        before={"is_on": before},
        after={"is_on": is_on},
        reason=reason,
        now=now,
    )
    log.warning(f"Kill switch turned {'on' if is_on else 'off'}", actor=actor, reason=reason)
    return switch
