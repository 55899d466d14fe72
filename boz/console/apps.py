"""Registration of the app."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The operator's web pages; it has no tables of its own."""

    name = "boz.console"
    label = "console"
    verbose_name = "Console"
