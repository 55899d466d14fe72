"""Stations and everything the outside has said about their climate days."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q

from boz.core.clock import standard_day, standard_day_bounds
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F


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
        help_text="Set by the jobs from the error streak.",
    )
    last_attempt_at = models.DateTimeField(null=True, blank=True, help_text="Last time asked.")
    last_success_at = models.DateTimeField(null=True, blank=True, help_text="Last good answer.")
    error_streak = models.PositiveIntegerField(default=0, help_text="Failures since then.")
    last_error = models.TextField(blank=True, help_text="Why the last attempt failed.")

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class Payload(models.Model):
    """A raw answer, kept once however often it was given."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="Hash of the body.")
    source = models.CharField(max_length=40, help_text="Who answered.")
    url = models.TextField(help_text="What was asked, without secrets.")
    content_type = models.CharField(max_length=120, blank=True, help_text="As declared.")
    body = models.BinaryField(help_text="The body, zlib-compressed.")
    received_at = models.DateTimeField(help_text="When it was first seen.")

    class Meta:
        ordering = ("-received_at",)

    def __str__(self) -> str:
        return f"{self.source} {self.sha256[:12]}"


class Forecast(models.Model):
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
    variables = models.JSONField(
        default=dict, blank=True, help_text="Further variables, as WeatherVariables."
    )
    model_run_at = models.DateTimeField(null=True, blank=True, help_text="Model cycle, if stated.")
    issued_at = models.DateTimeField(help_text="When the source issued it.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    fetched_at = models.DateTimeField(help_text="When we fetched it.")
    payload = models.ForeignKey(
        Payload, null=True, blank=True, on_delete=models.SET_NULL, help_text="The raw answer."
    )

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


class Observation(models.Model):
    """One report of a station; a temperature is the interval of whole °F it can mean."""

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="observations", help_text="Where."
    )
    source = models.ForeignKey(
        ForecastSource, on_delete=models.PROTECT, related_name="observations", help_text="Who."
    )
    kind = models.CharField(max_length=10, help_text="METAR or SPECI.")
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
    issued_at = models.DateTimeField(help_text="When the report was issued.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    fetched_at = models.DateTimeField(help_text="When we fetched it.")
    payload = models.ForeignKey(
        Payload, null=True, blank=True, on_delete=models.SET_NULL, help_text="The raw answer."
    )

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


class ClimateReport(models.Model):
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
    issued_at = models.DateTimeField(help_text="Issuance of this version.")
    available_at = models.DateTimeField(help_text="When we could first have known it.")
    fetched_at = models.DateTimeField(help_text="When we fetched it.")
    payload = models.ForeignKey(
        Payload, null=True, blank=True, on_delete=models.SET_NULL, help_text="The raw product."
    )

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
