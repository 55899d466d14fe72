"""What sources were known to say about a climate day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from boz.core.schemas import WeatherData, WeatherVariables
from weather.models import Forecast, Station
from weather.selectors.reports import official_highs

#: Local standard time before which a forecast cannot have seen the day's usual peak.
BEFORE_PEAK = dt.timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class ForecastError:
    """A forecast made before a day's peak beside what the day became."""

    climate_day: dt.date
    source_code: str
    lead_hours: float
    forecast_high_f: float
    observed_high_f: int


def latest_forecasts(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[Forecast]:
    """Return the latest issuance of each source for a day that was known then."""
    rows = Forecast.objects.known(as_of).filter(station=station, climate_day=climate_day)
    latest: dict[int, int] = {}
    for source_id, pk in rows.order_by("-issued_at", "-pk").values_list("source_id", "pk"):
        latest.setdefault(source_id, pk)
    if not latest:
        return []
    found = Forecast.objects.filter(pk__in=latest.values()).select_related("source", "station")
    return list(found.order_by("source__code"))


def weather_data(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[WeatherData]:
    """Return what each source last said about a day, as known then, in the shape for outside."""
    rows = latest_forecasts(station=station, climate_day=climate_day, as_of=as_of)
    return [
        WeatherData(
            city=row.station.code,
            climate_day=row.climate_day,
            source=row.source.code,
            high_f=row.high_f,
            member_highs_f=tuple(row.member_highs_f),
            variables=WeatherVariables.model_validate(row.variables),
            model_run_at=row.model_run_at,
            issued_at=row.issued_at,
            available_at=row.available_at,
        )
        for row in rows
    ]


def forecast_errors(*, station: Station, as_of: dt.datetime, since: dt.date) -> list[ForecastError]:
    """Return forecasts beside official highs, for learning how forecasts err.

    One per source and day: the latest that was issued and known before noon (local standard time)
    of the day. A later one has seen part of the answer.
    """
    highs = official_highs(station=station, as_of=as_of, since=since)
    if not highs:
        return []
    rows = (
        Forecast.objects.known(as_of)
        .filter(station=station, climate_day__gte=since, climate_day__lte=max(highs))
        .order_by("climate_day", "source__code", "issued_at", "pk")
        .values_list("climate_day", "source__code", "issued_at", "available_at", "high_f")
    )
    latest: dict[tuple[dt.date, str], ForecastError] = {}
    bounds: dict[dt.date, tuple[dt.datetime, dt.datetime]] = {}
    for day, source_code, issued_at, available_at, high_f in rows.iterator():
        observed = highs.get(day)
        if observed is None:
            continue
        start, end = bounds.setdefault(day, station.climate_day_bounds(day))
        # Issue precedes availability, so the later of the two decides.
        if available_at >= start + BEFORE_PEAK:
            continue
        latest[day, source_code] = ForecastError(
            climate_day=day,
            source_code=source_code,
            lead_hours=(end - issued_at).total_seconds() / 3600,
            forecast_high_f=high_f,
            observed_high_f=observed,
        )
    return list(latest.values())
