"""Read endpoints of the exchange's rows."""

from __future__ import annotations

from boz.core.api.viewsets import ReadViewSet, StaffReadViewSet
from markets.api import filters, serializers
from markets.models import (
    BookSnapshot,
    Candlestick,
    Event,
    ExchangeAccount,
    ExchangeHours,
    ExchangeStatus,
    FeeSchedule,
    Indicator,
    MaintenanceWindow,
    Market,
    MarketHistoryChunk,
    MarketTrade,
    Quote,
    RetentionMark,
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


class ExchangeStatusViewSet(ReadViewSet):
    """What the exchange said of itself."""

    queryset = ExchangeStatus.objects.all()
    serializer_class = serializers.ExchangeStatusSerializer
    filterset_fields = ("is_exchange_active", "is_trading_active")
    ordering_fields = ("id", "read_at")


class ExchangeHoursViewSet(ReadViewSet):
    """Weekly hours of the exchange."""

    queryset = ExchangeHours.objects.all()
    serializer_class = serializers.ExchangeHoursSerializer
    filterset_fields = ("available_at",)
    ordering_fields = ("id", "available_at")


class MaintenanceWindowViewSet(ReadViewSet):
    """Announced times without trading."""

    queryset = MaintenanceWindow.objects.all()
    serializer_class = serializers.MaintenanceWindowSerializer
    filterset_fields = ("start_at",)
    ordering_fields = ("id", "start_at")


class MarketHistoryChunkViewSet(ReadViewSet):
    """What was fetched of the past."""

    queryset = MarketHistoryChunk.objects.select_related("event")
    serializer_class = serializers.MarketHistoryChunkSerializer
    filterset_class = filters.MarketHistoryChunkFilter
    ordering_fields = ("id", "finished_at")


class RetentionMarkViewSet(ReadViewSet):
    """How far old rows were thinned out."""

    queryset = RetentionMark.objects.all()
    serializer_class = serializers.RetentionMarkSerializer
    filterset_fields = ("rule",)
    ordering_fields = ("id", "rule")
