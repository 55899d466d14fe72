"""Start-up: every variable is documented, and a bad one is named with its fix."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from boz.core.env import READ_NAMES

ROOT = Path(settings.BASE_DIR)
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Start the product in an environment of its own, and return how that went."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "BOZ_ENV_FILE": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def example_names() -> list[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return [match[1] for line in lines if (match := re.match(r"([A-Z][A-Z0-9_]*)=", line))]


def test_the_example_lists_exactly_what_the_settings_read():
    assert sorted(example_names()) == sorted(READ_NAMES)


def test_every_variable_of_the_example_has_a_comment_above_it():
    commented = False
    for line in (ROOT / ".env.example").read_text().splitlines():
        if line.startswith("#"):
            commented = True
        elif not line:
            commented = False
        else:
            assert commented, f"{line} has no comment above it"


def test_every_default_limit_is_read_by_a_new_portfolio():
    source = (ROOT / "trading" / "models" / "portfolios.py").read_text()

    for name in example_names():
        if name.startswith("DEFAULT_"):
            assert f"settings.{name}" in source, f"nothing reads {name}"


def test_a_missing_encryption_key_stops_start_up_and_names_its_fix():
    result = start()

    assert result.returncode == 2
    assert "ENCRYPTION_KEY" in result.stderr
    assert "Make one with" in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENCRYPTION_KEY", "c2hvcnQ="),
        ("DEFAULT_MAX_TRADE_SIZE", "plenty"),
        ("DEFAULT_COOLDOWN_MINUTES", "-1"),
        ("ENVIRONMENT", "prod"),
        ("LOG_LEVEL", "LOUD"),
        ("NWS_RATE_LIMIT_PER_SECOND", "0"),
        ("KALSHI_API_URL", "not an address"),
        ("REDIS_URL", "http://localhost"),
        ("BOZ_ALLOW_LIVE", "maybe"),
    ],
)
def test_a_malformed_variable_stops_start_up_and_names_itself(name, value):
    result = start(**{"ENCRYPTION_KEY": KEY, name: value})

    assert result.returncode == 2
    assert name in result.stderr
    assert "Traceback" not in result.stderr


def test_a_limit_of_zero_is_a_limit_of_zero():
    result = start(ENCRYPTION_KEY=KEY, DEFAULT_MAX_TRADE_SIZE="0", DEFAULT_COOLDOWN_MINUTES="0")

    assert result.returncode == 0, result.stderr


def test_a_secret_is_read_from_a_mounted_file(tmp_path):
    secret = tmp_path / "key"
    secret.write_text(KEY + "\n")

    result = start(ENCRYPTION_KEY_FILE=str(secret), DATABASE_URL="sqlite:///:memory:")

    assert result.returncode == 0, result.stderr


def test_a_missing_secret_file_is_named():
    result = start(ENCRYPTION_KEY_FILE="/nonexistent/key")

    assert result.returncode == 2
    assert "ENCRYPTION_KEY_FILE" in result.stderr
