"""The environment of an ordinary installation whose outside services are a local world's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test.utils import override_settings

from boz.core.errors import TransientError

MANAGE = Path(settings.BASE_DIR) / "manage.py"

#: Setting of each service's address, and the name under which the sandbox tells it.
SERVICES = {
    "KALSHI_API_URL": "rest",
    "KALSHI_DEMO_API_URL": "rest",
    "KALSHI_WS_URL": "websocket",
    "KALSHI_DEMO_WS_URL": "websocket",
    "NWS_API_URL": "nws",
    "AVIATIONWEATHER_API_URL": "aviationweather",
    "OPEN_METEO_API_URL": "open_meteo",
    "NBM_API_URL": "nbm",
    "IEM_API_URL": "iem",
    "WEATHER_COMPANY_API_URL": "weather_company",
}
LIMITS = (
    "KALSHI_RATE_LIMIT_PER_SECOND",
    "NWS_RATE_LIMIT_PER_SECOND",
    "AVIATIONWEATHER_RATE_LIMIT_PER_SECOND",
    "OPEN_METEO_CALLS_PER_MINUTE",
    "NBM_RATE_LIMIT_PER_SECOND",
    "IEM_RATE_LIMIT_PER_SECOND",
    "WEATHER_COMPANY_RATE_LIMIT_PER_SECOND",
)
#: Nobody is asked too often on loopback.
UNLIMITED = "10000"


@contextmanager
def world_beside_us(*options: str) -> Iterator[dict[str, Any]]:
    """Run ``manage.py sandbox`` with these options in a process of its own; yield its addresses.

    Raises:
        TransientError: If it does not start.
    """
    command = [sys.executable, str(MANAGE), "sandbox", "--port", "0", "--json", *options]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
        command, stdout=subprocess.PIPE, text=True
    )
    try:
        line = "" if process.stdout is None else process.stdout.readline()
        if not line:
            raise TransientError("The sandbox did not start; the reason stands above.", {})
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(timeout=10)


def product_environment(
    world: Mapping[str, Any], *, database_url: str, keep_limits: bool = False
) -> dict[str, str]:
    """Return the environment for a process of the product inside of a world.

    Args:
        world: What the sandbox printed when it was ready.
        database_url: Where that process keeps its data.
        keep_limits: Ask each service no oftener than the real one may be asked.
    """
    return {
        **os.environ,
        **_addresses(world),
        **({} if keep_limits else dict.fromkeys(LIMITS, UNLIMITED)),
        "DATABASE_URL": database_url,
        "LOG_LEVEL": "ERROR",
        "REDIS_URL": "",
    }


def inside_of(world: Mapping[str, Any]) -> override_settings:
    """Return what points this process's clients at a world while a ``with`` block runs."""
    return override_settings(**_addresses(world), **{name: int(UNLIMITED) for name in LIMITS})


def _addresses(world: Mapping[str, Any]) -> dict[str, str]:
    return {setting: world[service] for setting, service in SERVICES.items()}
