"""Addresses of the markets part of the API."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from markets.api import views

router = SimpleRouter()
router.register("series", views.SeriesViewSet, basename="api-series")
router.register("events", views.EventViewSet, basename="api-event")
router.register("markets", views.MarketViewSet, basename="api-market")
router.register("quotes", views.QuoteViewSet, basename="api-quote")
router.register("books", views.BookSnapshotViewSet, basename="api-book")
router.register("market-trades", views.MarketTradeViewSet, basename="api-market-trade")
router.register("candles", views.CandlestickViewSet, basename="api-candle")
router.register("indicators", views.IndicatorViewSet, basename="api-indicator")
router.register("exchange-accounts", views.ExchangeAccountViewSet, basename="api-exchange-account")
router.register("fee-schedules", views.FeeScheduleViewSet, basename="api-fee-schedule")
router.register("exchange-statuses", views.ExchangeStatusViewSet, basename="api-exchange-status")
router.register("exchange-hours", views.ExchangeHoursViewSet, basename="api-exchange-hours")
router.register("maintenance", views.MaintenanceWindowViewSet, basename="api-maintenance")
router.register("market-history", views.MarketHistoryChunkViewSet, basename="api-market-history")
router.register("retention", views.RetentionMarkViewSet, basename="api-retention")

urlpatterns = router.urls
