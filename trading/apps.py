"""Registration of the app."""

from __future__ import annotations

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """Decisions, orders, positions and the ledger."""

    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the app's agents known, and what it needs kept."""
        from trading import agents  # noqa: F401 - importing registers
        from trading.services import kept_books  # noqa: F401 - importing registers
