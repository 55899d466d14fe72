"""Shapes of stations and of what the outside said about their climate days."""

from __future__ import annotations

from pydantic import RootModel
from rest_framework import serializers

from boz.core.api.fields import natural_key
from boz.core.schemas import WeatherData
from weather.models import (
    ClimateReport,
    Forecast,
    ForecastSource,
    Observation,
    Payload,
    Station,
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
            "last_attempt_at",
            "last_success_at",
            "error_streak",
            "last_error",
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

    class Meta:
        model = Forecast
        fields = (
            "id",
            "station",
            "source",
            "climate_day",
            "high_f",
            "member_highs_f",
            "variables",
            "model_run_at",
            "issued_at",
            "available_at",
            "fetched_at",
            "payload",
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
            "issued_at",
            "available_at",
            "fetched_at",
            "payload",
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
            "issued_at",
            "available_at",
            "fetched_at",
            "payload",
        )
