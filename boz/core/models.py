"""What the ground floor keeps: runs of jobs, the audit trail, log rows and notifications."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, NoReturn

from django.db import models

from boz.core.encryption import Secret, decrypt_api_key, encrypt_api_key
from boz.core.errors import OperatorActionRequired


class Level(models.TextChoices):
    """How much a log row or a notification matters, least first."""

    INFO = "INFO", "Info"
    WARNING = "WARNING", "Warning"
    ERROR = "ERROR", "Error"
    CRITICAL = "CRITICAL", "Critical"

    def includes(self, other: str) -> bool:
        """Say whether something of level ``other`` matters at least as much as this level."""
        order = list(Level)
        return order.index(Level(other)) >= order.index(self)


class JobRun(models.Model):
    """One run of an agent: when, as of when, how it ended, what it did and what it left out."""

    class Status(models.TextChoices):
        """How a run ended."""

        RUNNING = "RUNNING", "Running"
        OK = "OK", "OK"
        FAILED = "FAILED", "Failed"
        REFUSED = "REFUSED", "Refused"

    agent = models.CharField(max_length=50, help_text="Name of the agent, as in run_agent.")
    status = models.CharField(
        max_length=8,
        choices=Status,
        default=Status.RUNNING,
        help_text="Refused means that the same agent was running already.",
    )
    is_dry_run = models.BooleanField(
        default=False, help_text="Everything this run did was rolled back on purpose."
    )
    as_of = models.DateTimeField(help_text="The moment whose knowledge the run used, UTC.")
    started_at = models.DateTimeField(help_text="When the run started, UTC.")
    heartbeat_at = models.DateTimeField(help_text="Last sign of life, UTC.")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it ended, UTC.")
    done = models.JSONField(
        default=dict, blank=True, help_text="What the agent reports having done: name to value."
    )
    skipped = models.JSONField(
        default=list,
        blank=True,
        help_text="What was left out: a list of subject, reason and context.",
    )
    error = models.TextField(blank=True, help_text="One sentence saying why the run failed.")

    class Meta:
        ordering = ["-started_at", "-id"]
        get_latest_by = "started_at"
        indexes = [
            models.Index(fields=["agent", "-started_at"], name="core_jobrun_agent_started"),
            models.Index(fields=["status", "-started_at"], name="core_jobrun_status_started"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="RUNNING", finished_at=None)
                | models.Q(~models.Q(status="RUNNING"), finished_at__isnull=False),
                name="core_jobrun_finished_unless_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} {self.status} as of {self.as_of:%Y-%m-%d %H:%M}Z"

    @property
    def duration_seconds(self) -> float | None:
        """Return how long the run took, seconds; None while it runs."""
        if self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class AgentLease(models.Model):
    """Who may run an agent now, so that a job delivered twice runs once."""

    agent = models.CharField(max_length=50, unique=True, help_text="Name of the agent.")
    holder = models.CharField(
        max_length=36, blank=True, help_text="The run that holds the lease; empty when free."
    )
    expires_at = models.DateTimeField(
        help_text="From then on the holder is taken for dead and another run may start, UTC."
    )

    class Meta:
        ordering = ["agent"]

    def __str__(self) -> str:
        return f"{self.agent} held by {self.holder}" if self.holder else f"{self.agent} free"

    def is_held(self, *, now: dt.datetime) -> bool:
        """Say whether someone runs the agent."""
        return self.holder != "" and self.expires_at > now


def _refuse_change() -> NoReturn:
    raise OperatorActionRequired("Audit events are never changed or deleted; record a new one.")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Reads; every way to change or delete rows is refused."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse_change()

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse_change()

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: rows are chained one by one."""
        _refuse_change()

    def delete(self) -> NoReturn:
        """Refuse."""
        _refuse_change()

    def _raw_delete(self, using: str | None) -> NoReturn:
        _refuse_change()


