from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError, call_command

from boz.core.errors import InvalidDataError, OperatorActionRequired
from boz.sandbox.clock import SimulatedClock
from boz.sandbox.scenarios import DEFAULT_NOW, INVENTED_NOW, SCENARIOS
from boz.sandbox.server import SandboxServer
from boz.sandbox.world import World, open_world

ROOT = Path(__file__).resolve().parents[3]
KEYS = [
    "rest",
    "websocket",
    "nws",
    "open_meteo",
    "iem",
    "aviationweather",
    "weather_company",
    "nbm",
    "key_id",
    "private_key_file",
    "now",
]


@pytest.fixture
def world(services) -> World:
    return World(services("recorded"), SimulatedClock(DEFAULT_NOW), SCENARIOS["recorded"])


def test_it_serves_on_loopback_and_stops(world: World):
    with SandboxServer(world) as server:
        described = server.describe()
        assert list(described) == KEYS
        assert described["rest"] == f"http://127.0.0.1:{server.port}/trade-api/v2"
        assert httpx.get(f"{described['rest']}/exchange/status").json()["exchange_active"]
        assert httpx.get(f"{described['nws']}/gridpoints/OKX/34,45").status_code == 200
        rows = httpx.get(
            f"{described['aviationweather']}/api/data/metar",
            params={"ids": "KMIA", "format": "json"},
        )
        assert rows.json()[0]["icaoId"] == "KMIA"
        port = server.port
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/sandbox/clock")


def test_the_clock_of_the_world_is_the_clock_of_the_server(world: World):
    with SandboxServer(world) as server:
        world.clock.set(DEFAULT_NOW.replace(hour=20))
        body = httpx.get(f"{server.base_url}/sandbox/clock").json()
        assert body["now"] == "2024-11-14T20:00:00Z"


def test_a_taken_port_is_named(world: World):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OperatorActionRequired, match=str(port)):
            SandboxServer(world, port=port).start()


@pytest.mark.slow
def test_a_silent_answer_does_not_hold_up_the_end(world: World):
    with SandboxServer(world) as server:
        httpx.post(
            f"{server.base_url}/sandbox/faults",
            json={"source": "nws", "kind": "timeout", "count": 1},
        )
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{server.nws_url}/gridpoints/OKX/34,45", timeout=0.1)
        began = time.monotonic()
    assert time.monotonic() - began < 5


def test_invented_weather_begins_at_its_own_time_and_goes_back_further():
    assert open_world(scenario="every_source").clock.now() == INVENTED_NOW
    early = dt.datetime(2011, 2, 3, tzinfo=dt.UTC)
    assert open_world(scenario="every_source", now=early).clock.now() == early
    with pytest.raises(InvalidDataError, match="must not lie before 2024-07-01"):
        open_world(now=early)


def test_an_unknown_scenario_names_the_known_ones():
    with pytest.raises(InvalidDataError, match="recorded, ladder_gap, no_prices"):
        open_world(scenario="sunny")


@pytest.mark.slow
def test_twelve_books_at_once_are_answered_within_five_milliseconds(world: World):
    world.clock.set(DEFAULT_NOW.replace(hour=18))
    with SandboxServer(world) as server, httpx.Client(base_url=server.rest_url) as client:
        markets = client.get("/markets", params={"status": "open"}).json()["markets"][-12:]
        tickers = [market["ticker"] for market in markets]
        timings = []
        for _ in range(50):
            began = time.perf_counter()
            client.get("/markets/orderbooks", params={"tickers": tickers})
            timings.append(time.perf_counter() - began)
    assert sorted(timings)[25] < 0.005


# The command alone, with an app list of one and no database: it must need nothing else.
_COMMAND = """
import sys
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["boz.sandbox"], DATABASES={}, USE_TZ=True)
django.setup()
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "sandbox", *sys.argv[1:]])
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if "DJANGO" not in key}
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "ending", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_the_command_prints_one_line_serves_and_ends_cleanly(ending):
    process = start("--json", "--now", "2024-11-27T18:00:00Z", "--scenario", "no_prices")
    try:
        described = json.loads(process.stdout.readline())
        assert list(described) == KEYS
        assert described["now"] == "2024-11-27T18:00:00Z"
        assert described["websocket"].startswith("ws://127.0.0.1:")
        assert Path(described["private_key_file"]).stat().st_mode & 0o777 == 0o600
        scenario = httpx.get(described["rest"].replace("/trade-api/v2", "/sandbox/scenario"))
        assert scenario.json()["name"] == "no_prices"
        process.send_signal(ending)
        rest, errors = process.communicate(timeout=10)
        assert (process.returncode, rest, errors) == (0, "", "")
        assert not Path(described["private_key_file"]).parent.exists()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--now", "yesterday"), "--now must be a UTC time"),
        (("--now", "2024-06-01T00:00:00Z"), "must not lie before 2024-07-01"),
        (("--speed", "-1"), "a speed is a number of 0 or more, was '-1'"),
        (("--speed", "fast"), "a speed is a number of 0 or more, was 'fast'"),
        (("--port", "70000"), "a port is a whole number in 0..65535, was '70000'"),
        (("--scenario", "sunny"), "invalid choice: 'sunny'"),
        (("--latency-ms", "-200"), "a latency is a number of 0 or more, was '-200'"),
        (("--orders-per-minute", "many"), "a rate is a number of 0 or more, was 'many'"),
        (("--accounts", "-1"), "a whole number of 0 or more is needed, was '-1'"),
        (("--faults", "nowhere.json"), "The plan nowhere.json is no JSON object"),
    ],
)
def test_a_wrong_option_is_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("sandbox", *arguments)
