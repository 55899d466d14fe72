"""Addresses of the weather part of the API."""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from weather.api import views

router = SimpleRouter()
router.register("stations", views.StationViewSet, basename="api-station")
router.register("forecast-sources", views.ForecastSourceViewSet, basename="api-forecast-source")
router.register("payloads", views.PayloadViewSet, basename="api-payload")
router.register("forecasts", views.ForecastViewSet, basename="api-forecast")
router.register("observations", views.ObservationViewSet, basename="api-observation")
router.register("climate-reports", views.ClimateReportViewSet, basename="api-climate-report")
router.register("daily-summaries", views.DailySummaryViewSet, basename="api-daily-summary")
router.register("source-contacts", views.SourceContactViewSet, basename="api-source-contact")
router.register("refusals", views.RefusalViewSet, basename="api-refusal")
router.register("history-chunks", views.HistoryChunkViewSet, basename="api-history-chunk")

urlpatterns = router.urls
