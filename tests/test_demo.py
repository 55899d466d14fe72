"""The demo from the outside, as a person runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PROMISED = {
    "days",
    "events",
    "predictions",
    "decisions",
    "orders",
    "fills",
    "settled_trades",
    "postmortems",
    "pnl",
    "fees",
    "ledger_drift",
    "seconds",
}


def demo(database: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "manage.py", "demo", "--no-serve", "--json"),
            *("--database", str(database), *words),
        ],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )


def figures(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout.strip().splitlines()[-1])


@pytest.mark.slow
def test_the_demo_settles_explains_and_repeats_itself(tmp_path):
    first = figures(demo(tmp_path / "demo.sqlite3", "--days", "2"))
    second = figures(demo(tmp_path / "demo.sqlite3", "--days", "2"))

    assert set(first) >= PROMISED
    assert first["settled_trades"] > 0
    assert first["postmortems"] == first["settled_trades"]
    assert first["ledger_drift"] == "0"
    assert first["failed_jobs"] == 0
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_the_demo_never_wipes_a_database_it_did_not_make(tmp_path):
    precious = tmp_path / "precious.sqlite3"
    precious.write_bytes(b"years of trades")

    result = demo(precious, "--days", "1")

    assert result.returncode != 0
    assert "was not made by the demo" in result.stderr
    assert precious.read_bytes() == b"years of trades"


def test_a_port_in_use_is_told_before_anything_is_played(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        result = subprocess.run(
            [sys.executable, "manage.py", "demo", "--port", port],
            cwd=ROOT,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )

    assert result.returncode != 0
    assert f"Port {port} cannot be used" in result.stderr


@pytest.mark.parametrize("days", ["0", "34", "-1"])
def test_a_number_of_days_that_was_not_recorded_is_refused(tmp_path, days):
    result = demo(tmp_path / "demo.sqlite3", "--days", days)

    assert result.returncode != 0
    assert "--days must be" in result.stderr
