"""Stations."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from boz.core.admin_mixins import NoDeleteAdminMixin
from weather.admin.switches import record_switch
from weather.models import Station


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

    def save_model(self, request: HttpRequest, obj: Station, form: ModelForm, change: bool) -> None:
        """Record that a station was switched on or off."""
        super().save_model(request, obj, form, change)
        record_switch(request, f"station:{obj.code}", form, is_active=obj.is_active)

    @admin.display(description="grid point")
    def grid(self, station: Station) -> str:
        """Return the forecast grid cell."""
        return f"{station.grid_id}/{station.grid_x},{station.grid_y}" if station.grid_id else "-"
