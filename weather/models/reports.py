"""What is said about a whole climate day: climate reports and daily summaries."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from weather.models.said import Said
from weather.models.sources import ForecastSource
from weather.models.stations import Station


class ClimateReport(Said):
    """One issuance of the daily climate report for a station; none overwrites another."""

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="climate_reports", help_text="Where."
    )
    source = models.ForeignKey(
        ForecastSource, on_delete=models.PROTECT, related_name="climate_reports", help_text="Who."
    )
    product_id = models.CharField(max_length=80, help_text="The product's own identity.")
    climate_day = models.DateField(help_text="Day of the headline, local standard time.")
    max_f = models.SmallIntegerField(null=True, blank=True, help_text="Maximum, whole °F.")
    max_time_lst = models.CharField(max_length=5, blank=True, help_text="HH:MM, standard time.")
    max_is_record = models.BooleanField(default=False, help_text="Marked R.")
    max_is_estimated = models.BooleanField(default=False, help_text="Marked E.")
    min_f = models.SmallIntegerField(null=True, blank=True, help_text="Minimum, whole °F.")
    min_time_lst = models.CharField(max_length=5, blank=True, help_text="HH:MM, standard time.")
    is_preliminary = models.BooleanField(
        help_text="Partial report (VALID … AS OF): a lower bound, never the day's value."
    )
    is_correction = models.BooleanField(default=False, help_text="Marked as a correction.")
    note = models.TextField(blank=True, help_text="The operator's reason for a manual one.")

    class Meta:
        ordering = ("-issued_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("station", "product_id", "climate_day"),
                name="weather_climate_report_once_per_product",
            ),
            models.CheckConstraint(
                name="weather_climate_report_known_after_issue",
                condition=Q(available_at__gte=F("issued_at")),
            ),
            models.CheckConstraint(
                name="weather_climate_report_max_is_plausible",
                condition=Q(max_f__isnull=True)
                | Q(max_f__gte=PLAUSIBLE_LOW_F, max_f__lte=PLAUSIBLE_HIGH_F),
            ),
        ]
        indexes = [
            models.Index(
                fields=("station", "climate_day", "available_at"), name="weather_report_as_of"
            ),
        ]

    def __str__(self) -> str:
        kind = "partial" if self.is_preliminary else "final"
        return f"CLI{self.station.cli_id} {self.climate_day} {self.max_f} °F ({kind})"


class DailySummary(Said):
    """A day in one line from a source other than the climate report; every issuance is kept.

    Daily summary messages come during the day (``valid_until``: a lower bound of the day's high)
    and after it; The Weather Company's daily value is what ladders settle on since 2026-08-14.
    """

    class Status(models.TextChoices):
        """How final the source calls it."""

        PARTIAL = "partial", "partial"
        PRELIMINARY = "preliminary", "preliminary"
        FINAL = "final", "final"
        REVISED = "revised", "revised"

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="daily_summaries", help_text="Where."
    )
    source = models.ForeignKey(
        ForecastSource, on_delete=models.PROTECT, related_name="daily_summaries", help_text="Who."
    )
    climate_day = models.DateField(help_text="Day in local standard time.")
    max_f = models.SmallIntegerField(null=True, blank=True, help_text="Maximum, whole °F.")
    max_time_lst = models.CharField(max_length=5, blank=True, help_text="HH:MM, standard time.")
    min_f = models.SmallIntegerField(null=True, blank=True, help_text="Minimum, whole °F.")
    min_time_lst = models.CharField(max_length=5, blank=True, help_text="HH:MM, standard time.")
    status = models.CharField(max_length=12, choices=Status.choices, help_text="How final it is.")
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text="End of the time it covers; empty = the whole day."
    )
    is_correction = models.BooleanField(default=False, help_text="Marked as a correction.")
    raw = models.TextField(blank=True, help_text="The message as sent.")

    class Meta:
        ordering = ("-issued_at", "-pk")
        verbose_name_plural = "daily summaries"
        constraints = [
            models.UniqueConstraint(
                fields=("station", "source", "climate_day", "issued_at", "is_correction", "status"),
                name="weather_daily_summary_once",
            ),
            models.CheckConstraint(
                name="weather_daily_summary_known_after_issue",
                condition=Q(available_at__gte=F("issued_at")),
            ),
            models.CheckConstraint(
                name="weather_daily_summary_max_is_plausible",
                condition=Q(max_f__isnull=True)
                | Q(max_f__gte=PLAUSIBLE_LOW_F, max_f__lte=PLAUSIBLE_HIGH_F),
            ),
        ]
        indexes = [
            models.Index(
                fields=("station", "climate_day", "available_at"), name="weather_summary_as_of"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source.code} {self.station.code} {self.climate_day} {self.max_f} °F"
