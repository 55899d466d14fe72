"""What we believe about a climate day, how we came to it, and how good it was."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from boz.core.schemas import Confidence
from markets.models import Event
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


class Prediction(models.Model):
    """One calibrated distribution of a climate day's high over whole °F, as of a moment."""

    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, related_name="predictions", help_text="Where."
    )
    climate_day = models.DateField(help_text="Day in local standard time.")
    engine = models.CharField(max_length=40, help_text="Registry name of the engine.")
    as_of = models.DateTimeField(help_text="Nothing known later was used.")
    pmf_low_f = models.SmallIntegerField(help_text="Whole °F of the first probability.")
    pmf = models.JSONField(help_text="Probabilities of consecutive whole °F, summing to 1.")
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
    observed_until = models.DateTimeField(
        null=True, blank=True, help_text="Time of the newest observation of the day it knows."
    )
    inputs_hash = models.CharField(max_length=64, help_text="Hash of everything used.")
    fit = models.ForeignKey(
        EngineFit, null=True, blank=True, on_delete=models.PROTECT, help_text="Parameters used."
    )

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


class Verification(models.Model):
    """How good a prediction was once the day was known, beside the market and climatology."""

    prediction = models.OneToOneField(
        Prediction, on_delete=models.CASCADE, related_name="verification", help_text="Scored."
    )
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="verifications", help_text="Ladder scored on."
    )
    observed_high_f = models.SmallIntegerField(help_text="The exchange's settled value, °F.")
    crps_f = models.FloatField(help_text="Continuous ranked probability score, °F.")
    log_score = models.FloatField(help_text="-ln of the winning bracket's probability.")
    brier = models.FloatField(help_text="Sum over the ladder.")
    rps = models.FloatField(help_text="Ranked probability score, divided by rungs less one.")
    pit = models.FloatField(help_text="Probability integral transform, mid-value.")
    market_brier = models.FloatField(null=True, blank=True, help_text="The market's, same moment.")
    market_log_score = models.FloatField(null=True, blank=True, help_text="The market's.")
    market_rps = models.FloatField(null=True, blank=True, help_text="The market's.")
    climatology_brier = models.FloatField(null=True, blank=True, help_text="Climatology's.")
    verified_at = models.DateTimeField(help_text="When it was scored.")

    class Meta:
        ordering = ("-verified_at",)

    def __str__(self) -> str:
        return f"{self.prediction} Brier {self.brier:.3f}"
