"""Registration of the app."""

from __future__ import annotations

from django.apps import AppConfig


class WeatherConfig(AppConfig):
    """Stations, forecasts, observations and climate reports."""

    name = "weather"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the app's agents known."""
        from weather import agents  # noqa: F401 - importing registers
