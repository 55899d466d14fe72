"""Shapes of beliefs, what they were learned from, and how good they were."""

from __future__ import annotations

from rest_framework import serializers

from boz.core.api.fields import natural_key
from prediction.models import EngineFit, Prediction, Verification


class EngineFitSerializer(serializers.ModelSerializer):
    """Parameters that an engine learned."""

    station = natural_key("code")

    class Meta:
        model = EngineFit
        fields = (
            "id",
            "engine",
            "version",
            "station",
            "as_of",
            "window_start",
            "window_end",
            "n_train",
            "parameters",
            "parameters_hash",
            "scores",
        )


class PredictionSerializer(serializers.ModelSerializer):
    """One distribution of a climate day's high over whole °F."""

    station = natural_key("code")
    pmf = serializers.ListField(
        child=serializers.FloatField(),
        read_only=True,
        help_text="Probabilities of consecutive whole °F from pmf_low_f on, summing to 1.",
    )

    class Meta:
        model = Prediction
        fields = (
            "id",
            "station",
            "climate_day",
            "engine",
            "as_of",
            "pmf_low_f",
            "pmf",
            "mean_f",
            "sd_f",
            "spread_f",
            "lead_hours",
            "confidence",
            "confidence_reason",
            "sources",
            "missing",
            "n_train",
            "observed_max_low_f",
            "inputs_hash",
            "fit",
        )


class VerificationSerializer(serializers.ModelSerializer):
    """How good a prediction was, beside the market and climatology."""

    station = serializers.CharField(source="prediction.station.code", read_only=True)
    climate_day = serializers.DateField(source="prediction.climate_day", read_only=True)
    event = natural_key("ticker")

    class Meta:
        model = Verification
        fields = (
            "id",
            "prediction",
            "event",
            "station",
            "climate_day",
            "observed_high_f",
            "crps_f",
            "log_score",
            "brier",
            "rps",
            "pit",
            "market_brier",
            "market_log_score",
            "market_rps",
            "climatology_brier",
            "verified_at",
        )
