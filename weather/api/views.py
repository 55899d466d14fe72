"""Read endpoints of the weather rows."""

from __future__ import annotations

from boz.core.api.viewsets import ReadViewSet
from weather.api.filters import ClimateReportFilter, ForecastFilter, ObservationFilter
from weather.api.serializers import (
    ClimateReportSerializer,
    ForecastSerializer,
    ForecastSourceSerializer,
    ObservationSerializer,
    PayloadSerializer,
    StationSerializer,
)
from weather.models import (
    ClimateReport,
    Forecast,
    ForecastSource,
    Observation,
    Payload,
    Station,
)


class StationViewSet(ReadViewSet):
    """Settlement stations."""

    queryset = Station.objects.all()
    serializer_class = StationSerializer
    filterset_fields = ("code", "icao", "is_active")
    ordering_fields = ("id", "code")


class ForecastSourceViewSet(ReadViewSet):
    """Outside sources and their health."""

    queryset = ForecastSource.objects.all()
    serializer_class = ForecastSourceSerializer
    filterset_fields = ("code", "status", "is_active")
    ordering_fields = ("id", "code", "error_streak")


class PayloadViewSet(ReadViewSet):
    """Where the raw answers came from."""

    queryset = Payload.objects.defer("body")
    serializer_class = PayloadSerializer
    filterset_fields = ("source", "sha256")
    ordering_fields = ("id", "received_at")


class ForecastViewSet(ReadViewSet):
    """Forecast highs, every issuance."""

    queryset = Forecast.objects.select_related("station", "source")
    serializer_class = ForecastSerializer
    filterset_class = ForecastFilter
    ordering_fields = ("id", "climate_day", "issued_at", "available_at")


class ObservationViewSet(ReadViewSet):
    """Reports of the stations."""

    queryset = Observation.objects.select_related("station", "source")
    serializer_class = ObservationSerializer
    filterset_class = ObservationFilter
    ordering_fields = ("id", "observed_at", "available_at")


class ClimateReportViewSet(ReadViewSet):
    """Daily climate reports, every issuance."""

    queryset = ClimateReport.objects.select_related("station", "source")
    serializer_class = ClimateReportSerializer
    filterset_class = ClimateReportFilter
    ordering_fields = ("id", "climate_day", "issued_at", "available_at")
