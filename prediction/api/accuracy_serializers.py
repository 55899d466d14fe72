"""What may be asked about accuracy, and the shapes of the answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from boz.core.schemas import Confidence
from prediction.domain.horizons import Horizon
from prediction.selectors.accuracy import DEFAULT_HORIZON, DEFAULT_WINDOW_DAYS
from weather.models import Station

_HORIZONS = [(horizon.value, horizon.value) for horizon in Horizon]
_CONFIDENCES = [(grade.value, grade.value) for grade in Confidence]
_LONGEST_WINDOW_DAYS = 3650


class WindowQuerySerializer(serializers.Serializer):
    """Which finished days are looked at."""

    station = serializers.SlugRelatedField(
        slug_field="code",
        queryset=Station.objects.all(),
        required=False,
        help_text="Code of a station; without it all of them together.",
    )
    days = serializers.IntegerField(
        min_value=1,
        max_value=_LONGEST_WINDOW_DAYS,
        default=DEFAULT_WINDOW_DAYS,
        help_text="Climate days, up to the newest that was scored.",
    )


class EachHorizonQuerySerializer(WindowQuerySerializer):
    """The same, for one horizon or each by itself."""

    horizon = serializers.ChoiceField(
        choices=_HORIZONS, required=False, help_text="Without it each by itself."
    )


class EnginesQuerySerializer(EachHorizonQuerySerializer):
    """The same, for one engine or each by itself."""

    engine = serializers.CharField(
        required=False, max_length=40, help_text="Without it each by itself."
    )


class OneHorizonQuerySerializer(WindowQuerySerializer):
    """The same, for one horizon."""

    horizon = serializers.ChoiceField(choices=_HORIZONS, default=DEFAULT_HORIZON.value)


class OneEngineQuerySerializer(OneHorizonQuerySerializer):
    """The same, for one engine."""

    engine = serializers.CharField(
        required=False, max_length=40, help_text="Without it the one whose belief counts now."
    )


class FigureSerializer(serializers.Serializer):
    """A mean with its 95 % interval over whole days."""

    mean = serializers.FloatField()
    low = serializers.FloatField(
        allow_null=True, help_text="Null below the settled days that a verdict needs."
    )
    high = serializers.FloatField(allow_null=True, help_text="Likewise.")


class ComparisonSerializer(serializers.Serializer):
    """Scores against a reference, only on the cases that have both."""

    cases = serializers.IntegerField()
    days = serializers.IntegerField()
    skill = serializers.FloatField(
        allow_null=True,
        help_text="1 less the ratio of the means; positive is better, null over a perfect one.",
    )
    difference = FigureSerializer(help_text="Ours less the reference's; negative is better.")


class EngineAccuracySerializer(serializers.Serializer):
    """How good one engine's beliefs were at one horizon; scores are better when lower."""

    engine = serializers.CharField()
    horizon = serializers.ChoiceField(choices=_HORIZONS)
    cases = serializers.IntegerField(help_text="Events scored.")
    days = serializers.IntegerField(help_text="Climate days among them.")
    brier = FigureSerializer(help_text="Summed over a ladder.")
    log_score = FigureSerializer(help_text="Nats.")
    rps = FigureSerializer(help_text="Divided by the rungs less one.")
    crps_f = FigureSerializer(help_text="Degrees Fahrenheit.")
    bias_f = serializers.FloatField(allow_null=True, help_text="°F; positive is too warm.")
    mae_f = serializers.FloatField(allow_null=True, help_text="Of the belief's mean, °F.")
    error_sd_f = serializers.FloatField(allow_null=True, help_text="Of the errors, °F.")
    stated_sd_f = serializers.FloatField(allow_null=True, help_text="Of the beliefs, °F.")
    coverage_50 = serializers.FloatField(
        allow_null=True, help_text="Share of highs inside the central 50 % interval."
    )
    coverage_80 = serializers.FloatField(allow_null=True, help_text="Likewise, 80 %.")
    coverage_90 = serializers.FloatField(allow_null=True, help_text="Likewise, 90 %.")
    market_brier = ComparisonSerializer(allow_null=True, help_text="Brier against the market.")
    market_log_score = ComparisonSerializer(allow_null=True, help_text="Log score likewise.")
    market_rps = ComparisonSerializer(allow_null=True, help_text="RPS likewise.")
    climatology_brier = ComparisonSerializer(
        allow_null=True, help_text="Brier against climatology."
    )
    verdict = serializers.CharField(help_text="What may be said, in one sentence.")


class SourceAccuracySerializer(serializers.Serializer):
    """How far one forecast source was from the official highs at one horizon."""

    source = serializers.CharField()  # type: ignore[assignment]  # the name is the contract
    horizon = serializers.ChoiceField(choices=_HORIZONS)
    cases = serializers.IntegerField(help_text="Station days.")
    days = serializers.IntegerField(help_text="Climate days among them.")
    bias_f = serializers.FloatField(help_text="°F; positive is too warm.")
    mae_f = serializers.FloatField(help_text="°F.")
    rmse_f = serializers.FloatField(help_text="°F; the bias included.")


