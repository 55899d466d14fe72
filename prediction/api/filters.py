"""Filters by station, engine, climate day and moment."""

from __future__ import annotations

from django_filters import rest_framework as filters

from boz.core.api.filters import ClimateDayFilterSet
from prediction.models import EngineFit, Prediction, Verification


class EngineFitFilter(filters.FilterSet):
    """Fits of an engine or station."""

    station = filters.CharFilter(field_name="station__code")

    class Meta:
        model = EngineFit
        fields = ("engine", "version")


class PredictionFilter(ClimateDayFilterSet):
    """Predictions for a station and days, made in a span of time."""

    station = filters.CharFilter(field_name="station__code")
    as_of_from = filters.IsoDateTimeFilter(field_name="as_of", lookup_expr="gte")
    as_of_to = filters.IsoDateTimeFilter(field_name="as_of", lookup_expr="lte")

    class Meta:
        model = Prediction
        fields = ("engine", "confidence")


class VerificationFilter(filters.FilterSet):
    """Scores for a station, event or days."""

    station = filters.CharFilter(field_name="prediction__station__code")
    engine = filters.CharFilter(field_name="prediction__engine")
    event = filters.CharFilter(field_name="event__ticker")
    climate_day = filters.DateFilter(field_name="prediction__climate_day")
    climate_day_from = filters.DateFilter(field_name="prediction__climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="prediction__climate_day", lookup_expr="lte")

    class Meta:
        model = Verification
        fields = ()
