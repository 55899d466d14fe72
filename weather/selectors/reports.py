"""What was officially known of the high of a climate day."""

from __future__ import annotations

import datetime as dt

from weather.models import ClimateReport, DailySummary, Station
from weather.sources import WEATHER_COMPANY


def official_highs(
    *, station: Station, as_of: dt.datetime, since: dt.date | None = None
) -> dict[dt.date, int]:
    """Return the high of each day by the latest final report known then, oldest day first.

    A day whose latest final report says that the maximum is missing is left out: what an earlier
    version said has been taken back.
    """
    rows = ClimateReport.objects.known(as_of).filter(station=station, is_preliminary=False)
    if since is not None:
        rows = rows.filter(climate_day__gte=since)
    latest = dict(
        rows.order_by("climate_day", "issued_at", "is_correction", "pk").values_list(
            "climate_day", "max_f"
        )
    )
    return {day: high for day, high in latest.items() if high is not None}


def official_report(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> ClimateReport | None:
    """Return the latest final report known then; None also when it gives no maximum."""
    report = (
        ClimateReport.objects.known(as_of)
        .filter(station=station, climate_day=climate_day, is_preliminary=False)
        .order_by("-issued_at", "-is_correction", "-pk")
        .first()
    )
    return None if report is None or report.max_f is None else report


def report_history(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[ClimateReport]:
    """Return every issuance of a day's climate report known then, oldest first."""
    rows = ClimateReport.objects.known(as_of).filter(station=station, climate_day=climate_day)
    return list(rows.select_related("source").order_by("issued_at", "is_correction", "pk"))


def second_reading(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> DailySummary | None:
    """Return The Weather Company's latest value of a day known then; None without a value.

    Ladders of days from 2026-08-14 on settle on it. It republishes the climate report, with one
    known exception in some 1,300 city-days.
    """
    return (
        DailySummary.objects.known(as_of)
        .filter(
            station=station,
            climate_day=climate_day,
            source__code=WEATHER_COMPANY,
            max_f__isnull=False,
        )
        .order_by("-issued_at", "-available_at", "-pk")
        .first()
    )
