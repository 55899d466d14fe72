"""Registration of the app."""

from __future__ import annotations

from django.apps import AppConfig


class PredictionConfig(AppConfig):
    """One calibrated distribution per station and climate day."""

    name = "prediction"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the app's agents and benchmarks known."""
        from prediction import agents  # noqa: F401 - importing registers
        from prediction.benchmarks import register

        register()
