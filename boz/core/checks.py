"""System checks: settings that would lose jobs, money or the goodwill of a service.

Errors refuse to start; what only matters in operation is checked by ``check --deploy``.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

NO_CONTACT_YET = "set NWS_USER_AGENT"


@register("queue")
def check_queue(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a queue that would run a job twice, for ever, or forget how it ended."""
    queue = getattr(settings, "Q_CLUSTER", None)
    if not queue:
        return []
    found: list[CheckMessage] = []
    timeout, retry = queue.get("timeout"), queue.get("retry", 60)
    if not timeout or timeout >= retry:
        found.append(
            Error(
                f"The queue's timeout ({timeout}) is not below its retry ({retry}).",
                hint="A job that is still running would be started again. "
                "Set Q_CLUSTER['timeout'] below Q_CLUSTER['retry'].",
                id="boz.E001",
            )
        )
    if queue.get("max_attempts", 0) <= 0:
        found.append(
            Error(
                "The queue tries a failing job for ever.",
                hint="Set Q_CLUSTER['max_attempts'] above 0.",
                id="boz.E002",
            )
        )
    if queue.get("save_limit", 250) != 0:
        found.append(
            Error(
                "The queue forgets how jobs ended.",
                hint="Set Q_CLUSTER['save_limit'] to 0, which keeps every result.",
                id="boz.E003",
            )
        )
    return found


@register("trading")
def check_live_trading(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse real money anywhere but in production."""
    if getattr(settings, "BOZ_ALLOW_LIVE", False) and settings.ENVIRONMENT != "production":
        return [
            Error(
                f"BOZ_ALLOW_LIVE is on while ENVIRONMENT is {settings.ENVIRONMENT}.",
                hint="Unset BOZ_ALLOW_LIVE, or set ENVIRONMENT=production on the machine that "
                "trades.",
                id="boz.E004",
            )
        ]
    return []


@register("weather")
def check_nws_contact(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse an anonymous user agent: the National Weather Service asks for a contact."""
    agent = getattr(settings, "NWS_USER_AGENT", "")
    if "@" in agent or "http://" in agent or "https://" in agent:
        return []
    return [
        Error(
            "NWS_USER_AGENT names nobody whom the weather service could write to.",
            hint="Set it to something like: boz-weather-trader (you@your-domain).",
            id="boz.E005",
        )
    ]


@register(Tags.database, deploy=True)
def check_sqlite_workers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of several workers that wait for each other at one SQLite file."""
    workers = (getattr(settings, "Q_CLUSTER", None) or {}).get("workers", 1)
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if not is_sqlite or workers <= 1:
        return []
    return [
        Warning(
            f"{workers} queue workers write to one SQLite file, one at a time.",
            hint="Set QUEUE_WORKERS=1, or DATABASE_URL to a PostgreSQL database.",
            id="boz.W001",
        )
    ]


@register("weather", deploy=True)
def check_nws_contact_is_ours(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn while the user agent still is the one that came with the program."""
    if NO_CONTACT_YET not in getattr(settings, "NWS_USER_AGENT", ""):
        return []
    return [
        Warning(
            "NWS_USER_AGENT is still the placeholder.",
            hint="Set it to something like: boz-weather-trader (you@your-domain).",
            id="boz.W002",
        )
    ]
