"""Registration of the app."""

from __future__ import annotations

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    """Outcomes, profit and loss, and what each trade teaches."""

    name = "settlement"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the app's agents known."""
        from settlement import agents  # noqa: F401 - importing registers
