"""``manage.py sandbox``: the local world as a server."""

from __future__ import annotations

import datetime as dt
import json
import math
import signal
import threading
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from boz.core.clock import format_utc, parse_utc
from boz.core.errors import BozBaseException
from boz.sandbox.scenarios import DEFAULT_NOW, INVENTED_NOW, SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.world import open_world

_EPILOG = """\
Services and the settings that point to them:
  exchange             KALSHI_API_URL           .../trade-api/v2
  weather service      NWS_API_URL              .../nws
  aviation weather     AVIATIONWEATHER_API_URL  .../aviationweather
  Open-Meteo           OPEN_METEO_API_URL       .../open-meteo
  Iowa Mesonet         IEM_API_URL              .../iem
  National Blend       NBM_API_URL              .../nbm
  settlement company   WEATHER_COMPANY_API_URL  .../weather-company

Controls:
  GET  /sandbox/clock                      the simulated now
  POST /sandbox/clock   {"now": "..."}     move it forward
  GET  /sandbox/scenario                   what is being served
  GET  /sandbox/faults                     what is wrong now
  POST /sandbox/faults  {"source": "nws|kalshi|aviationweather|open_meteo|iem|nbm|weather_company",
                         "kind": "http_429|http_500|http_503|html|truncated|timeout|empty|nulls|
                                  missing_field|absurd|wrong_station|wrong_day|duplicated",
                         "count": 1}       make the next answers faulty; 0 makes every one so,
                         "until": "..."    to this simulated time, or until the faults are cleared
  POST /sandbox/faults  {"clear": true}    make every answer sound again

Recorded: New York and Miami, climate days 2024-11-14 to 2024-12-16; official highs from 2024-07-01.
Books are derived from trades and marked so. No model's forecast was recorded as it was issued:
Open-Meteo and the National Blend have no data for these days. In the scenario every_source all
24 stations have weather, invented and marked so. Stop with Ctrl-C.

Examples:
  manage.py sandbox --port 8899
  manage.py sandbox --now 2024-11-27T18:00:00Z --speed 60
  manage.py sandbox --scenario ladder_gap
  manage.py sandbox --scenario every_source --latency-ms 200 --strict-limits
"""


class Command(BaseCommand):
    """Serves recorded days on loopback HTTP under a simulated clock."""

    help = (
        "Serve the exchange and the weather services on loopback HTTP, replaying recorded days "
        "under a simulated clock. When ready, prints one JSON line that says where everything is. "
        "Needs no database, no key and no network."
    )
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the layout of the epilog."""
        kwargs.setdefault("epilog", _EPILOG)
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--port", type=_port, default=0, help="port on 127.0.0.1 (default: any free one)"
        )
        parser.add_argument(
            "--scenario",
            choices=sorted(SCENARIOS),
            default="recorded",
            help="; ".join(f"{item.name}: {item.description}" for item in SCENARIOS.values()),
        )
        parser.add_argument(
            "--speed",
            type=_speed,
            default=0.0,
            help="simulated seconds per real second (default 0: the clock stands until it is set)",
        )
        parser.add_argument(
            "--now",
            default=None,
            help=f"first simulated moment in UTC (default {format_utc(DEFAULT_NOW)}; "
            f"{format_utc(INVENTED_NOW)} for every_source)",
        )
        parser.add_argument(
            "--latency-ms",
            type=_latency,
            default=0.0,
            help="milliseconds that every answer of an outside service waits (default 0)",
        )
        parser.add_argument(
            "--strict-limits",
            action="store_true",
            help="refuse what Open-Meteo (more than 6 calls at once) and the Mesonet (more than "
            "one a second for reports and texts) refuse",
        )
        parser.add_argument(
            "--json", action="store_true", help="print the JSON line and nothing for people"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        done = threading.Event()
        # Before anything listens, so that an early signal is not lost.
        previous = {
            number: signal.signal(number, lambda *_: done.set())
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            self._serve(done, options)
        except BozBaseException as error:
            raise CommandError(error.message) from error
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _serve(self, done: threading.Event, options: dict[str, Any]) -> None:
        try:
            now = None if options["now"] is None else parse_utc(options["now"])
        except ValueError as error:
            raise CommandError(
                f"--now must be a UTC time such as 2024-11-14T15:00:00Z: {error}"
            ) from error
        world = open_world(scenario=options["scenario"], now=now, speed=options["speed"])
        server = SandboxServer(
            world,
            port=options["port"],
            latency=dt.timedelta(milliseconds=options["latency_ms"]),
            strict_limits=options["strict_limits"],
        )
        with server:
            if not options["json"]:
                self.stderr.write(f"Sandbox ready: {world.scenario.description} Ctrl-C stops it.")
            self.stdout.write(json.dumps(server.describe()))
            self.stdout.flush()
            done.wait()


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise ArgumentTypeError(f"a port is a whole number in 0..65535, was {text!r}")
    return port


def _speed(text: str) -> float:
    return _not_negative(text, "a speed")


def _latency(text: str) -> float:
    return _not_negative(text, "a latency")


def _not_negative(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ArgumentTypeError(f"{what} is a number of 0 or more, was {text!r}")
    return value
