"""Filters by station, source, climate day and the moment of knowing."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from boz.core.api.filters import ClimateDayFilterSet
from weather.models import (
    ClimateReport,
    DailySummary,
    Forecast,
    HistoryChunk,
    Observation,
    Refusal,
    SourceContact,
)
from weather.models.said import SaidQuerySet


class SaidFilterSet(filters.FilterSet):
    """Filters for rows from outside, which are known from a moment on and may be withdrawn."""

    station = filters.CharFilter(field_name="station__code")
    source = filters.CharFilter(field_name="source__code")
    known_at = filters.IsoDateTimeFilter(
        method="filter_known", help_text="Only what was known then and not withdrawn by then."
    )
    is_withdrawn = filters.BooleanFilter(
        field_name="withdrawn_at",
        lookup_expr="isnull",
        exclude=True,
        help_text="Only rows that an operator withdrew, or only those that count.",
    )

    def filter_known(self, rows: SaidQuerySet, name: str, moment: dt.datetime) -> QuerySet:
        """Keep what a read as of the moment sees."""
        return rows.known(moment)


class ForecastFilter(SaidFilterSet, ClimateDayFilterSet):
    """Forecasts known at a moment, for a station and days."""

    model_run_from = filters.IsoDateTimeFilter(field_name="model_run_at", lookup_expr="gte")
    model_run_to = filters.IsoDateTimeFilter(field_name="model_run_at", lookup_expr="lte")

    class Meta:
        model = Forecast
        fields = ()


class ObservationFilter(SaidFilterSet):
    """Observations of a station in a span of time."""

    observed_from = filters.IsoDateTimeFilter(field_name="observed_at", lookup_expr="gte")
    observed_to = filters.IsoDateTimeFilter(field_name="observed_at", lookup_expr="lte")

    class Meta:
        model = Observation
        fields = ("kind",)


class ClimateReportFilter(SaidFilterSet, ClimateDayFilterSet):
    """Issuances for a station and days."""

    class Meta:
        model = ClimateReport
        fields = ("is_preliminary", "is_correction")


class DailySummaryFilter(SaidFilterSet, ClimateDayFilterSet):
    """Daily summaries for a station and days."""

    class Meta:
        model = DailySummary
        fields = ("status", "is_correction")


class SourceContactFilter(filters.FilterSet):
    """Accounts of a source in a span of time."""

    source = filters.CharFilter(field_name="source__code")
    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")

    class Meta:
        model = SourceContact
        fields = ()


class RefusalFilter(filters.FilterSet):
    """Refusals by source, station and time."""

    source = filters.CharFilter(field_name="source__code")
    station = filters.CharFilter(field_name="station__code")
    seen_from = filters.IsoDateTimeFilter(field_name="last_seen_at", lookup_expr="gte")
    seen_to = filters.IsoDateTimeFilter(field_name="last_seen_at", lookup_expr="lte")

    class Meta:
        model = Refusal
        fields = ()


class HistoryChunkFilter(filters.FilterSet):
    """Fetched parts of the past by source, station and days."""

    source = filters.CharFilter(field_name="source__code")
    station = filters.CharFilter(field_name="station__code")
    days_from = filters.DateFilter(field_name="last_day", lookup_expr="gte")
    days_to = filters.DateFilter(field_name="first_day", lookup_expr="lte")

    class Meta:
        model = HistoryChunk
        fields = ()
