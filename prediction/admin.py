"""What we believed, how we came to it and how good it was, to be read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from boz.core.admin_mixins import ReadOnlyAdminMixin, ReadOnlyInline, json_block
from prediction.models import EngineFit, Prediction, Verification

#: Degrees less probable than this are left out of the picture.
_SHOWN_PROBABILITY = 0.001


class VerificationInline(ReadOnlyInline):
    """How the prediction did."""

    model = Verification
    fields = (
        "event",
        "observed_high_f",
        "brier",
        "market_brier",
        "climatology_brier",
        "crps_f",
        "log_score",
        "pit",
    )


@admin.register(EngineFit)
class EngineFitAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What each engine learned, and when."""

    list_display = (
        "engine",
        "station",
        "version",
        "as_of",
        "n_train",
        "window_start",
        "window_end",
    )
    list_filter = ("engine", "station")
    list_select_related = ("station",)
    search_fields = ("engine", "station__code")
    date_hierarchy = "as_of"
    exclude = ("parameters", "scores")
    readonly_fields = ("parameters_shown", "scores_shown")

    @admin.display(description="Parameters")
    def parameters_shown(self, fit: EngineFit) -> SafeString:
        """Return the parameters."""
        return json_block(fit.parameters)

    @admin.display(description="Scores")
    def scores_shown(self, fit: EngineFit) -> SafeString:
        """Return the scores and the track record known then."""
        return json_block(fit.scores)


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Every distribution we have believed."""

    list_display = (
        "station",
        "climate_day",
        "engine",
        "as_of",
        "mean_f",
        "sd_f",
        "confidence",
        "observed_max_low_f",
    )
    list_filter = ("engine", "confidence", "station")
    list_select_related = ("station",)
    search_fields = ("station__code", "inputs_hash")
    date_hierarchy = "climate_day"
    exclude = ("pmf", "pmf_low_f", "sources", "missing")
    readonly_fields = ("distribution", "sources_shown", "missing_shown")
    inlines = (VerificationInline,)

    @admin.display(description="Probability by degree")
    def distribution(self, prediction: Prediction) -> SafeString:
        """Return each degree that matters with its probability."""
        rows = (
            (prediction.pmf_low_f + step, f"{probability:.1%}")
            for step, probability in enumerate(prediction.pmf)
            if probability >= _SHOWN_PROBABILITY
        )
        return format_html_join("", "<div>{}° {}</div>", rows)

    @admin.display(description="Sources")
    def sources_shown(self, prediction: Prediction) -> str:
        """Return what was used, one per line."""
        return "\n".join(prediction.sources)

    @admin.display(description="Missing")
    def missing_shown(self, prediction: Prediction) -> str:
        """Return what was wanted and absent, one per line."""
        return "\n".join(prediction.missing) or "Nothing."


@admin.register(Verification)
class VerificationAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Scores beside the market's and climatology's."""

    list_display = (
        "event",
        "observed_high_f",
        "brier",
        "market_brier",
        "climatology_brier",
        "crps_f",
        "pit",
        "verified_at",
    )
    list_filter = ("event__series",)
    list_select_related = ("event",)
    search_fields = ("event__ticker",)
    date_hierarchy = "verified_at"
