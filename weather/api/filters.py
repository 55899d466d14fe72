"""Filters by station, source, climate day and the moment of knowing."""

from __future__ import annotations

from django_filters import rest_framework as filters

from boz.core.api.filters import ClimateDayFilterSet
from weather.models import ClimateReport, Forecast, Observation


class ForecastFilter(ClimateDayFilterSet):
    """Forecasts known at a moment, for a station and days."""

    station = filters.CharFilter(field_name="station__code")
    source = filters.CharFilter(field_name="source__code")
    known_at = filters.IsoDateTimeFilter(
        field_name="available_at", lookup_expr="lte", help_text="Only what was known then."
    )

    class Meta:
        model = Forecast
        fields = ()


class ObservationFilter(filters.FilterSet):
    """Observations of a station in a span of time."""

    station = filters.CharFilter(field_name="station__code")
    source = filters.CharFilter(field_name="source__code")
    observed_from = filters.IsoDateTimeFilter(field_name="observed_at", lookup_expr="gte")
    observed_to = filters.IsoDateTimeFilter(field_name="observed_at", lookup_expr="lte")
    known_at = filters.IsoDateTimeFilter(
        field_name="available_at", lookup_expr="lte", help_text="Only what was known then."
    )

    class Meta:
        model = Observation
        fields = ("kind",)


class ClimateReportFilter(ClimateDayFilterSet):
    """Issuances for a station and days."""

    station = filters.CharFilter(field_name="station__code")
    source = filters.CharFilter(field_name="source__code")
    known_at = filters.IsoDateTimeFilter(
        field_name="available_at", lookup_expr="lte", help_text="Only what was known then."
    )

    class Meta:
        model = ClimateReport
        fields = ("is_preliminary", "is_correction")
