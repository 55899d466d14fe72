"""Filters by ticker, station, climate day and time."""

from __future__ import annotations

from django_filters import rest_framework as filters

from boz.core.api.filters import ClimateDayFilterSet
from markets.models import (
    BookSnapshot,
    Candlestick,
    Event,
    FeeSchedule,
    Indicator,
    Market,
    MarketHistoryChunk,
    MarketTrade,
    Quote,
    Series,
)


class SeriesFilter(filters.FilterSet):
    """Series of a station."""

    station = filters.CharFilter(field_name="station__code")

    class Meta:
        model = Series
        fields = ("ticker", "is_active")


class EventFilter(ClimateDayFilterSet):
    """Events of a series or station, by days and status."""

    series = filters.CharFilter(field_name="series__ticker")
    station = filters.CharFilter(field_name="series__station__code")

    class Meta:
        model = Event
        fields = ("ticker", "status")


class MarketFilter(filters.FilterSet):
    """Brackets of an event, station or days."""

    event = filters.CharFilter(field_name="event__ticker")
    station = filters.CharFilter(field_name="event__series__station__code")
    climate_day = filters.DateFilter(field_name="event__climate_day")
    climate_day_from = filters.DateFilter(field_name="event__climate_day", lookup_expr="gte")
    climate_day_to = filters.DateFilter(field_name="event__climate_day", lookup_expr="lte")

    class Meta:
        model = Market
        fields = ("ticker", "status", "result", "strike_type")


class OfMarketFilterSet(filters.FilterSet):
    """Filters for rows that belong to one market."""

    market = filters.CharFilter(field_name="market__ticker")
    event = filters.CharFilter(field_name="market__event__ticker")


class QuoteFilter(OfMarketFilterSet):
    """Quotes in a span of time, or known at a moment."""

    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")
    known_at = filters.IsoDateTimeFilter(
        field_name="available_at", lookup_expr="lte", help_text="Only what was known then."
    )

    class Meta:
        model = Quote
        fields = ("origin",)


class BookSnapshotFilter(OfMarketFilterSet):
    """Books in a span of time, or known at a moment."""

    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")
    known_at = filters.IsoDateTimeFilter(
        field_name="available_at", lookup_expr="lte", help_text="Only what was known then."
    )

    class Meta:
        model = BookSnapshot
        fields = ("derived_from",)


class MarketTradeFilter(OfMarketFilterSet):
    """Public trades in a span of time."""

    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")

    class Meta:
        model = MarketTrade
        fields = ("taker_side",)


class CandlestickFilter(OfMarketFilterSet):
    """Candles of a period in a span of time."""

    end_from = filters.IsoDateTimeFilter(field_name="end_at", lookup_expr="gte")
    end_to = filters.IsoDateTimeFilter(field_name="end_at", lookup_expr="lte")

    class Meta:
        model = Candlestick
        fields = ("period_minutes",)


class IndicatorFilter(OfMarketFilterSet):
    """Indicators by name and time."""

    at_from = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at_to = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lte")

    class Meta:
        model = Indicator
        fields = ("name",)


class FeeScheduleFilter(filters.FilterSet):
    """Fees of a series or event."""

    series = filters.CharFilter(field_name="series__ticker")
    event = filters.CharFilter(field_name="event__ticker")

    class Meta:
        model = FeeSchedule
        fields = ("fee_type",)


class MarketHistoryChunkFilter(filters.FilterSet):
    """What was fetched of an event."""

    event = filters.CharFilter(field_name="event__ticker")

    class Meta:
        model = MarketHistoryChunk
        fields = ("kind",)
