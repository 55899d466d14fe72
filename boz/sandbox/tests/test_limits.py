"""Latency and the limits of the real hosts."""

from __future__ import annotations

import asyncio
import datetime as dt
import time

import httpx
import pytest

from boz.sandbox.app import create_app
from boz.sandbox.limits import OneASecond, OneAtATime
from boz.sandbox.server import SandboxServer
from boz.sandbox.tests.conftest import BASE_URL
from boz.sandbox.wire import WireError

MOMENT = "2026-07-15T15:00:00Z"
METEO = "/open-meteo/v1/forecast?latitude=40.78&longitude=-73.97&hourly=temperature_2m"
TEXTS = "/iem/cgi-bin/afos/retrieve.py?pil=CLINYC"
CLIMATE = "/iem/json/cli.py?station=KNYC&year=2026"


@pytest.fixture
def world(at):
    return at(MOMENT, scenario="every_source").world


def ask_at_once(app, paths: list[str]) -> list[httpx.Response]:
    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
            return await asyncio.gather(*(client.get(path) for path in paths))

    return asyncio.run(send())


def test_every_outside_answer_waits_and_all_wait_at_once(world):
    app = create_app(world, latency=dt.timedelta(milliseconds=100))
    began = time.monotonic()
    answers = ask_at_once(app, [METEO, CLIMATE, "/nws/gridpoints/OKX/34,45"] * 8)
    took = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {200}
    assert 0.1 <= took < 24 * 0.1


def test_the_controls_do_not_wait(world):
    app = create_app(world, latency=dt.timedelta(hours=1))
    assert ask_at_once(app, ["/sandbox/clock"])[0].status_code == 200


def test_open_meteo_lets_five_wait_and_refuses_the_seventh(world):
    app = create_app(world, latency=dt.timedelta(milliseconds=5), strict_limits=True)
    answers = ask_at_once(app, [METEO] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] * 6 + [429] * 2
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json() == {"error": True, "reason": "Too many concurrent requests"}
    assert [answer.status_code for answer in ask_at_once(app, [METEO])] == [200]


def test_open_meteo_answers_one_after_the_other():
    async def overlap() -> int:
        door, inside, most = OneAtATime(), 0, 0

        async def visit() -> None:
            nonlocal inside, most
            async with door.enter("/"):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(visit() for _ in range(6)))
        return most

    assert asyncio.run(overlap()) == 1


def test_the_mesonet_refuses_a_second_text_within_a_second(world):
    app = create_app(world, strict_limits=True)
    answers = ask_at_once(app, [TEXTS, TEXTS, CLIMATE, CLIMATE])
    assert [answer.status_code for answer in answers] == [200, 503, 200, 200]


def test_the_second_counts_from_the_last_one_let_in():
    now = [0.0]
    door = OneASecond(frozenset({"/retrieve.py"}), monotonic=lambda: now[0])

    async def enter(at: float) -> bool:
        now[0] = at
        try:
            async with door.enter("/cgi-bin/afos/retrieve.py"):
                return True
        except WireError:
            return False

    async def visits() -> list[bool]:
        return [await enter(at) for at in (0.0, 0.9, 1.0, 1.5, 2.0)]

    assert asyncio.run(visits()) == [True, False, True, False, True]


def test_without_strict_limits_nobody_is_refused(world):
    answers = ask_at_once(create_app(world), [METEO] * 8 + [TEXTS] * 3)
    assert {answer.status_code for answer in answers} == {200}


def test_the_server_passes_latency_and_limits_on(world):
    with SandboxServer(world, latency=dt.timedelta(milliseconds=30), strict_limits=True) as server:
        began = time.monotonic()
        assert httpx.get(f"{server.base_url}{TEXTS}").status_code == 200
        assert time.monotonic() - began >= 0.03
        assert httpx.get(f"{server.base_url}{TEXTS}").status_code == 503
