"""Where the official highs are measured."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Q

from boz.core.clock import standard_day, standard_day_bounds


class Station(models.Model):
    """A settlement station: where a city's official high is measured."""

    code = models.CharField(max_length=8, unique=True, help_text="Our short city code, e.g. NY.")
    name = models.CharField(max_length=80, help_text="City and site as people say it.")
    icao = models.CharField(max_length=4, unique=True, help_text="Station of the observations.")
    cli_id = models.CharField(
        max_length=3, unique=True, help_text="Site code of the climate report, e.g. NYC of CLINYC."
    )
    cli_headline = models.CharField(
        max_length=80, help_text="Station name in the report's headline; both must match."
    )
    wfo = models.CharField(max_length=3, help_text="Forecast office, e.g. OKX.")
    latitude = models.FloatField(help_text="Degrees north.")
    longitude = models.FloatField(help_text="Degrees east, negative in the US.")
    elevation_m = models.FloatField(help_text="Metres above sea level.")
    timezone = models.CharField(max_length=40, help_text="IANA zone, for wall-clock display only.")
    standard_offset_hours = models.SmallIntegerField(
        help_text="Hours from UTC of local standard time, all year: -5 for New York."
    )
    grid_id = models.CharField(max_length=3, blank=True, help_text="NWS grid office, resolved.")
    grid_x = models.PositiveSmallIntegerField(null=True, blank=True, help_text="NWS grid column.")
    grid_y = models.PositiveSmallIntegerField(null=True, blank=True, help_text="NWS grid row.")
    grid_resolved_at = models.DateTimeField(
        null=True, blank=True, help_text="When the grid point was last asked for; daily."
    )
    is_active = models.BooleanField(default=False, help_text="Whether jobs work on this station.")

    class Meta:
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(
                name="weather_station_offset_is_american",
                condition=Q(standard_offset_hours__gte=-11, standard_offset_hours__lte=-4),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.icao})"

    @property
    def standard_offset(self) -> dt.timedelta:
        """Return the fixed offset of local standard time from UTC."""
        return dt.timedelta(hours=self.standard_offset_hours)

    def climate_day(self, moment: dt.datetime) -> dt.date:
        """Return the climate day on which ``moment`` falls."""
        return standard_day(moment, offset=self.standard_offset)

    def climate_day_bounds(self, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """Return start (inclusive) and end (exclusive) of a climate day, in UTC."""
        return standard_day_bounds(day, offset=self.standard_offset)
