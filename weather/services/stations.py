"""Bring the stations and sources of the data table into the database."""

from __future__ import annotations

import dataclasses

from django.db import transaction

from weather.models import ForecastSource, Station
from weather.sources import SOURCES
from weather.stations import ACTIVE_BY_DEFAULT, STATIONS


def sync_stations() -> int:
    """Create missing stations and sources and correct their facts; return rows changed.

    What the operator decides (whether a row is active) and what jobs find out (the grid point,
    health) stays as it is.
    """
    changed = 0
    with transaction.atomic():
        known = {station.code: station for station in Station.objects.all()}
        for facts in STATIONS:
            values = dataclasses.asdict(facts)
            station = known.get(facts.code)
            if station is None:
                Station.objects.get_or_create(
                    code=facts.code,
                    defaults={**values, "is_active": facts.code in ACTIVE_BY_DEFAULT},
                )
                changed += 1
            elif any(getattr(station, name) != value for name, value in values.items()):
                Station.objects.filter(pk=station.pk).update(**values)
                changed += 1
        for source in SOURCES:
            changed += ForecastSource.objects.get_or_create(
                code=source.code, defaults={"name": source.name}
            )[1]
    return changed
