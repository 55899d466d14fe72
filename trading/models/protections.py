"""What stops trading: protections with an end, and the kill switch."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q

from trading.choices import LockKind
from trading.models.portfolios import Portfolio


class Lock(models.Model):
    """A protection: why trading is locked, and until when."""

    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.CASCADE, related_name="locks", help_text="Whose trading."
    )
    kind = models.CharField(max_length=11, choices=LockKind.choices, help_text="Which protection.")
    reason = models.TextField(help_text="In one sentence.")
    starts_at = models.DateTimeField(help_text="From.")
    until = models.DateTimeField(help_text="Until, exclusive.")
    released_at = models.DateTimeField(null=True, blank=True, help_text="Released earlier.")
    reference = models.CharField(
        max_length=120, unique=True, help_text="Natural key: the same cause locks once."
    )

    class Meta:
        ordering = ("-starts_at",)
        constraints = [
            models.CheckConstraint(
                name="trading_lock_ends_after_start", condition=Q(until__gt=F("starts_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio} {self.kind} until {self.until:%Y-%m-%d %H:%M}Z"

    def is_in_force(self, now: dt.datetime) -> bool:
        """Say whether it forbids trading at ``now``."""
        released = self.released_at is not None and self.released_at <= now
        return self.starts_at <= now < self.until and not released


class KillSwitch(models.Model):
    """A turn of the kill switch; the latest row is its state, the rest its history."""

    is_on = models.BooleanField(help_text="On: no order leaves, anywhere.")
    reason = models.TextField(help_text="Why.")
    actor = models.CharField(max_length=150, help_text="Who turned it.")
    at = models.DateTimeField(help_text="When.")

    class Meta:
        # The order in which it was turned, whatever the clocks of several hosts say.
        ordering = ("-id",)
        verbose_name_plural = "kill switch"

    def __str__(self) -> str:
        return f"{'on' if self.is_on else 'off'}: {self.reason}"
