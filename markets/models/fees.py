"""What the exchange charges, and since when."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from markets.models.listings import Event, Series


class FeeSchedule(models.Model):
    """The fee in force for a series, or for one event, from a moment on.

    A row of an event may leave either part to its series; a row that leaves both ends an
    exception. A change that was announced and then taken back, or corrected, stays with the moment
    at which we learned so.
    """

    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="fee_schedules", help_text="Series."
    )
    event = models.ForeignKey(
        Event,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="fee_schedules",
        help_text="Only this event, when set.",
    )
    fee_type = models.CharField(
        max_length=60,
        blank=True,
        help_text="As the exchange says; an unknown one refuses to trade. Empty = the series' own.",
    )
    multiplier = models.DecimalField(
        max_digits=8,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="Fee multiplier. Empty = the series' own.",
    )
    effective_from = models.DateTimeField(help_text="In force from; may lie ahead.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    change_id = models.CharField(
        max_length=80, blank=True, help_text="The exchange's identity of an announced change."
    )
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When we learned that it will not come, or not like this."
    )

    class Meta:
        ordering = ("series", "-effective_from")
        constraints = [
            models.UniqueConstraint(
                fields=("series", "effective_from"),
                name="markets_fee_once_per_series",
                condition=Q(event__isnull=True, withdrawn_at__isnull=True),
            ),
            models.UniqueConstraint(
                fields=("event", "effective_from"),
                name="markets_fee_once_per_event",
                condition=Q(event__isnull=False, withdrawn_at__isnull=True),
            ),
            models.CheckConstraint(
                name="markets_fee_multiplier_not_negative", condition=Q(multiplier__gte=0)
            ),
            models.CheckConstraint(
                name="markets_fee_of_a_series_is_complete",
                condition=Q(event__isnull=False) | (Q(multiplier__isnull=False) & ~Q(fee_type="")),
            ),
        ]

    def __str__(self) -> str:
        multiplier = "usual" if self.multiplier is None else self.multiplier
        return f"{self.series.ticker} {self.fee_type or 'usual type'} x {multiplier}"
