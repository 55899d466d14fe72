"""Read endpoints of beliefs and their scores."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from boz.core.api.serializers import ErrorSerializer
from boz.core.api.viewsets import ReadViewSet
from boz.core.schemas import BracketPrediction
from prediction import selectors
from prediction.api import filters, serializers
from prediction.models import Champion, EngineBelief, EngineFit, Prediction, Verification


class EngineFitViewSet(ReadViewSet):
    """What the engines learned."""

    queryset = EngineFit.objects.select_related("station")
    serializer_class = serializers.EngineFitSerializer
    filterset_class = filters.EngineFitFilter
    ordering_fields = ("id", "as_of", "engine", "version")


class ChampionViewSet(ReadViewSet):
    """Which engine's belief counted from when on."""

    queryset = Champion.objects.select_related("chosen_by")
    serializer_class = serializers.ChampionSerializer
    filterset_class = filters.ChampionFilter
    ordering_fields = ("id", "since")


class PredictionViewSet(ReadViewSet):
    """What we believed, as of when."""

    queryset = Prediction.objects.select_related("station")
    serializer_class = serializers.PredictionSerializer
    filterset_class = filters.PredictionFilter
    ordering_fields = ("id", "as_of", "climate_day")

    @extend_schema(
        responses={
            200: BracketPrediction,
            404: OpenApiResponse(
                ErrorSerializer, description="There is no such prediction, or no proven ladder."
            ),
        }
    )
    @action(detail=True, methods=["get"], filter_backends=[], pagination_class=None)
    def ladder(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the probability of each bracket that is traded on that station and day."""
        told = selectors.ladder_prediction(self.get_object())
        return Response(told.model_dump(mode="json"))


class EngineBeliefViewSet(ReadViewSet):
    """What each engine alone believed."""

    queryset = EngineBelief.objects.select_related("prediction__station").defer(
        "prediction__pmf", "prediction__pooled_pmf"
    )
    serializer_class = serializers.EngineBeliefSerializer
    filterset_class = filters.EngineBeliefFilter
    ordering_fields = ("id", "engine")


class VerificationViewSet(ReadViewSet):
    """How good the beliefs were."""

    queryset = Verification.objects.select_related("prediction__station", "event").defer(
        "prediction__pmf", "prediction__pooled_pmf"
    )
    serializer_class = serializers.VerificationSerializer
    filterset_class = filters.VerificationFilter
    ordering_fields = ("id", "verified_at", "brier", "crps_f")
