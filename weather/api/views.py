"""Read endpoints of the weather rows."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from boz.core.api.serializers import ErrorSerializer
from boz.core.api.viewsets import ReadViewSet
from boz.core.clock import utc_now
from weather import selectors
from weather.api.filters import (
    ClimateReportFilter,
    DailySummaryFilter,
    ForecastFilter,
    HistoryChunkFilter,
    ObservationFilter,
    RefusalFilter,
    SourceContactFilter,
)
from weather.api.serializers import (
    ClimateDayQuerySerializer,
    ClimateReportSerializer,
    DailySummarySerializer,
    ForecastSerializer,
    ForecastSourceSerializer,
    HistoryChunkSerializer,
    ObservationSerializer,
    PayloadSerializer,
    RefusalSerializer,
    SourceContactSerializer,
    StationSerializer,
    WeatherDataList,
)
from weather.models import (
    ClimateReport,
    DailySummary,
    Forecast,
    ForecastSource,
    HistoryChunk,
    Observation,
    Payload,
    Refusal,
    SourceContact,
    Station,
)


class StationViewSet(ReadViewSet):
    """Settlement stations."""

    queryset = Station.objects.all()
    serializer_class = StationSerializer
    filterset_fields = ("code", "icao", "is_active")
    ordering_fields = ("id", "code")

    @extend_schema(
        parameters=[ClimateDayQuerySerializer],
        responses={
            200: WeatherDataList,
            400: OpenApiResponse(ErrorSerializer, description="The day is no date."),
            404: OpenApiResponse(ErrorSerializer, description="There is no such station."),
        },
    )
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def weather(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return what each source last said about a climate day, as known now."""
        station, now = self.get_object(), utc_now()
        query = ClimateDayQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        day = query.validated_data.get("day", station.climate_day(now))
        told = selectors.weather_data(station=station, climate_day=day, as_of=now)
        return Response(WeatherDataList(told).model_dump(mode="json"))


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


class DailySummaryViewSet(ReadViewSet):
    """Daily summary messages and The Weather Company's daily values, every issuance."""

    queryset = DailySummary.objects.select_related("station", "source")
    serializer_class = DailySummarySerializer
    filterset_class = DailySummaryFilter
    ordering_fields = ("id", "climate_day", "issued_at", "available_at")


class SourceContactViewSet(ReadViewSet):
    """What each run of a job made of a source."""

    queryset = SourceContact.objects.select_related("source")
    serializer_class = SourceContactSerializer
    filterset_class = SourceContactFilter
    ordering_fields = ("id", "at")


class RefusalViewSet(ReadViewSet):
    """What sources said that cannot be used, with the reasons."""

    queryset = Refusal.objects.select_related("source", "station")
    serializer_class = RefusalSerializer
    filterset_class = RefusalFilter
    ordering_fields = ("id", "first_seen_at", "last_seen_at", "times")


class HistoryChunkViewSet(ReadViewSet):
    """What has been fetched of the past."""

    queryset = HistoryChunk.objects.select_related("station", "source")
    serializer_class = HistoryChunkSerializer
    filterset_class = HistoryChunkFilter
    ordering_fields = ("id", "first_day", "last_day", "finished_at")
