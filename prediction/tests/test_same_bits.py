from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection, transaction

from prediction.tests.same_bits import MOMENTS, live_through

pytestmark = pytest.mark.django_db

ON_SQLITE = """
import json
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from prediction.tests.same_bits import live_through
print(json.dumps(live_through()))
"""


def test_the_same_inputs_give_the_same_bits():
    tellings = []
    for _ in range(2):
        with transaction.atomic():
            tellings.append(live_through())
            transaction.set_rollback(True)

    assert tellings[0] == tellings[1]
    assert len(tellings[0]) > len(MOMENTS) * 8
    assert any(line.startswith("blend") and "None" not in line for line in tellings[0])


@pytest.mark.postgres
def test_sqlite_and_postgresql_give_the_same_bits(tmp_path):
    if connection.vendor != "postgresql":
        pytest.skip("compares PostgreSQL with an SQLite database beside it")
    beside = subprocess.run(
        [sys.executable, "-c", ON_SQLITE],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/beside.sqlite3"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(beside.stdout.strip().splitlines()[-1]) == live_through()
