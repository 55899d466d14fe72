"""Stations and what was said about them, to look at; facts are never changed by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from boz.core.admin_mixins import NoDeleteAdminMixin, ReadOnlyAdminMixin, json_block
from weather.models import (
    ClimateReport,
    Forecast,
    ForecastSource,
    Observation,
    Payload,
    Station,
)
from weather.services.payloads import payload_body

#: Characters of a raw answer that its page shows.
SHOWN_CHARS = 20_000


@admin.register(Station)
class StationAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Stations; which ones jobs work on is the operator's choice."""

    list_display = ("code", "name", "icao", "cli_id", "grid", "grid_resolved_at", "is_active")
    list_editable = ("is_active",)
    list_filter = ("is_active", "wfo", "timezone")
    search_fields = ("code", "name", "icao", "cli_id", "cli_headline")
    fields = (
        "is_active", "code", "name", "icao", "cli_id", "cli_headline", "wfo",
        "latitude", "longitude", "elevation_m", "timezone", "standard_offset_hours",
        "grid", "grid_resolved_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "is_active")

    def has_add_permission(self, request: Any) -> bool:
        """Refuse adding; stations come from the data table."""
        return False

    @admin.display(description="grid point")
    def grid(self, station: Station) -> str:
        """Return the forecast grid cell."""
        return f"{station.grid_id}/{station.grid_x},{station.grid_y}" if station.grid_id else "-"


@admin.register(ForecastSource)
class ForecastSourceAdmin(NoDeleteAdminMixin, admin.ModelAdmin):
    """Outside sources and their health."""

    list_display = (
        "name", "code", "status", "is_active", "last_success_at", "last_attempt_at",
        "error_streak", "short_error",
    )  # fmt: skip
    list_filter = ("status", "is_active")
    search_fields = ("code", "name")
    fields = (
        "is_active", "code", "name", "status", "last_attempt_at", "last_success_at",
        "error_streak", "last_error",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "is_active")

    def has_add_permission(self, request: Any) -> bool:
        """Refuse adding; a source without code that asks it would never answer."""
        return False

    @admin.display(description="last error")
    def short_error(self, source: ForecastSource) -> str:
        """Return the beginning of the last error."""
        return source.last_error[:120] or "-"


@admin.register(Forecast)
class ForecastAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Every issuance of every forecast."""

    list_display = ("station", "climate_day", "high_f", "source", "issued_at", "available_at")
    list_filter = ("station", "source", "climate_day")
    list_select_related = ("station", "source")
    search_fields = ("station__code", "station__name", "source__code")
    date_hierarchy = "climate_day"
    exclude = ("variables", "member_highs_f")
    readonly_fields = ("variables_shown", "members_shown")

    @admin.display(description="variables")
    def variables_shown(self, forecast: Forecast) -> SafeString:
        """Return the further variables."""
        return json_block(forecast.variables)

    @admin.display(description="member highs, °F")
    def members_shown(self, forecast: Forecast) -> SafeString:
        """Return the ensemble members."""
        return json_block(forecast.member_highs_f)


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Station reports."""

    list_display = (
        "station", "observed_at", "kind", "temp_low_f", "temp_high_f", "max_6h_f", "max_24h_f",
        "available_at",
    )  # fmt: skip
    list_filter = ("station", "source", "kind")
    list_select_related = ("station", "source")
    search_fields = ("station__code", "station__icao", "raw")
    date_hierarchy = "observed_at"


@admin.register(ClimateReport)
class ClimateReportAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Every issuance of every climate report."""

    list_display = (
        "station", "climate_day", "max_f", "max_time_lst", "is_preliminary", "is_correction",
        "max_is_record", "issued_at", "available_at",
    )  # fmt: skip
    list_filter = ("station", "is_preliminary", "is_correction", "max_is_record", "source")
    list_select_related = ("station", "source")
    search_fields = ("station__code", "station__cli_id", "product_id")
    date_hierarchy = "climate_day"


@admin.register(Payload)
class PayloadAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):
    """Raw answers."""

    list_display = ("source", "url", "content_type", "received_at", "sha256")
    list_filter = ("source",)
    search_fields = ("sha256", "url")
    date_hierarchy = "received_at"
    exclude = ("body",)
    readonly_fields = ("text",)

    def get_queryset(self, request: Any) -> Any:
        """Leave the bodies in the database until a page shows one."""
        return super().get_queryset(request).defer("body")

    @admin.display(description="body")
    def text(self, payload: Payload) -> str:
        """Return the beginning of the body as text."""
        return payload_body(payload)[:SHOWN_CHARS].decode("utf-8", errors="replace")
