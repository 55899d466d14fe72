"""Read endpoints of results: events for all, trades and portfolios for those who may see them."""

from __future__ import annotations

from boz.core.api.viewsets import ReadViewSet
from settlement.api import filters, serializers
from settlement.models import Digest, PostMortem, Settlement
from trading.api.permissions import PortfolioScopedViewSet


class SettlementViewSet(ReadViewSet):
    """How events were settled, every version."""

    queryset = Settlement.objects.select_related("event__series__station")
    serializer_class = serializers.SettlementSerializer
    filterset_class = filters.SettlementFilter
    ordering_fields = ("id", "settled_at")


class PostMortemViewSet(PortfolioScopedViewSet):
    """What your settled trades teach."""

    queryset = PostMortem.objects.select_related("trade__market")
    serializer_class = serializers.PostMortemSerializer
    filterset_class = filters.PostMortemFilter
    ordering_fields = ("id", "written_at", "luck_dollars")
    portfolio_path = "trade__portfolio"


class DigestViewSet(PortfolioScopedViewSet):
    """Your portfolios' days."""

    queryset = Digest.objects.select_related("portfolio")
    serializer_class = serializers.DigestSerializer
    filterset_class = filters.DigestFilter
    ordering_fields = ("id", "day")
