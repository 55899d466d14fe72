"""The queue for real: a cluster process on a database of its own runs a scheduled agent."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PATIENCE_SECONDS = 60


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'queue.sqlite3'}",
        "QUEUE_WORKERS": "1",
    }


def manage(environment: dict[str, str], *words: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )


def rows(path: Path, query: str) -> list[tuple]:
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.slow
def test_a_cluster_runs_the_scheduled_agents(environment, tmp_path):
    database = tmp_path / "queue.sqlite3"
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "sync_schedules")
    manage(environment, "sync_schedules")
    names = [name for (name,) in rows(database, "SELECT name FROM django_q_schedule")]
    assert len(names) == len(set(names)) >= 10
    with sqlite3.connect(database) as connection:
        # The others would ask services that are not there.
        connection.execute("DELETE FROM django_q_schedule WHERE name != 'Approvals'' expiry'")
        connection.execute(
            "UPDATE django_q_schedule SET next_run = '2024-01-01 00:00:00' "
            "WHERE name = 'Approvals'' expiry'"
        )

    cluster = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        finished = wait_for(
            database,
            "SELECT status FROM core_jobrun"
            " WHERE agent = 'expire_approvals' AND status != 'RUNNING'",
        )
    finally:
        os.killpg(cluster.pid, signal.SIGTERM)
        try:
            cluster.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(cluster.pid, signal.SIGKILL)
            cluster.wait(timeout=10)

    assert finished[0] == ("OK",)


def wait_for(database: Path, query: str) -> list[tuple]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = rows(database, query)
        if found:
            return found
        time.sleep(0.25)
    raise AssertionError("the cluster ran nothing")
