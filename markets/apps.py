"""Registration of the app."""

from __future__ import annotations

from django.apps import AppConfig


class MarketsConfig(AppConfig):
    """The exchange: series, events, brackets, quotes and books."""

    name = "markets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the app's agents and benchmarks known."""
        from markets import agents  # noqa: F401 - importing registers
        from markets.benchmarks import register

        register()
