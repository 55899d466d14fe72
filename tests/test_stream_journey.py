"""The live stream follows a lossy exchange and ends with the exchange's own books."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from boz.core.clock import format_utc, parse_utc
from boz.sandbox.environment import product_environment, world_beside_us

pytestmark = pytest.mark.slow

SECONDS = 25
QUIET_SECONDS = 12
LOSSES = [
    {"source": "kalshi", "kind": "ws_gap", "chance": 0.02, "count": 0},
    {"source": "kalshi", "kind": "ws_duplicated", "chance": 0.02, "count": 0},
    {"source": "kalshi", "kind": "ws_reordered", "chance": 0.02, "count": 0},
    {"source": "kalshi", "kind": "ws_disconnect", "chance": 0.005, "count": 0},
]
#: Prints every stored book beside nothing else: ticker, known or not, levels of both sides.
BOOKS = """
import json
from markets.models import BookSnapshot, Market
found = {}
for market in Market.objects.filter(status="active"):
    row = BookSnapshot.objects.filter(market=market).order_by("-at", "-pk").first()
    if row is None or not row.is_known:
        found[market.ticker] = None
        continue
    book = row.as_order_book()
    found[market.ticker] = [
        sorted([str(level.price_dollars), str(level.count)] for level in side)
        for side in (book.yes_bids, book.no_bids)
    ]
print(json.dumps(found))
"""


@pytest.fixture
def world(tmp_path) -> Iterator[dict]:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"seed": 11, "faults": LOSSES}))
    flow = ("--orders-per-minute", "900", "--seed", "7")
    with world_beside_us(
        "--now", "2024-11-14T15:00:00Z", "--faults", str(plan), *flow
    ) as addresses:
        yield addresses


def manage(world: dict, database: Path, *arguments: str) -> str:
    environment = {
        **product_environment(world, database_url=f"sqlite:///{database}"),
        "KALSHI_STREAM_KEY_ID": world["key_id"],
        "KALSHI_STREAM_PRIVATE_KEY_FILE": world["private_key_file"],
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def let_time_pass(world: dict, *, until: threading.Event) -> None:
    """Move the world a second a second, until told to let it rest."""
    now = parse_utc(world["now"])
    with httpx.Client(base_url=world["rest"].removesuffix("/trade-api/v2")) as control:
        while not until.wait(1.0):
            now += dt.timedelta(seconds=1)
            control.post("/sandbox/clock", json={"now": format_utc(now)}).raise_for_status()


def books_of_the_exchange(world: dict, tickers: list[str]) -> dict:
    found = {}
    with httpx.Client(base_url=world["rest"]) as exchange:
        for ticker in tickers:
            body = exchange.get(f"/markets/{ticker}/orderbook").json()["orderbook_fp"]
            found[ticker] = [sorted(body.get(side) or []) for side in ("yes_dollars", "no_dollars")]
    return found


def test_after_gaps_repeats_and_disconnects_every_book_is_the_exchanges_own(world, tmp_path):
    database = tmp_path / "stream.sqlite3"
    manage(world, database, "migrate", "-v0")
    manage(world, database, "run_agent", "markets", "--once", "--as-of", world["now"])
    rest = threading.Event()
    driver = threading.Thread(target=let_time_pass, args=(world,), kwargs={"until": rest})
    driver.start()
    timer = threading.Timer(SECONDS - QUIET_SECONDS, rest.set)
    timer.start()
    arguments = ("--seconds", str(SECONDS), "--as-of", world["now"], "--json")
    try:
        told = json.loads(manage(world, database, "stream", *arguments).splitlines()[-1])
    finally:
        rest.set()
        driver.join()

    ours = json.loads(manage(world, database, "shell", "-v0", "-c", BOOKS).splitlines()[-1])

    assert told["deltas"] > 50
    assert told["gaps"] + told["repeated"] + told["connections"] > 3
    assert told["differing_snapshots"] == 0
    assert len(ours) >= 12
    assert ours == books_of_the_exchange(world, list(ours))
