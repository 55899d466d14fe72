"""Shapes of how events ended and what we learned."""

from __future__ import annotations

from rest_framework import serializers

from boz.core.api.fields import natural_key
from settlement.models import Digest, PostMortem, Settlement


class SettlementSerializer(serializers.ModelSerializer):
    """One version of how an event was settled."""

    event = natural_key("ticker")
    station = serializers.CharField(source="event.series.station.code", read_only=True)
    climate_day = serializers.DateField(source="event.climate_day", read_only=True)

    class Meta:
        model = Settlement
        fields = (
            "id",
            "event",
            "station",
            "climate_day",
            "version",
            "exchange_value_f",
            "our_reading_f",
            "authority",
            "results",
            "mismatches",
            "settled_at",
        )


class PostMortemSerializer(serializers.ModelSerializer):
    """What a settled trade teaches."""

    market = serializers.CharField(source="trade.market.ticker", read_only=True)
    pnl_dollars = serializers.DecimalField(
        14, 6, source="trade.pnl_dollars", read_only=True, allow_null=True
    )

    class Meta:
        model = PostMortem
        fields = (
            "id",
            "trade",
            "settlement",
            "market",
            "pnl_dollars",
            "what_we_traded",
            "what_happened",
            "why_we_took_it",
            "why_it_ended_so",
            "confidence_then",
            "forecast_error_f",
            "luck_dollars",
            "written_at",
        )


class DigestSerializer(serializers.ModelSerializer):
    """A portfolio's exchange day in one text."""

    portfolio_name = serializers.CharField(source="portfolio.name", read_only=True)

    class Meta:
        model = Digest
        fields = (
            "id",
            "portfolio",
            "portfolio_name",
            "day",
            "title",
            "body",
            "figures",
            "written_at",
        )
