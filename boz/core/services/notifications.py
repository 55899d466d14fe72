"""Messages to people: any app writes one, one agent delivers them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import IntegrityError, transaction

from boz.core.agents import AgentResult, heartbeat
from boz.core.clock import require_utc
from boz.core.encryption import Secret
from boz.core.errors import BozBaseException, TransientError
from boz.core.logging import get_logger
from boz.core.models import Level, Notification, NotificationTarget
from boz.core.redaction import redact_text
from boz.core.schemas import SkippedSubject

log = get_logger("SYSTEM")

#: Yesterday's news is not sent any more, neither late nor to a target added today.
MAX_AGE = dt.timedelta(hours=24)
MAX_BACKOFF = dt.timedelta(hours=1)
BATCH = 50

#: Sends one message to one address; raises TransientError when it was not taken.
Send = Callable[[Secret, Notification], None]


def notify(
    *, level: str, title: str, body: str, now: dt.datetime, subject_key: str | None = None
) -> Notification:
    """Write a message to be delivered; one with a known ``subject_key`` is not written again.

    Args:
        level: One of :class:`~boz.core.models.Level`.
        title: One line; cut at 200 characters.
        body: Plain text.
        now: When there was something to say.
        subject_key: Names what it is about, e.g. ``kill-switch:2026-07-11T12:00Z``.

    Raises:
        ValueError: If the level is unknown.
    """
    facts = {
        "at": require_utc(now, name="now"),
        "level": Level(level).value,
        "title": redact_text(title)[:200],
        "body": redact_text(body),
    }
    if subject_key is None:
        return Notification.objects.create(**facts)
    try:
        with transaction.atomic():
            return Notification.objects.get_or_create(subject_key=subject_key, defaults=facts)[0]
    except IntegrityError:
        return Notification.objects.get(subject_key=subject_key)


def deliver_notifications(now: dt.datetime, *, send: Send | None = None) -> AgentResult:
    """Send what waits to every active target that wants it; what fails is tried again later.

    Sending happens outside of transactions. A target that has a message is not sent it again
    when another target failed.
    """
    targets = list(NotificationTarget.objects.filter(is_active=True))
    waiting = Notification.objects.filter(
        delivered_at=None, at__gt=now - MAX_AGE, at__lte=now
    ).order_by("at", "id")
    if not targets:
        return AgentResult(done={"delivered": 0, "waiting": waiting.count(), "targets": 0})
    delivered = 0
    skipped: list[SkippedSubject] = []
    for notification in waiting[:BATCH]:
        if not _is_due(notification, now=now):
            continue
        failures = _deliver(notification, targets, now=now, send=send or send_with_apprise)
        delivered += not failures
        skipped += failures
        heartbeat()
    left = waiting.count()
    return AgentResult(
        done={"delivered": delivered, "waiting": left, "targets": len(targets)}, skipped=skipped
    )


def send_with_apprise(url: Secret, notification: Notification) -> None:
    """Send one message through Apprise.

    Raises:
        TransientError: If the service did not take it, or the address is malformed.
    """
    import apprise  # takes a second to load, and only this needs it

    kinds = {
        Level.INFO: apprise.NotifyType.INFO,
        Level.WARNING: apprise.NotifyType.WARNING,
        Level.ERROR: apprise.NotifyType.FAILURE,
        Level.CRITICAL: apprise.NotifyType.FAILURE,
    }
    service = apprise.Apprise()
    if not service.add(url.reveal()):
        raise TransientError("The target's address is not one that Apprise knows.")
    is_taken = service.notify(
        title=notification.title,
        body=notification.body or notification.title,
        notify_type=kinds[Level(notification.level)],
    )
    if not is_taken:
        raise TransientError("The service did not take the message.")


def _is_due(notification: Notification, *, now: dt.datetime) -> bool:
    if notification.last_attempt_at is None:
        return True
    pause = min(dt.timedelta(minutes=2 ** min(notification.attempts - 1, 10)), MAX_BACKOFF)
    return notification.last_attempt_at + pause <= now


def _deliver(
    notification: Notification, targets: list[NotificationTarget], *, now: dt.datetime, send: Send
) -> list[SkippedSubject]:
    notification.attempts = min(notification.attempts + 1, 32767)
    notification.last_attempt_at = now
    notification.save(update_fields=["attempts", "last_attempt_at"])
    failures: list[SkippedSubject] = []
    for target in targets:
        is_wanted = Level(target.minimum_level).includes(notification.level)
        if not is_wanted or target.name in notification.delivered_to:
            continue
        reason = _send_one(target, notification, send=send)
        if reason is None:
            notification.delivered_to = [*notification.delivered_to, target.name]
            notification.save(update_fields=["delivered_to"])
        else:
            failures.append(SkippedSubject(subject=f"target:{target.name}", reason=reason))
    notification.last_error = " ".join(f"{item.subject}: {item.reason}" for item in failures)
    notification.delivered_at = None if failures else now
    notification.save(update_fields=["last_error", "delivered_at"])
    return failures


def _send_one(target: NotificationTarget, notification: Notification, *, send: Send) -> str | None:
    try:
        send(target.open_url(), notification)
    except BozBaseException as error:
        reason = error.message
    except Exception as error:  # noqa: BLE001 - a hundred services raise a hundred things
        # The error's own text may repeat the address, which holds credentials.
        reason = f"Sending failed with {type(error).__name__}."
    else:
        return None
    log.warning("A notification was not delivered", target=target.name, reason=reason)
    return reason
