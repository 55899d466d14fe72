"""``manage.py sandbox``: the local world as a server."""

from __future__ import annotations

import datetime as dt
import json
import math
import signal
import threading
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from boz.core.clock import format_utc, parse_utc
from boz.core.commands import TeachingCommand
from boz.core.errors import BozBaseException
from boz.sandbox.fault_plan import order_plan
from boz.sandbox.floor.floor import FloorOptions
from boz.sandbox.scenarios import DEFAULT_NOW, INVENTED_NOW, SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.world import open_world

_EPILOG = """\
Services and the settings that point to them:
  exchange             KALSHI_API_URL           .../trade-api/v2
  its stream           KALSHI_WS_URL            .../trade-api/ws/v2
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

  More of a fault: "since": "..." begins it at a simulated time; "method" and "path" (a pattern that
  path and query contain) choose the requests; "chance": 0.05 spoils that share, drawn under "seed";
  "seconds" is how long a timeout keeps silent; "after": true lets an order arrive before
  its answer goes wrong (otherwise a timeout or a refusal means that it never did).
  Only the exchange: no_order (a success without an order), extra_field, renamed_field,
  repeated_cursor, dropped_page; and of its stream ws_duplicated, ws_reordered, ws_gap and
  ws_disconnect, where "path" is the type of message.
  --faults FILE orders a whole plan: {"seed": 7, "faults": [{...}, ...]}.

The exchange trades:
  Every start makes an account with $10,000 and an RSA key: key_id and private_key_file in the JSON
  line; the file is for its owner alone and goes when the sandbox ends. Requests are signed with the
  real time, within 30 s. Orders meet the recorded book: what was taken is gone until the tape
  trades there again; a resting order fills when the tape trades at its price or through it.
  With --orders-per-minute random orders move the books, the same ones under the same --seed; that
  is for trying the stream out, not for judging forecasts.
  GET  /sandbox/exchange                              pause, history, accounts
  POST /sandbox/exchange {"pause": "trading|exchange|none"}    let trading, or cancels too, rest
  POST /sandbox/exchange {"determine": TICKER, "result": "yes|no"}  tell a result before its time,
                                                      or anew: the timer starts again, and what was
                                                      paid is corrected
  POST /sandbox/exchange {"history_days": 2}          settled longer ago is in the historical tier
  POST /sandbox/exchange {"revoke": KEY_ID}           make a key worthless
  POST /sandbox/exchange/accounts {"cash": "500", "kind": "rsa|ed25519", "scopes": ["read"]}
                                                      another account, or with "user_id" another key

Recorded: New York and Miami, climate days 2024-11-14 to 2024-12-16; official highs from 2024-07-01.
Books are derived from trades and marked so. No model's forecast was recorded as it was issued:
Open-Meteo and the National Blend have no data for these days. In the scenario every_source all
24 stations have weather, invented and marked so. Stop with Ctrl-C.

Examples:
  manage.py sandbox --port 8899
  manage.py sandbox --now 2024-11-27T18:00:00Z --speed 60
  manage.py sandbox --scenario ladder_gap
  manage.py sandbox --scenario every_source --latency-ms 200 --strict-limits
  manage.py sandbox --speed 1 --orders-per-minute 60 --seed 7 --accounts 2
"""


class Command(TeachingCommand):
    """Serves recorded days on loopback HTTP under a simulated clock."""

    epilog = _EPILOG
    help = (
        "Serve the exchange and the weather services on loopback HTTP, replaying recorded days "
        "under a simulated clock; the exchange trades. When ready, prints one JSON line that says "
        "where everything is. Needs no database and no network."
    )
    requires_system_checks: list[str] = []

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
            help="refuse what Open-Meteo (more than 6 calls at once), the Mesonet (more than one a "
            "second for reports and texts) and the exchange (tokens of the tier Basic) refuse",
        )
        parser.add_argument(
            "--accounts", type=_whole, default=1, help="funded accounts at the exchange (default 1)"
        )
        parser.add_argument(
            "--seed",
            type=_whole,
            default=0,
            help="decides identities, random orders and faults by chance (default 0)",
        )
        parser.add_argument(
            "--orders-per-minute",
            type=_rate,
            default=0.0,
            help="random orders per open market and minute (default 0: books are as recorded)",
        )
        parser.add_argument(
            "--history-days",
            type=_whole,
            default=None,
            help="days after which what is settled moves to the historical tier (default: never)",
        )
        parser.add_argument(
            "--maintenance",
            action="store_true",
            help="let trading rest on Thursdays from 3 to 5 AM Eastern time",
        )
        parser.add_argument(
            "--faults", type=Path, default=None, metavar="FILE", help="a plan of faults, as JSON"
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
        world = open_world(
            scenario=options["scenario"],
            now=now,
            speed=options["speed"],
            options=FloorOptions(
                seed=options["seed"],
                orders_per_minute=options["orders_per_minute"],
                history_days=options["history_days"],
                maintenance=options["maintenance"],
            ),
        )
        if options["faults"] is not None:
            order_plan(world.faults, options["faults"])
        server = SandboxServer(
            world,
            port=options["port"],
            latency=dt.timedelta(milliseconds=options["latency_ms"]),
            strict_limits=options["strict_limits"],
            accounts=options["accounts"],
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


def _rate(text: str) -> float:
    return _not_negative(text, "a rate")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"a whole number of 0 or more is needed, was {text!r}")
    return int(text)


def _not_negative(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ArgumentTypeError(f"{what} is a number of 0 or more, was {text!r}")
    return value