class AuditEvent(models.Model):
    """Something a person or an agent changed, chained to the event before it by a hash."""

    at = models.DateTimeField(help_text="When it happened, UTC.")
    actor = models.CharField(max_length=150, help_text="User name, or the agent's name.")
    action = models.CharField(
        max_length=80, help_text="What was done, e.g. trade.approve; lower case with dots."
    )
    subject = models.CharField(max_length=200, help_text="What it was done to, e.g. trade:17.")
    before = models.JSONField(null=True, blank=True, help_text="Values before, if any.")
    after = models.JSONField(null=True, blank=True, help_text="Values after, if any.")
    reason = models.TextField(blank=True, help_text="Why, in the actor's words.")
    previous_hash = models.CharField(
        max_length=64,
        blank=True,
        unique=True,
        help_text="Hash of the event before, empty for the first; unique, so no chain forks.",
    )
    hash = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of this event with the previous hash."
    )

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        base_manager_name = "objects"
        indexes = [
            models.Index(fields=["subject", "-at"], name="core_audit_subject_at"),
            models.Index(fields=["action", "-at"], name="core_audit_action_at"),
            models.Index(fields=["-at"], name="core_audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}Z {self.actor} {self.action} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a second save is refused."""
        if not self._state.adding:
            _refuse_change()
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse_change()


class LogEntry(models.Model):
    """A log line of level WARNING or above."""

    at = models.DateTimeField(help_text="When it was logged, UTC.")
    level = models.CharField(max_length=8, help_text="WARNING, ERROR or CRITICAL.")
    tag = models.CharField(max_length=12, help_text="Part of the system, e.g. WEATHER.")
    message = models.TextField(help_text="The sentence that was logged, without secrets.")
    context = models.JSONField(
        default=dict, blank=True, help_text="The line's fields, without secrets."
    )

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "log entries"
        indexes = [
            models.Index(fields=["-at"], name="core_log_at"),
            models.Index(fields=["tag", "-at"], name="core_log_tag_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}Z {self.level} {self.tag} {self.message[:80]}"


class NotificationTarget(models.Model):
    """Where messages to people go: one address of the Apprise kind, kept encrypted."""

    uuid = models.UUIDField(
        default=uuid.uuid4,
        unique=True,
        editable=False,
        help_text="Identity of the row; its secret opens only together with it.",
    )
    name = models.CharField(max_length=80, unique=True, help_text="A name for people.")
    encrypted_url = models.TextField(
        editable=False, help_text="The encrypted address; it holds credentials."
    )
    minimum_level = models.CharField(
        max_length=8,
        choices=Level,
        default=Level.WARNING,
        help_text="Messages below this level are not sent here.",
    )
    is_active = models.BooleanField(default=True, help_text="Whether anything is sent here.")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(encrypted_url=""), name="core_target_has_url"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def bound_to(self) -> str:
        """Return what the encrypted address is bound to."""
        return f"core.notificationtarget:{self.uuid}"

    def set_url(self, url: str) -> None:
        """Encrypt an address into the row; saving is the caller's."""
        self.encrypted_url = encrypt_api_key(url, bound_to=self.bound_to)

    def open_url(self) -> Secret:
        """Return the address.

        Raises:
            OperatorActionRequired: If it cannot be opened with the configured keys.
        """
        return Secret(decrypt_api_key(self.encrypted_url, bound_to=self.bound_to))


class Notification(models.Model):
    """A message to people; any app writes one, the agent ``notify`` delivers it."""

    at = models.DateTimeField(help_text="When there was something to say, UTC.")
    level = models.CharField(
        max_length=8, choices=Level, default=Level.INFO, help_text="How much it matters."
    )
    title = models.CharField(max_length=200, help_text="The message in one line.")
    body = models.TextField(blank=True, help_text="The rest of the message, plain text.")
    subject_key = models.CharField(
        max_length=200,
        null=True,
        blank=True,
        unique=True,
        help_text="Names what the message is about; a second message of the same key is dropped.",
    )
    delivered_at = models.DateTimeField(
        null=True, blank=True, help_text="When every target had it, UTC."
    )
    delivered_to = models.JSONField(
        default=list, blank=True, help_text="Names of the targets that have it already."
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often delivery was tried."
    )
    last_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="When delivery was tried last, UTC."
    )
    last_error = models.TextField(blank=True, help_text="Why the last attempt failed.")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at"], name="core_notification_at"),
            models.Index(
                fields=["at"],
                condition=models.Q(delivered_at=None),
                name="core_notification_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}Z {self.level} {self.title}"
