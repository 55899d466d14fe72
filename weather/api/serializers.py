"""Shapes of stations and of what the outside said about their climate days."""

from __future__ import annotations

from pydantic import RootModel
from rest_framework import serializers

from boz.core.api.fields import natural_key
from boz.core.schemas import WeatherData
from weather.models import (
    ClimateReport,
    DailySummary,
    Forecast,
    ForecastSource,
    HistoryChunk,
    Observation,
    Payload,
    Refusal,
    SourceContact,
    Station,
)

#: What every row from outside has at its end.
SAID_FIELDS = (
    "issued_at",
    "available_at",
    "fetched_at",
    "payload",
    "withdrawn_at",
    "withdrawn_because",
)


class ClimateDayQuerySerializer(serializers.Serializer):
    """Which day is asked about."""

    day = serializers.DateField(
        required=False, help_text="Day in the station's standard time; today's when left out."
    )


class WeatherDataList(RootModel[list[WeatherData]]):
    """What each source last said about one climate day, in the order of the sources' codes."""


class StationSerializer(serializers.ModelSerializer):
    """A settlement station."""

    class Meta:
        model = Station
        fields = (
            "id",
            "code",
            "name",
            "icao",
            "cli_id",
            "cli_headline",
            "wfo",
            "latitude",
            "longitude",
            "elevation_m",
            "timezone",
            "standard_offset_hours",
            "grid_id",
            "grid_x",
            "grid_y",
            "grid_resolved_at",
            "is_active",
        )


class ForecastSourceSerializer(serializers.ModelSerializer):
    """A source and its health."""

    class Meta:
        model = ForecastSource
        fields = (
            "id",
            "code",
            "name",
            "is_active",
            "status",
            "status_reason",
            "paused_until",
            "last_attempt_at",
            "last_success_at",
            "error_streak",
            "last_error",
            "newest_issue_at",
            "lag_minutes",
            "null_share",
        )


class PayloadSerializer(serializers.ModelSerializer):
    """Where a raw answer came from; the body itself stays in the database."""

    class Meta:
        model = Payload
        fields = ("id", "sha256", "source", "url", "content_type", "received_at")


class ForecastSerializer(serializers.ModelSerializer):
    """A source's high for one climate day, as it was issued."""

    station = natural_key("code")
    source = natural_key("code")
    member_highs_f = serializers.ListField(
        child=serializers.FloatField(),
        read_only=True,
        help_text="Ensemble members' maxima, degrees Fahrenheit.",
    )
    quantiles_f = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        read_only=True,
        help_text="Pairs of probability and temperature, °F, where the source states them.",
    )

    class Meta:
        model = Forecast
        fields = (
            "id",
            "station",
            "source",
            "climate_day",
            "high_f",
            "member_highs_f",
            "sd_f",
            "quantiles_f",
            "variables",
            "model_run_at",
            *SAID_FIELDS,
        )


class ObservationSerializer(serializers.ModelSerializer):
    """One report of a station."""

    station = natural_key("code")
    source = natural_key("code")

    class Meta:
        model = Observation
        fields = (
            "id",
            "station",
            "source",
            "kind",
            "observed_at",
            "temp_low_f",
            "temp_high_f",
            "max_6h_f",
            "max_24h_f",
            "raw",
            *SAID_FIELDS,
        )


class ClimateReportSerializer(serializers.ModelSerializer):
    """One issuance of the daily climate report."""

    station = natural_key("code")
    source = natural_key("code")

    class Meta:
        model = ClimateReport
        fields = (
            "id",
            "station",
            "source",
            "product_id",
            "climate_day",
            "max_f",
            "max_time_lst",
            "max_is_record",
            "max_is_estimated",
            "min_f",
            "min_time_lst",
            "is_preliminary",
            "is_correction",
            "note",
            *SAID_FIELDS,
        )


class DailySummarySerializer(serializers.ModelSerializer):
    """A day in one line from a source other than the climate report."""

    station = natural_key("code")
    source = natural_key("code")

    class Meta:
        model = DailySummary
        fields = (
            "id",
            "station",
            "source",
            "climate_day",
            "max_f",
            "max_time_lst",
            "min_f",
            "min_time_lst",
            "status",
            "valid_until",
            "is_correction",
            "raw",
            *SAID_FIELDS,
        )


class SourceContactSerializer(serializers.ModelSerializer):
    """One run's account of a source."""

    source = natural_key("code")
    answered = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Codes of the stations for which a good answer came.",
    )

    class Meta:
        model = SourceContact
        fields = (
            "id",
            "source",
            "at",
            "answered",
            "rows",
            "values_seen",
            "values_missing",
            "problems",
        )


class RefusalSerializer(serializers.ModelSerializer):
    """Something a source said that cannot be used."""

    source = natural_key("code")
    station = natural_key("code", allow_null=True)

    class Meta:
        model = Refusal
        fields = (
            "id",
            "source",
            "station",
            "subject",
            "reason",
            "context",
            "payload",
            "first_seen_at",
            "last_seen_at",
            "times",
        )


class HistoryChunkSerializer(serializers.ModelSerializer):
    """Days of one station from one source that have been fetched."""

    station = natural_key("code")
    source = natural_key("code")

    class Meta:
        model = HistoryChunk
        fields = (
            "id",
            "station",
            "source",
            "first_day",
            "last_day",
            "rows",
            "problems",
            "finished_at",
        )
