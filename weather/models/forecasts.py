"""What sources say a climate day will be."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from weather.models.said import Said
from weather.models.sources import ForecastSource
from weather.models.stations import Station


class Forecast(Said):
    """A source's high for one climate day, as it was issued; every issuance is kept."""

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="forecasts", help_text="Where."
    )
    source = models.ForeignKey(
        ForecastSource, on_delete=models.PROTECT, related_name="forecasts", help_text="Who said it."
    )
    climate_day = models.DateField(help_text="Day in local standard time.")
    high_f = models.FloatField(help_text="Forecast maximum, degrees Fahrenheit.")
    member_highs_f = models.JSONField(
        default=list, blank=True, help_text="Ensemble members' maxima, degrees Fahrenheit."
    )
    sd_f = models.FloatField(
        null=True, blank=True, help_text="Standard deviation the source states, °F."
    )
    quantiles_f = models.JSONField(
        default=list,
        blank=True,
        help_text="Pairs of probability and temperature, °F, where the source states them.",
    )
    variables = models.JSONField(
        default=dict, blank=True, help_text="Further variables, as WeatherVariables."
    )
    model_run_at = models.DateTimeField(null=True, blank=True, help_text="Model cycle, if stated.")

    class Meta:
        ordering = ("-available_at", "station", "climate_day")
        constraints = [
            models.UniqueConstraint(
                fields=("station", "source", "climate_day", "issued_at"),
                name="weather_forecast_once_per_issue",
            ),
            models.CheckConstraint(
                name="weather_forecast_high_is_plausible",
                condition=Q(high_f__gte=PLAUSIBLE_LOW_F, high_f__lte=PLAUSIBLE_HIGH_F),
            ),
            models.CheckConstraint(
                name="weather_forecast_spread_is_positive",
                condition=Q(sd_f__isnull=True) | Q(sd_f__gte=0),
            ),
            models.CheckConstraint(
                name="weather_forecast_known_after_issue",
                condition=Q(available_at__gte=F("issued_at")),
            ),
        ]
        indexes = [
            models.Index(
                fields=("station", "climate_day", "available_at"), name="weather_forecast_as_of"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station.code} {self.climate_day} {self.high_f:.1f} °F ({self.source.code})"
