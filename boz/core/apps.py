"""The ground floor as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Registers the system checks and the core's own agents."""

    name = "boz.core"
    label = "core"
    verbose_name = "Operations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from boz.core import checks, jobs  # noqa: F401
        from boz.core.metrics import register_collector

        register_collector()
