"""What we believed, how we came to it and how good it was; fits and champion are overruled here."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from boz.core.admin_mixins import ReadOnlyAdminMixin, ReadOnlyInline, json_block
from boz.core.clock import utc_now
from boz.core.errors import BozBaseException
from markets.forms import ReasonActionForm
from prediction.forms import ChampionForm
from prediction.models import Champion, EngineBelief, EngineFit, Prediction, Verification
from prediction.services.champions import choose_champion
from prediction.services.fits import withdraw_fit

#: Degrees less probable than this are left out of the picture.
_SHOWN_PROBABILITY = 0.001


def _rounded(field: str, heading: str, *, digits: int) -> Any:
    """Return a column of a number that people can read, sorted by its exact value.

    A callable; the stubs' types know none among the fields of an inline.
    """

    @admin.display(description=heading, ordering=field)
    def column(row: Model) -> str:
        value = getattr(row, field)
        return "" if value is None else f"{value:.{digits}f}"

    return column


MEAN = _rounded("mean_f", "mean °F", digits=1)
SD = _rounded("sd_f", "sd °F", digits=1)
WEIGHT = _rounded("weight", "weight", digits=3)
BRIER = _rounded("brier", "Brier", digits=3)
MARKET_BRIER = _rounded("market_brier", "market's Brier", digits=3)
CLIMATOLOGY_BRIER = _rounded("climatology_brier", "climatology's Brier", digits=3)
CRPS = _rounded("crps_f", "CRPS °F", digits=2)
LOG_SCORE = _rounded("log_score", "log score", digits=2)
PIT = _rounded("pit", "PIT", digits=3)


class VerificationInline(ReadOnlyInline):
    """How the prediction did, and every engine beside it."""

    model = Verification
    fields = (
        "engine",
        "horizon",
        "observed_high_f",
        BRIER,
        MARKET_BRIER,
        CLIMATOLOGY_BRIER,
        CRPS,
        LOG_SCORE,
        PIT,
    )
    readonly_fields = (BRIER, MARKET_BRIER, CLIMATOLOGY_BRIER, CRPS, LOG_SCORE, PIT)


class EngineBeliefInline(ReadOnlyInline):
    """What each engine alone believed."""

    model = EngineBelief
    fields = ("engine", "engine_version", WEIGHT, MEAN, SD)
    readonly_fields = (WEIGHT, MEAN, SD)


@admin.register(EngineFit)
class EngineFitAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What each engine learned, and when; a wrong fit is withdrawn, with a reason."""

    list_display = (
        "engine",
        "station",
        "version",
        "engine_version",
        "as_of",
        "n_train",
        "window_start",
        "window_end",
        "withdrawn_at",
    )
    list_filter = ("engine", ("withdrawn_at", admin.EmptyFieldListFilter), "station")
    list_select_related = ("station",)
    search_fields = ("engine", "station__code")
    date_hierarchy = "as_of"
    exclude = ("parameters", "scores")
    readonly_fields = ("parameters_shown", "scores_shown")
    action_form = ReasonActionForm
    actions = ("withdraw",)

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        """Say who may withdraw: those who may change fits, had they fields to change."""
        return request.user.has_perm("prediction.change_enginefit")

    @admin.action(description="Withdraw (needs a reason)", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[EngineFit]) -> None:
        """Let the fits before them count again; the reason goes to the audit trail."""
        for fit in queryset:
            try:
                withdraw_fit(
                    fit,
                    reason=request.POST.get("reason", ""),
                    user=cast(User, request.user),
                    now=utc_now(),
                )
            except BozBaseException as error:
                self.message_user(request, error.message, messages.ERROR)
                return
            self.message_user(request, f"{fit} counts no more.", messages.SUCCESS)

    @admin.display(description="Parameters")
    def parameters_shown(self, fit: EngineFit) -> SafeString:
        """Return the parameters."""
        return json_block(fit.parameters)

    @admin.display(description="Scores")
    def scores_shown(self, fit: EngineFit) -> SafeString:
        """Return the scores and the track record known then."""
        return json_block(fit.scores)


@admin.register(Champion)
class ChampionAdmin(admin.ModelAdmin):
    """Choose another champion by adding a row; the rows are its history."""

    form = ChampionForm
    list_display = ("since", "engine", "chosen_by", "reason")
    list_select_related = ("chosen_by",)
    fields = ("engine", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Champion | None = None) -> bool:
        """Choices are history."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Champion | None = None) -> bool:
        """Choices are history."""
        return False

    def save_model(self, request: HttpRequest, obj: Champion, form: Any, change: bool) -> None:
        """Choose through the service, which audits it."""
        if change:
            raise PermissionDenied
        made = choose_champion(
            engine=obj.engine, reason=obj.reason, user=cast(User, request.user), now=utc_now()
        )
        obj.pk, obj.since = made.pk, made.since


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Every distribution we have believed."""

    list_display = (
        "station",
        "climate_day",
        "engine",
        "horizon",
        "as_of",
        MEAN,
        SD,
        "confidence",
        "observed_max_low_f",
    )
    list_filter = ("engine", "horizon", "confidence", "station")
    list_select_related = ("station",)
    search_fields = ("station__code", "inputs_hash")
    date_hierarchy = "climate_day"
    exclude = ("pmf", "pmf_low_f", "pooled_pmf", "pooled_low_f", "sources", "missing")
    readonly_fields = ("distribution", "pooled", "sources_shown", "missing_shown")
    inlines = (EngineBeliefInline, VerificationInline)

    @admin.display(description="Probability by degree")
    def distribution(self, prediction: Prediction) -> SafeString:
        """Return each degree that matters with its probability."""
        return _degrees(prediction.pmf_low_f, prediction.pmf)

    @admin.display(description="Pooled with the market")
    def pooled(self, prediction: Prediction) -> SafeString:
        """Return the same of the pool; nothing where the market was silent."""
        return _degrees(prediction.pooled_low_f or 0, prediction.pooled_pmf)

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
        "engine",
        "horizon",
        "observed_high_f",
        BRIER,
        MARKET_BRIER,
        CLIMATOLOGY_BRIER,
        CRPS,
        PIT,
        "verified_at",
    )
    list_filter = ("engine", "horizon", "event__series")
    list_select_related = ("event",)
    search_fields = ("event__ticker",)
    date_hierarchy = "verified_at"


@admin.register(EngineBelief)
class EngineBeliefAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What each engine alone believed when a prediction was made."""

    list_display = ("prediction", "engine", "engine_version", WEIGHT, MEAN, SD)
    list_filter = ("engine",)
    list_select_related = ("prediction__station",)
    search_fields = ("prediction__station__code",)
    exclude = ("pmf", "pmf_low_f")
    readonly_fields = ("distribution",)

    @admin.display(description="Probability by degree")
    def distribution(self, belief: EngineBelief) -> SafeString:
        """Return each degree that matters with its probability."""
        return _degrees(belief.pmf_low_f, belief.pmf)


def _degrees(low_f: int, pmf: list[float]) -> SafeString:
    rows = (
        (low_f + step, f"{probability:.1%}")
        for step, probability in enumerate(pmf)
        if probability >= _SHOWN_PROBABILITY
    )
    return format_html_join("", "<div>{}° {}</div>", rows)
