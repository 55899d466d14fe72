"""What was officially known of the high of a climate day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from weather.models import ClimateReport, DailySummary, Station
from weather.sources import WEATHER_COMPANY


def official_highs(
    *, station: Station, as_of: dt.datetime, since: dt.date | None = None
) -> dict[dt.date, int]:
    """Return the high of each day by the latest final report known then, oldest day first.

    A day whose latest final report says that the maximum is missing is left out: what an earlier
    version said has been taken back.
    """
    return official_highs_by_station(stations=[station], as_of=as_of, since=since)[station.pk]


def official_highs_by_station(
    *, stations: Sequence[Station], as_of: dt.datetime, since: dt.date | None = None
) -> dict[int, dict[dt.date, int]]:
    """Return :func:`official_highs` of several stations, by primary key, with one query."""
    keys = [station.pk for station in stations]
    rows = ClimateReport.objects.known(as_of).filter(station__in=keys, is_preliminary=False)
    if since is not None:
        rows = rows.filter(climate_day__gte=since)
    latest: dict[int, dict[dt.date, int | None]] = {key: {} for key in keys}
    for key, day, high in rows.order_by(
        "climate_day", "issued_at", "is_correction", "pk"
    ).values_list("station", "climate_day", "max_f"):
        latest[key][day] = high
    return {
        key: {day: high for day, high in highs.items() if high is not None}
        for key, highs in latest.items()
    }


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
