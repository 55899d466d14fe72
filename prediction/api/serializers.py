"""Shapes of beliefs, what they were learned from, and how good they were."""

from __future__ import annotations

from rest_framework import serializers

from boz.core.api.fields import natural_key
from prediction.models import Champion, EngineBelief, EngineFit, Prediction, Verification


def _probabilities(help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.FloatField(), read_only=True, help_text=help_text
    )


def _by_name(child: serializers.Field, help_text: str) -> serializers.DictField:
    return serializers.DictField(child=child, read_only=True, help_text=help_text)


class EngineFitSerializer(serializers.ModelSerializer):
    """Parameters that an engine learned."""

    station = natural_key("code")

    class Meta:
        model = EngineFit
        fields = (
            "id",
            "engine",
            "engine_version",
            "version",
            "station",
            "as_of",
            "window_start",
            "window_end",
            "n_train",
            "parameters",
            "parameters_hash",
            "scores",
            "withdrawn_at",
            "withdrawn_reason",
        )


class ChampionSerializer(serializers.ModelSerializer):
    """Which engine's belief counts from a moment on."""

    chosen_by = natural_key("username", allow_null=True)

    class Meta:
        model = Champion
        fields = ("id", "engine", "since", "reason", "chosen_by")


class PredictionSerializer(serializers.ModelSerializer):
    """One distribution of a climate day's high over whole °F."""

    station = natural_key("code")
    pmf = _probabilities(
        "Probabilities of consecutive whole °F from pmf_low_f on, summing to 1; without the market."
    )
    pooled_pmf = _probabilities(
        "The same pooled with the market, from pooled_low_f on; empty where it was silent."
    )
    market_ladder = serializers.ListField(
        child=serializers.ListField(
            child=serializers.IntegerField(allow_null=True), min_length=2, max_length=2
        ),
        read_only=True,
        help_text="Brackets of the market's probabilities, whole °F, null for an open end.",
    )
    market_probabilities = _probabilities("The market's, per bracket, coldest first.")
    pool_weights = _by_name(serializers.FloatField(), "Exponents on the model and on the market.")
    engine_weights = _by_name(serializers.FloatField(), "Weight of each engine that was combined.")
    fits = _by_name(serializers.IntegerField(), "Version of the fit used, by engine.")

    class Meta:
        model = Prediction
        fields = (
            "id",
            "station",
            "climate_day",
            "engine",
            "engine_version",
            "as_of",
            "horizon",
            "lead_hours",
            "pmf_low_f",
            "pmf",
            "pooled_low_f",
            "pooled_pmf",
            "market_ladder",
            "market_probabilities",
            "pool_weights",
            "mean_f",
            "sd_f",
            "spread_f",
            "confidence",
            "confidence_reason",
            "sources",
            "missing",
            "weight_present",
            "n_train",
            "observed_max_low_f",
            "observed_max_high_f",
            "observed_until",
            "engine_weights",
            "fits",
            "inputs_hash",
        )


class EngineBeliefSerializer(serializers.ModelSerializer):
    """What one engine alone believed beside a prediction."""

    station = serializers.CharField(source="prediction.station.code", read_only=True)
    climate_day = serializers.DateField(source="prediction.climate_day", read_only=True)
    horizon = serializers.CharField(source="prediction.horizon", read_only=True)
    as_of = serializers.DateTimeField(source="prediction.as_of", read_only=True)
    pmf = _probabilities("Probabilities of consecutive whole °F from pmf_low_f on, summing to 1.")

    class Meta:
        model = EngineBelief
        fields = (
            "id",
            "prediction",
            "station",
            "climate_day",
            "horizon",
            "as_of",
            "engine",
            "engine_version",
            "weight",
            "pmf_low_f",
            "pmf",
            "mean_f",
            "sd_f",
        )


class VerificationSerializer(serializers.ModelSerializer):
    """How good one engine's belief was, beside the market and climatology."""

    station = serializers.CharField(source="prediction.station.code", read_only=True)
    climate_day = serializers.DateField(source="prediction.climate_day", read_only=True)
    event = natural_key("ticker")
    probabilities = _probabilities("Per bracket, coldest first.")

    class Meta:
        model = Verification
        fields = (
            "id",
            "prediction",
            "event",
            "station",
            "climate_day",
            "engine",
            "horizon",
            "lead_hours",
            "observed_high_f",
            "probabilities",
            "outcome",
            "crps_f",
            "log_score",
            "brier",
            "rps",
            "pit",
            "error_f",
            "sd_f",
            "hit_50",
            "hit_80",
            "hit_90",
            "n_train",
            "weight_present",
            "weight",
            "market_brier",
            "market_log_score",
            "market_rps",
            "climatology_brier",
            "verified_at",
        )
