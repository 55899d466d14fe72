"""Who says something about the weather, and how each has behaved."""

from __future__ import annotations

from django.db import models

from weather.models.payloads import Payload
from weather.models.stations import Station


class ForecastSource(models.Model):
    """One outside source and its health."""

    class Status(models.TextChoices):
        """How the source has behaved lately."""

        OK = "ok", "working"
        DEGRADED = "degraded", "degraded"
        DOWN = "down", "down"
        UNKNOWN = "unknown", "never asked"

    code = models.CharField(max_length=40, unique=True, help_text="Stable name, e.g. nws-grid.")
    name = models.CharField(max_length=80, help_text="Name for people.")
    is_active = models.BooleanField(default=True, help_text="Whether jobs ask this source.")
    status = models.CharField(
        max_length=10,
        choices=Status.choices,
        default=Status.UNKNOWN,
        help_text="Set by the jobs from how the source has answered lately.",
    )
    status_reason = models.TextField(blank=True, help_text="Why the status is what it is.")
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="Not asked again before; empty = not paused."
    )
    last_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Last time asked.")
    last_success_at = models.DateTimeField(null=True, blank=True, help_text="Last good answer.")
    error_streak = models.PositiveIntegerField(default=0, help_text="Failures since then.")
    last_error = models.TextField(blank=True, help_text="Why the last attempt failed.")
    newest_issue_at = models.DateTimeField(
        null=True, blank=True, help_text="Issue time of the newest thing it said."
    )
    lag_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Minutes between the newest issue and the moment we first had it.",
    )
    null_share = models.FloatField(
        null=True, blank=True, help_text="Share of missing values in the last answers, 0 to 1."
    )

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class SourceContact(models.Model):
    """One run's account of a source: whether it answered, for whom, and what came."""

    source = models.ForeignKey(
        ForecastSource, on_delete=models.CASCADE, related_name="contacts", help_text="Who."
    )
    at = models.DateTimeField(help_text="When the run asked.")
    answered = models.JSONField(
        default=list, help_text="Codes of the stations for which a good answer came."
    )
    rows = models.PositiveIntegerField(default=0, help_text="Rows that were new.")
    values_seen = models.PositiveIntegerField(default=0, help_text="Values that were looked at.")
    values_missing = models.PositiveIntegerField(default=0, help_text="Of these, missing ones.")
    problems = models.PositiveIntegerField(default=0, help_text="Answers that were no good.")

    class Meta:
        ordering = ("-at", "-pk")
        indexes = [models.Index(fields=("source", "at"), name="weather_contact_by_source")]

    def __str__(self) -> str:
        return f"{self.source.code} {self.at:%Y-%m-%d %H:%M}Z"


class Refusal(models.Model):
    """Something a source said that cannot be used, with the reason and the evidence."""

    source = models.ForeignKey(
        ForecastSource, on_delete=models.CASCADE, related_name="refusals", help_text="Who."
    )
    station = models.ForeignKey(
        Station,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="refusals",
        help_text="About which station, where that is known.",
    )
    digest = models.CharField(max_length=64, help_text="Hash of subject, reason and evidence.")
    subject = models.CharField(max_length=200, help_text="What was refused.")
    reason = models.TextField(help_text="Why, in a sentence.")
    context = models.JSONField(default=dict, blank=True, help_text="Facts behind the reason.")
    payload = models.ForeignKey(
        Payload, null=True, blank=True, on_delete=models.SET_NULL, help_text="The raw answer."
    )
    first_seen_at = models.DateTimeField(help_text="When it was first refused.")
    last_seen_at = models.DateTimeField(help_text="When it was last refused.")
    times = models.PositiveIntegerField(default=1, help_text="How often it came.")

    class Meta:
        ordering = ("-last_seen_at", "-pk")
        constraints = [
            models.UniqueConstraint(fields=("source", "digest"), name="weather_refusal_once"),
        ]

    def __str__(self) -> str:
        return f"{self.source.code}: {self.subject}"
