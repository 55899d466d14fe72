"""Registration of the app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class WeatherConfig(AppConfig):
    """Stations, forecasts, observations and climate reports."""

    name = "weather"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the app's agents and check-up known and keep its stations in the database."""
        from weather import agents, checkup  # noqa: F401 - importing registers

        post_migrate.connect(_fill_stations, sender=self, dispatch_uid="weather.stations")


def _fill_stations(*, using: str, **kwargs: Any) -> None:
    """Bring in the stations after migrations, unless the tables were just taken away."""
    from weather.models import Station
    from weather.services.stations import sync_stations

    tables = set(connections[using].introspection.table_names())
    if using == "default" and Station._meta.db_table in tables:
        sync_stations()
