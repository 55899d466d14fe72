"""Django's handle on the sandbox; it has no tables, only commands."""

from __future__ import annotations

from django.apps import AppConfig, apps


class SandboxConfig(AppConfig):
    """Registers the sandbox's commands and benchmarks."""

    name = "boz.sandbox"
    label = "sandbox"
    verbose_name = "Sandbox"

    def ready(self) -> None:
        """Make the benchmarks known that need a world, where there is a product to measure."""
        if not apps.is_installed("boz.core"):
            return
        from boz.sandbox.benchmarks import register

        register()
