"""What stations report."""

from __future__ import annotations

from django.contrib import admin

from weather.admin.said import WITHDRAWN_FILTER, SaidAdmin
from weather.admin.words import degrees, interval, moment
from weather.models import Observation


@admin.register(Observation)
class ObservationAdmin(SaidAdmin):
    """Station reports."""

    list_display = (
        "station", "observed_at", "temperature", "counts", "kind", "max_6h_f", "max_24h_f",
        "source", "available_at",
    )  # fmt: skip
    list_filter = ("station", "source", "kind", WITHDRAWN_FILTER)
    search_fields = ("station__code", "station__icao", "raw")
    date_hierarchy = "observed_at"

    @admin.display(description="temperature, °F", ordering="temp_low_f")
    def temperature(self, report: Observation) -> str:
        """Return the whole degrees that the report can mean."""
        return interval(report.temp_low_f, report.temp_high_f)

    def facts(self, row: Observation) -> list[tuple[str, str]]:
        """Return station, time and temperature."""
        return [
            ("Station", str(row.station)),
            ("Observed", moment(row.observed_at)),
            ("Temperature", f"{interval(row.temp_low_f, row.temp_high_f)} °F"),
            ("6-hour maximum", degrees(row.max_6h_f)),
            ("24-hour maximum", degrees(row.max_24h_f)),
            ("Source", str(row.source)),
            ("Report", row.raw or "-"),
        ]

    def twins(self, row: Observation) -> list[Observation]:
        """Return the same moment's reports, which several services pass on."""
        same = Observation.objects.filter(
            station=row.station, observed_at=row.observed_at, withdrawn_at__isnull=True
        )
        return list(same.exclude(pk=row.pk).select_related("station", "source"))
