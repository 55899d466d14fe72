"""What we believe about a climate day, how we came to it, and how good it was."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from boz.core.schemas import Confidence
from markets.models import Event
from prediction.domain.horizons import Horizon
from weather.models import Station


class EngineFit(models.Model):
    """Parameters that an engine learned from what was known at a moment."""

    engine = models.CharField(max_length=40, help_text="Registry name of the engine.")
    version = models.PositiveIntegerField(help_text="Counts up per engine and station.")
    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="fits", help_text="Fitted for."
    )
    as_of = models.DateTimeField(help_text="Nothing known later was used.")
    window_start = models.DateField(null=True, help_text="First climate day used.")
    window_end = models.DateField(null=True, help_text="Last climate day used.")
    n_train = models.PositiveIntegerField(help_text="Days used.")
    parameters = models.JSONField(help_text="The engine's own parameters.")
    parameters_hash = models.CharField(max_length=64, help_text="Hash of the parameters.")
    scores = models.JSONField(default=dict, blank=True, help_text="In-sample scores.")
    engine_version = models.PositiveIntegerField(
        default=1, help_text="Version of the engine that learned them; another one cannot use them."
    )
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on the fit before it counts again."
    )
    withdrawn_reason = models.TextField(blank=True, help_text="Why it was withdrawn.")

    class Meta:
        ordering = ("-as_of",)
        constraints = [
            models.UniqueConstraint(
                fields=("engine", "station", "version"), name="prediction_fit_version_once"
            ),
            models.UniqueConstraint(
                fields=("engine", "station", "as_of"), name="prediction_fit_as_of_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engine} v{self.version} {self.station.code}"


class Champion(models.Model):
    """Which engine's belief counts from a moment on; the others go on being scored beside it."""

    engine = models.CharField(max_length=40, help_text="Registry name of the engine.")
    since = models.DateTimeField(unique=True, help_text="From when it counts.")
    reason = models.TextField(help_text="Why it was chosen.")
    chosen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who chose it.",
    )

    class Meta:
        ordering = ("-since",)

    def __str__(self) -> str:
        return f"{self.engine} since {self.since:%Y-%m-%d %H:%M}Z"


