"""Records of research on recorded quotes."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Backtest(models.Model):
    """A question asked of the recorded past: strategy, parameters and period."""

    name = models.CharField(max_length=80, unique=True, help_text="Name for people.")
    strategy_kind = models.CharField(max_length=40, help_text="Registry name of the strategy.")
    parameters = models.JSONField(default=dict, blank=True, help_text="Of the strategy.")
    first_day = models.DateField(help_text="First climate day.")
    last_day = models.DateField(help_text="Last climate day.")
    created_at = models.DateTimeField(help_text="When it was asked.")

    class Meta:
        ordering = ("-created_at",)
        constraints = [
            models.CheckConstraint(
                name="trading_backtest_days_are_ordered", condition=Q(first_day__lte=F("last_day"))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BacktestRun(models.Model):
    """One answer; every run counts as a trial."""

    backtest = models.ForeignKey(
        Backtest, on_delete=models.CASCADE, related_name="runs", help_text="To which question."
    )
    started_at = models.DateTimeField(help_text="When.")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When done.")
    inputs_hash = models.CharField(max_length=64, help_text="Hash of data and parameters.")
    results = models.JSONField(default=dict, blank=True, help_text="Figures.")

    class Meta:
        ordering = ("-started_at",)

    def __str__(self) -> str:
        return f"{self.backtest} {self.started_at:%Y-%m-%d %H:%M}Z"
