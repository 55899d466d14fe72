"""How events ended and what the trades taught, to be read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from boz.core.admin_mixins import ReadOnlyAdminMixin, json_block
from settlement.models import Digest, PostMortem, Settlement


@admin.register(Settlement)
class SettlementAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Every version of every settlement, with what did not agree."""

    list_display = (
        "event",
        "version",
        "exchange_value_f",
        "our_reading_f",
        "agrees",
        "authority",
        "settled_at",
    )
    list_filter = ("event__series", "version")
    list_select_related = ("event",)
    search_fields = ("event__ticker",)
    date_hierarchy = "settled_at"
    fields = (
        "event",
        "version",
        "exchange_value_f",
        "our_reading_f",
        "authority",
        "mismatch_sentences",
        "results_shown",
        "settled_at",
    )
    readonly_fields = ("mismatch_sentences", "results_shown")

    @admin.display(boolean=True, description="Agrees")
    def agrees(self, settlement: Settlement) -> bool:
        """Say whether strikes, results and readings agree."""
        return not settlement.mismatches

    @admin.display(description="What does not agree")
    def mismatch_sentences(self, settlement: Settlement) -> str:
        """Return the sentences, one per line."""
        return "\n".join(settlement.mismatches) or "Everything agrees."

    @admin.display(description="Results")
    def results_shown(self, settlement: Settlement) -> SafeString:
        """Return the result by market."""
        return json_block(settlement.results)


@admin.register(PostMortem)
class PostMortemAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Each settled trade's lesson, in full."""

    list_display = (
        "trade",
        "result",
        "pnl",
        "forecast_error_f",
        "luck_dollars",
        "why_it_ended_so",
        "written_at",
    )
    list_filter = ("trade__status", "trade__portfolio", "trade__event__series")
    list_select_related = ("trade__market", "trade__portfolio", "settlement__event")
    search_fields = ("trade__market__ticker", "trade__event__ticker", "what_we_traded")
    date_hierarchy = "written_at"
    fields = (
        "trade",
        "settlement",
        "what_we_traded",
        "what_happened",
        "why_we_took_it",
        "why_it_ended_so",
        "confidence_then",
        "forecast_error_f",
        "luck_dollars",
        "written_at",
    )

    @admin.display(description="Result", ordering="trade__status")
    def result(self, post_mortem: PostMortem) -> str:
        """Return won or lost."""
        return post_mortem.trade.get_status_display()

    @admin.display(description="Profit and loss, $", ordering="trade__pnl_dollars")
    def pnl(self, post_mortem: PostMortem) -> str:
        """Return the trade's result after fees."""
        return str(post_mortem.trade.pnl_dollars)


@admin.register(Digest)
class DigestAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Each portfolio's exchange days."""

    list_display = ("portfolio", "day", "title", "written_at")
    list_filter = ("portfolio",)
    list_select_related = ("portfolio",)
    search_fields = ("title", "body")
    date_hierarchy = "day"
    fields = ("portfolio", "day", "title", "body", "figures_shown", "written_at")
    readonly_fields = ("figures_shown",)

    @admin.display(description="Figures")
    def figures_shown(self, digest: Digest) -> SafeString:
        """Return the numbers in the text."""
        return json_block(digest.figures)
