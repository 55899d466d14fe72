"""Read endpoints of beliefs and their scores."""

from __future__ import annotations

from boz.core.api.viewsets import ReadViewSet
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


class VerificationViewSet(ReadViewSet):
    """How good the beliefs were."""

    queryset = Verification.objects.select_related("prediction__station", "event")
    serializer_class = serializers.VerificationSerializer
    filterset_class = filters.VerificationFilter
    ordering_fields = ("id", "verified_at", "brier", "crps_f")
