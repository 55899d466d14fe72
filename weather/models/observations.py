"""What stations report."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from weather.models.said import Said
from weather.models.sources import ForecastSource
from weather.models.stations import Station


class Observation(Said):
    """One report of a station; a temperature is the interval of whole °F it can mean."""

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="observations", help_text="Where."
    )
    source = models.ForeignKey(
        ForecastSource, on_delete=models.PROTECT, related_name="observations", help_text="Who."
    )
    kind = models.CharField(
        max_length=12, help_text="METAR, SPECI or 5-MINUTE; COR marks a correction."
    )
    observed_at = models.DateTimeField(help_text="Time of the observation.")
    temp_low_f = models.SmallIntegerField(help_text="Lowest whole °F the report can mean.")
    temp_high_f = models.SmallIntegerField(help_text="Highest whole °F the report can mean.")
    max_6h_f = models.SmallIntegerField(
        null=True, blank=True, help_text="6-hour maximum group, exact whole °F."
    )
    max_24h_f = models.SmallIntegerField(
        null=True, blank=True, help_text="24-hour maximum group, exact whole °F."
    )
    raw = models.TextField(blank=True, help_text="The report as sent.")

    class Meta:
        ordering = ("-observed_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("station", "source", "observed_at", "kind"),
                name="weather_observation_once",
            ),
            models.CheckConstraint(
                name="weather_observation_interval_is_ordered",
                condition=Q(temp_low_f__lte=F("temp_high_f")),
            ),
            models.CheckConstraint(
                name="weather_observation_is_plausible",
                condition=Q(temp_low_f__gte=PLAUSIBLE_LOW_F, temp_high_f__lte=PLAUSIBLE_HIGH_F),
            ),
            models.CheckConstraint(
                name="weather_observation_known_after_issue",
                condition=Q(available_at__gte=F("issued_at")),
            ),
        ]
        indexes = [
            models.Index(fields=("station", "available_at"), name="weather_observation_as_of"),
        ]

    def __str__(self) -> str:
        return f"{self.station.icao} {self.observed_at:%Y-%m-%d %H:%M}Z {self.temp_low_f} °F"
