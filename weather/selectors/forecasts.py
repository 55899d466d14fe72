"""What sources were known to say about a climate day."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from boz.core.schemas import WeatherData, WeatherVariables
from weather.models import Forecast, Station

#: A station and one of its climate days, by the station's primary key.
StationDay = tuple[int, dt.date]


def latest_forecasts(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime
) -> list[Forecast]:
    """Return the latest issuance of each source for a day that was known then."""
    wanted = [(station, climate_day)]
    return latest_forecasts_by_day(wanted=wanted, as_of=as_of)[station.pk, climate_day]


def latest_forecasts_by_day(
    *, wanted: Iterable[tuple[Station, dt.date]], as_of: dt.datetime
) -> dict[StationDay, list[Forecast]]:
    """Return :func:`latest_forecasts` of several stations and days, with one query.

    Every pair asked for has an entry; its forecasts are sorted by source.
    """
    stations: dict[int, Station] = {}
    found: dict[StationDay, list[Forecast]] = {}
    for station, day in wanted:
        stations[station.pk] = station
        found[station.pk, day] = []
    days = {day for _, day in found}
    newest = Window(
        RowNumber(),
        partition_by=("station", "climate_day", "source"),
        order_by=(F("issued_at").desc(), F("pk").desc()),
    )
    known = Forecast.objects.known(as_of).filter(station__in=stations, climate_day__in=days)
    # Only keys are ranked: members are read of the rows picked alone.
    ranked = known.order_by().annotate(rank=newest).filter(rank=1).values("pk")
    for row in Forecast.objects.filter(pk__in=ranked).select_related("source").order_by():
        row.station = stations[row.station_id]
        found.get((row.station_id, row.climate_day), []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row.source.code)
    return found


def spread_inside_f(*, stated_f: float | None, members_f: Sequence[float]) -> float | None:
    """Return the standard deviation inside a source, °F: stated by it, or that of its members.

    None for a single run that states none; members' squares are divided by their number less one.
    """
    if stated_f is not None:
        return stated_f
    if len(members_f) < 2:
        return None
    mean = math.fsum(members_f) / len(members_f)
    squares = math.fsum((member - mean) ** 2 for member in members_f)
    return math.sqrt(squares / (len(members_f) - 1))


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
