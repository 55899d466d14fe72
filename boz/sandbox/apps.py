"""Django's handle on the sandbox; it has no tables, only commands."""

from __future__ import annotations

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Registers the sandbox's management commands."""

    name = "boz.sandbox"
    label = "sandbox"
    verbose_name = "Sandbox"
