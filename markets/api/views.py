"""Read endpoints of the exchange's rows."""

from __future__ import annotations

from boz.core.api.viewsets import ReadViewSet, StaffReadViewSet
from markets.api import filters, serializers
from markets.models import (
    BookSnapshot,
    Candlestick,
    Event,
    ExchangeAccount,
    FeeSchedule,
    Indicator,
    Market,
    MarketTrade,
    Quote,
    Series,
)


class SeriesViewSet(ReadViewSet):
    """Series of daily-high markets."""

    queryset = Series.objects.select_related("station")
    serializer_class = serializers.SeriesSerializer
    filterset_class = filters.SeriesFilter
    ordering_fields = ("id", "ticker")


class EventViewSet(ReadViewSet):
    """Events: one city on one climate day."""

    queryset = Event.objects.select_related("series__station")
    serializer_class = serializers.EventSerializer
    filterset_class = filters.EventFilter
    ordering_fields = ("id", "climate_day", "ticker")


class MarketViewSet(ReadViewSet):
    """Markets: the brackets of the events."""

    queryset = Market.objects.select_related("event")
    serializer_class = serializers.MarketSerializer
    filterset_class = filters.MarketFilter
    ordering_fields = ("id", "ticker", "close_time")


class QuoteViewSet(ReadViewSet):
    """Best prices."""

    queryset = Quote.objects.select_related("market")
    serializer_class = serializers.QuoteSerializer
    filterset_class = filters.QuoteFilter
    ordering_fields = ("id", "at", "available_at")


class BookSnapshotViewSet(ReadViewSet):
    """Order books."""

    queryset = BookSnapshot.objects.select_related("market")
    serializer_class = serializers.BookSnapshotSerializer
    filterset_class = filters.BookSnapshotFilter
    ordering_fields = ("id", "at", "available_at")


class MarketTradeViewSet(ReadViewSet):
    """Public trades."""

    queryset = MarketTrade.objects.select_related("market")
    serializer_class = serializers.MarketTradeSerializer
    filterset_class = filters.MarketTradeFilter
    ordering_fields = ("id", "at")


class CandlestickViewSet(ReadViewSet):
    """Candles of the contracts."""

    queryset = Candlestick.objects.select_related("market")
    serializer_class = serializers.CandlestickSerializer
    filterset_class = filters.CandlestickFilter
    ordering_fields = ("id", "end_at")


class IndicatorViewSet(ReadViewSet):
    """Numbers computed from candles."""

    queryset = Indicator.objects.select_related("market")
    serializer_class = serializers.IndicatorSerializer
    filterset_class = filters.IndicatorFilter
    ordering_fields = ("id", "at", "name")


class ExchangeAccountViewSet(StaffReadViewSet):
    """Exchange accounts, without their keys; staff only."""

    queryset = ExchangeAccount.objects.defer("encrypted_private_key", "encrypted_previous_key")
    serializer_class = serializers.ExchangeAccountSerializer
    filterset_fields = ("environment", "is_active")
    ordering_fields = ("id", "name", "created_at")


class FeeScheduleViewSet(ReadViewSet):
    """Fees in force."""

    queryset = FeeSchedule.objects.select_related("series", "event")
    serializer_class = serializers.FeeScheduleSerializer
    filterset_class = filters.FeeScheduleFilter
    ordering_fields = ("id", "effective_from", "available_at")