class Prediction(models.Model):
    """One calibrated distribution of a climate day's high over whole °F, as of a moment."""

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="predictions", help_text="Where."
    )
    climate_day = models.DateField(help_text="Day in local standard time.")
    engine = models.CharField(
        max_length=40, help_text="Registry name of the engine that was champion."
    )
    engine_version = models.PositiveIntegerField(default=1, help_text="Its version.")
    as_of = models.DateTimeField(help_text="Nothing known later was used.")
    horizon = models.CharField(
        max_length=10,
        choices=[(item.value, item.value) for item in Horizon],
        help_text="Class of lead and hour.",
    )
    pmf_low_f = models.SmallIntegerField(help_text="Whole °F of the first probability.")
    pmf = models.JSONField(
        help_text="Probabilities of consecutive whole °F, summing to 1; without the market."
    )
    pooled_low_f = models.SmallIntegerField(
        null=True, blank=True, help_text="Whole °F of the first pooled probability."
    )
    pooled_pmf = models.JSONField(
        default=list,
        blank=True,
        help_text="The same pooled with the market; empty where the market was silent.",
    )
    market_ladder = models.JSONField(
        default=list,
        blank=True,
        help_text="The brackets of these probabilities as pairs of whole °F, null for an open end; "
        "empty in rows from before it was kept.",
    )
    market_probabilities = models.JSONField(
        default=list, blank=True, help_text="The market's, per bracket, coldest first."
    )
    pool_weights = models.JSONField(
        default=dict, blank=True, help_text="Exponents on the model and on the market."
    )
    mean_f = models.FloatField(help_text="Mean of the distribution, °F.")
    sd_f = models.FloatField(help_text="Standard deviation of the distribution, °F.")
    spread_f = models.FloatField(
        null=True, blank=True, help_text="Disagreement of the sources, °F; empty with one source."
    )
    lead_hours = models.FloatField(help_text="Hours from as-of to the end of the climate day.")
    confidence = models.CharField(
        max_length=6,
        choices=[(item.value, item.value) for item in Confidence],
        help_text="Graded from calibrated quantities only.",
    )
    confidence_reason = models.TextField(blank=True, help_text="Why it is graded so.")
    sources = models.JSONField(default=list, help_text="What was used.")
    missing = models.JSONField(default=list, blank=True, help_text="What was wanted and absent.")
    weight_present = models.FloatField(
        help_text="Share of the forecast weight that spoke, 0..1; 0 = no forecast at all."
    )
    n_train = models.PositiveIntegerField(default=0, help_text="Days the spread was learned from.")
    observed_max_low_f = models.SmallIntegerField(
        null=True, blank=True, help_text="Running maximum: the high is at least this, °F."
    )
    observed_max_high_f = models.SmallIntegerField(
        null=True, blank=True, help_text="Warmest that the reports so far can mean, °F; no bound."
    )
    observed_until = models.DateTimeField(
        null=True, blank=True, help_text="Time of the newest observation of the day it knows."
    )
    engine_weights = models.JSONField(
        default=dict, blank=True, help_text="Weight of each engine that was combined."
    )
    fits = models.JSONField(
        default=dict, blank=True, help_text="Version of the fit used, by engine."
    )
    inputs_hash = models.CharField(max_length=64, help_text="Hash of everything used.")

    class Meta:
        ordering = ("-as_of",)
        constraints = [
            models.UniqueConstraint(
                fields=("station", "climate_day", "engine", "as_of"),
                name="prediction_once_per_moment",
            ),
            models.CheckConstraint(name="prediction_spread_is_positive", condition=Q(sd_f__gt=0)),
            models.CheckConstraint(
                name="prediction_weight_is_a_share",
                condition=Q(weight_present__gte=0, weight_present__lte=1),
            ),
        ]
        indexes = [
            models.Index(
                fields=("station", "climate_day", "engine", "as_of"), name="prediction_latest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station.code} {self.climate_day} {self.mean_f:.1f} ± {self.sd_f:.1f} °F"


class EngineBelief(models.Model):
    """What one engine alone believed when a prediction was made, kept to be scored."""

    prediction = models.ForeignKey(
        Prediction, on_delete=models.CASCADE, related_name="beliefs", help_text="Made beside."
    )
    engine = models.CharField(max_length=40, help_text="Registry name of the engine.")
    engine_version = models.PositiveIntegerField(help_text="Its version.")
    weight = models.FloatField(help_text="Its weight in the combination; 0 = only heard.")
    pmf_low_f = models.SmallIntegerField(help_text="Whole °F of the first probability.")
    pmf = models.JSONField(help_text="Probabilities of consecutive whole °F, summing to 1.")
    mean_f = models.FloatField(help_text="Mean of the distribution, °F.")
    sd_f = models.FloatField(help_text="Standard deviation of the distribution, °F.")

    class Meta:
        ordering = ("prediction", "engine")
        constraints = [
            models.UniqueConstraint(
                fields=("prediction", "engine"), name="prediction_belief_once_per_engine"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.mean_f:.1f} ± {self.sd_f:.1f} °F"


class Verification(models.Model):
    """How good one engine's belief was once the day was known, beside market and climatology."""

    #: Stands for an engine's name in the score of the champion's belief pooled with the market.
    POOLED = "pooled"

    prediction = models.ForeignKey(
        Prediction, on_delete=models.CASCADE, related_name="verifications", help_text="Scored."
    )
    engine = models.CharField(
        max_length=40, help_text="Registry name; 'pooled' for the champion with the market."
    )
    horizon = models.CharField(
        max_length=10,
        choices=[(item.value, item.value) for item in Horizon],
        help_text="Class of lead and hour.",
    )
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="verifications", help_text="Ladder scored on."
    )
    observed_high_f = models.SmallIntegerField(help_text="The exchange's settled value, °F.")
    crps_f = models.FloatField(help_text="Continuous ranked probability score, °F.")
    log_score = models.FloatField(help_text="-ln of the winning bracket's probability.")
    brier = models.FloatField(help_text="Sum over the ladder.")
    rps = models.FloatField(help_text="Ranked probability score, divided by rungs less one.")
    pit = models.FloatField(
        help_text=(
            "Randomised probability integral transform, 0..1; scores from before ranks were drawn"
            " hold the middle of the observed degree's rank."
        )
    )
    mixture_below = models.FloatField(
        null=True,
        blank=True,
        help_text=(
            "Of the blend: P(below the observed degree) in the mixture of its day-ahead engines,"
            " before any correction and the day's reports; empty where none spoke, and in scores"
            " from before it was kept."
        ),
    )
    mixture_upto = models.FloatField(
        null=True, blank=True, help_text="The same with the observed degree included."
    )
    error_f = models.FloatField(null=True, help_text="Mean minus observed, °F.")
    sd_f = models.FloatField(null=True, help_text="Standard deviation of the belief, °F.")
    hit_50 = models.BooleanField(null=True, help_text="Rank inside the central 50 %.")
    hit_80 = models.BooleanField(null=True, help_text="Rank inside the central 80 %.")
    hit_90 = models.BooleanField(null=True, help_text="Rank inside the central 90 %.")
    probabilities = models.JSONField(
        default=list, blank=True, help_text="Per bracket, coldest first."
    )
    outcome = models.PositiveSmallIntegerField(
        null=True, help_text="Index of the bracket that paid, from 0 = coldest."
    )
    lead_hours = models.FloatField(null=True, help_text="Hours to the end of the climate day.")
    n_train = models.PositiveIntegerField(default=0, help_text="Days its spread rests on.")
    weight_present = models.FloatField(null=True, help_text="Share of forecast weight present.")
    weight = models.FloatField(null=True, help_text="The engine's weight in the combination.")
    market_brier = models.FloatField(null=True, blank=True, help_text="The market's, same moment.")
    market_log_score = models.FloatField(null=True, blank=True, help_text="The market's.")
    market_rps = models.FloatField(null=True, blank=True, help_text="The market's.")
    climatology_brier = models.FloatField(null=True, blank=True, help_text="Climatology's.")
    verified_at = models.DateTimeField(help_text="When it was scored.")

    class Meta:
        ordering = ("-verified_at",)
        constraints = [
            models.UniqueConstraint(
                fields=("event", "horizon", "engine"), name="prediction_verified_once"
            ),
        ]
        indexes = [
            models.Index(fields=("engine", "horizon", "verified_at"), name="prediction_scored_by"),
        ]

    def __str__(self) -> str:
        return f"{self.prediction} Brier {self.brier:.3f}"
