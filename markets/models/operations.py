"""When the exchange works: what it said of itself, and what it announced."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class ExchangeStatus(models.Model):
    """What the exchange said of itself, from a reading until the last one that said the same."""

    read_at = models.DateTimeField(unique=True, help_text="First reading that said so.")
    confirmed_at = models.DateTimeField(help_text="Last reading that said so.")
    is_exchange_active = models.BooleanField(help_text="Whether it takes anything, even cancels.")
    is_trading_active = models.BooleanField(help_text="Whether it takes orders.")
    estimated_resume_at = models.DateTimeField(
        null=True, blank=True, help_text="When it expects to go on; not guaranteed."
    )

    class Meta:
        ordering = ("-read_at",)
        verbose_name_plural = "exchange statuses"
        constraints = [
            models.CheckConstraint(
                name="markets_status_confirmed_after_reading",
                condition=Q(confirmed_at__gte=F("read_at")),
            ),
        ]

    def __str__(self) -> str:
        if not self.is_exchange_active:
            return f"exchange paused {self.read_at:%Y-%m-%d %H:%M}Z"
        state = "open" if self.is_trading_active else "trading paused"
        return f"{state} {self.read_at:%Y-%m-%d %H:%M}Z"


class ExchangeHours(models.Model):
    """The weekly hours of the exchange as listed, until it lists others."""

    available_at = models.DateTimeField(unique=True, help_text="When we could first have known it.")
    weeks = models.JSONField(
        default=list,
        help_text="[{start_time, end_time, monday: [{open_time, close_time}], …}], Eastern time.",
    )

    class Meta:
        ordering = ("-available_at",)
        verbose_name_plural = "exchange hours"

    def __str__(self) -> str:
        return f"hours known from {self.available_at:%Y-%m-%d %H:%M}Z"


class MaintenanceWindow(models.Model):
    """An announced time without trading."""

    start_at = models.DateTimeField(help_text="Start, inclusive.")
    end_at = models.DateTimeField(help_text="End, exclusive.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    withdrawn_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was no longer announced, before its start.",
    )

    class Meta:
        ordering = ("-start_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("start_at", "end_at"),
                name="markets_maintenance_once",
                condition=Q(withdrawn_at__isnull=True),
            ),
            models.CheckConstraint(
                name="markets_maintenance_ends_after_start", condition=Q(end_at__gt=F("start_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M}Z to {self.end_at:%Y-%m-%d %H:%M}Z"
