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
from prediction.models import EngineFit, Prediction, Verification


class EngineFitViewSet(ReadViewSet):
    """What the engines learned."""

    queryset = EngineFit.objects.select_related("station")
    serializer_class = serializers.EngineFitSerializer
    filterset_class = filters.EngineFitFilter
    ordering_fields = ("id", "as_of", "engine", "version")


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


class VerificationViewSet(ReadViewSet):
    """How good the beliefs were."""

    queryset = Verification.objects.select_related("prediction__station", "event")
    serializer_class = serializers.VerificationSerializer
    filterset_class = filters.VerificationFilter
    ordering_fields = ("id", "verified_at", "brier", "crps_f")