class ReliabilityPointSerializer(serializers.Serializer):
    """The brackets whose probability fell into one bin."""

    probability = serializers.FloatField(help_text="Mean of the bin.")
    frequency = serializers.FloatField(help_text="Share that paid.")
    count = serializers.IntegerField(help_text="Brackets in the bin.")
    consistent_low = serializers.FloatField(help_text="90 % band were every probability right.")
    consistent_high = serializers.FloatField(help_text="Its upper end.")


class GradeAccuracySerializer(serializers.Serializer):
    """How the predictions of one grade of confidence went."""

    confidence = serializers.ChoiceField(choices=_CONFIDENCES)
    cases = serializers.IntegerField(help_text="Events scored.")
    days = serializers.IntegerField(help_text="Climate days among them.")
    mean_top_probability = serializers.FloatField(
        allow_null=True, help_text="Of the most probable bracket; null without a case."
    )
    top_hit_rate = serializers.FloatField(
        allow_null=True, help_text="Share of cases in which that bracket paid."
    )
    coverage_80 = serializers.FloatField(
        allow_null=True, help_text="Share of highs inside the central 80 % interval."
    )


class DayWeightSerializer(serializers.Serializer):
    """An engine's weight on one day."""

    climate_day = serializers.DateField()
    weight = serializers.FloatField(help_text="0..1, the mean over the stations.")

    def to_representation(self, instance: tuple[Any, float]) -> dict[str, Any]:
        """Write a pair of day and weight."""
        day, weight = instance
        return super().to_representation({"climate_day": day, "weight": weight})


class EngineWeightsSerializer(serializers.Serializer):
    """How one engine's weight moved."""

    engine = serializers.CharField()
    latest = serializers.FloatField()
    mean = serializers.FloatField()
    points = DayWeightSerializer(many=True)


class AdvantagePointSerializer(serializers.Serializer):
    """The mean lead over the market up to a day."""

    climate_day = serializers.DateField()
    days = serializers.IntegerField(help_text="Days counted.")
    advantage = serializers.FloatField(help_text="Nats; positive is better than the market.")
    low = serializers.FloatField(help_text="95 % band at that day.")
    high = serializers.FloatField()


class WindowSerializer(serializers.Serializer):
    """Which days an answer rests on."""

    as_of = serializers.DateTimeField()
    since = serializers.DateField(help_text="First climate day that counts.")
    last_day = serializers.DateField(
        allow_null=True, help_text="Newest scored day; null before the first."
    )
    station = serializers.CharField(allow_null=True, help_text="Null for all.")


class EngineAccuracyListSerializer(WindowSerializer):
    """Engines by horizon, the best mean Brier score first."""

    results = EngineAccuracySerializer(many=True)


class SourceAccuracyListSerializer(WindowSerializer):
    """Sources by horizon, the smallest mean absolute error first."""

    results = SourceAccuracySerializer(many=True)


class EngineWeightsListSerializer(WindowSerializer):
    """Weights over time, heaviest latest first."""

    horizon = serializers.ChoiceField(choices=_HORIZONS)
    results = EngineWeightsSerializer(many=True)


class ReliabilitySerializer(WindowSerializer):
    """The reliability diagram of one engine's brackets."""

    engine = serializers.CharField()
    horizon = serializers.ChoiceField(choices=_HORIZONS)
    cases = serializers.IntegerField(help_text="Events.")
    days = serializers.IntegerField(help_text="Climate days among them.")
    points = ReliabilityPointSerializer(many=True)


class GradesSerializer(WindowSerializer):
    """What the grades of confidence were worth, of the beliefs that were traded on."""

    horizon = serializers.ChoiceField(choices=_HORIZONS)
    is_monotone = serializers.BooleanField(
        allow_null=True,
        help_text="Whether no grade paid less often than a lower one; null without a verdict.",
    )
    verdict = serializers.CharField(help_text="The same in one sentence.")
    grades = GradeAccuracySerializer(many=True, help_text="All of them, the highest first.")


class PitSerializer(WindowSerializer):
    """Histogram of the randomised probability integral transform over 0..1."""

    engine = serializers.CharField()
    horizon = serializers.ChoiceField(choices=_HORIZONS)
    cases = serializers.IntegerField(help_text="Events.")
    days = serializers.IntegerField(help_text="Climate days among them.")
    counts = serializers.ListField(
        child=serializers.IntegerField(), help_text="Per bin of equal width, lowest first."
    )
    band_low = serializers.IntegerField(help_text="90 % band of an even histogram's counts.")
    band_high = serializers.IntegerField(help_text="Its upper end.")
    index = serializers.FloatField(
        allow_null=True, help_text="Sum of the bins' distances from an even share."
    )
    expected_index = serializers.FloatField(
        allow_null=True, help_text="What chance alone gives a flat histogram."
    )


class AdvantageSerializer(WindowSerializer):
    """An engine's lead over the market by the log score, as days were settled."""

    engine = serializers.CharField()
    horizon = serializers.ChoiceField(choices=_HORIZONS)
    results = AdvantagePointSerializer(many=True)
