"""Fees, the exchange's state and hours, and what was fetched or thinned of the past."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from boz.core.admin_mixins import ReadOnlyAdminMixin, json_block
from markets.models import (
    ExchangeHours,
    ExchangeStatus,
    FeeSchedule,
    MaintenanceWindow,
    MarketHistoryChunk,
    RetentionMark,
)


@admin.register(FeeSchedule)
class FeeScheduleAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Dated fees."""

    list_display = (
        "series", "event", "fee_type", "multiplier", "effective_from", "available_at",
        "withdrawn_at",
    )  # fmt: skip
    list_filter = ("fee_type", ("withdrawn_at", admin.EmptyFieldListFilter), "series")
    list_select_related = ("series", "event")
    search_fields = ("series__ticker", "event__ticker")
    date_hierarchy = "effective_from"


@admin.register(ExchangeStatus)
class ExchangeStatusAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What the exchange said of itself, newest first."""

    list_display = (
        "read_at", "confirmed_at", "is_exchange_active", "is_trading_active", "estimated_resume_at",
    )  # fmt: skip
    list_filter = ("is_exchange_active", "is_trading_active")
    date_hierarchy = "read_at"


@admin.register(ExchangeHours)
class ExchangeHoursAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Weekly hours as listed."""

    list_display = ("available_at",)
    fields = ("available_at", "hours")
    readonly_fields = fields

    @admin.display(description="hours, Eastern time")
    def hours(self, row: ExchangeHours) -> SafeString:
        """Return them readable."""
        return json_block(row.weeks)


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Announced times without trading."""

    list_display = ("start_at", "end_at", "available_at", "withdrawn_at")
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "start_at"


@admin.register(MarketHistoryChunk)
class MarketHistoryChunkAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """What `fetch_market_history` has stored."""

    list_display = ("event", "kind", "rows", "problems", "finished_at")
    list_filter = ("kind", "event__series")
    list_select_related = ("event",)
    search_fields = ("event__ticker",)
    show_full_result_count = False


@admin.register(RetentionMark)
class RetentionMarkAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """How far each rule has thinned out what is old; each run of the job says what went."""

    list_display = ("rule", "applied_until", "removed", "last_run_at")
