"""Filters by station, engine, horizon, climate day and moment."""

from __future__ import annotations

from django_filters import rest_framework as filters

from boz.core.api.filters import ClimateDayFilterSet
from prediction.models import Champion, EngineBelief, EngineFit, Prediction, Verification


class EngineFitFilter(filters.FilterSet):
    """Fits of an engine or station, withdrawn or not."""

    station = filters.CharFilter(field_name="station__code")
    is_withdrawn = filters.BooleanFilter(
        field_name="withdrawn_at", lookup_expr="isnull", exclude=True
    )

    class Meta:
        model = EngineFit
        fields = ("engine", "version")


class ChampionFilter(filters.FilterSet):
    """Choices of an engine."""

    class Meta:
        model = Champion
        fields = ("engine",)


class PredictionFilter(ClimateDayFilterSet):
    """Predictions for a station and days, made in a span of time."""

    station = filters.CharFilter(field_name="station__code")
    as_of_from = filters.IsoDateTimeFilter(field_name="as_of", lookup_expr="gte")
    as_of_to = filters.IsoDateTimeFilter(field_name="as_of", lookup_expr="lte")

    class Meta:
        model = Prediction
        fields = ("engine", "horizon", "confidence")


class EngineBeliefFilter(filters.FilterSet):
    """Beliefs of an engine, beside one prediction or for a station and days."""

    station = filters.CharFilter(field_name="prediction__station__code")
    horizon = filters.CharFilter(field_name="prediction__horizon")
    climate_day = filters.DateFilter(field_name="prediction__climate_day")
    climate_day_from = filters.DateFilter(field_name="prediction__climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="prediction__climate_day", lookup_expr="lte")

    class Meta:
        model = EngineBelief
        fields = ("engine", "prediction")


class VerificationFilter(filters.FilterSet):
    """Scores of an engine and horizon, for a station, event or days."""

    station = filters.CharFilter(field_name="prediction__station__code")
    event = filters.CharFilter(field_name="event__ticker")
    climate_day = filters.DateFilter(field_name="prediction__climate_day")
    climate_day_from = filters.DateFilter(field_name="prediction__climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="prediction__climate_day", lookup_expr="lte")

    class Meta:
        model = Verification
        fields = ("engine", "horizon")
