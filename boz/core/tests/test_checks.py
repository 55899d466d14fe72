from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from boz.core import checks

GOOD_QUEUE = {"timeout": 60, "retry": 120, "max_attempts": 3, "save_limit": 0, "workers": 1}


def ids(found: list) -> list[str]:
    return [message.id for message in found]


def test_a_good_queue_passes() -> None:
    with override_settings(Q_CLUSTER=GOOD_QUEUE):
        assert checks.check_queue(None) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"timeout": 120}, "boz.E001"),
        ({"timeout": 121}, "boz.E001"),
        ({"timeout": None}, "boz.E001"),
        ({"max_attempts": 0}, "boz.E002"),
        ({"save_limit": 250}, "boz.E003"),
        ({"save_limit": -1}, "boz.E003"),
    ],
)
def test_a_queue_that_repeats_or_forgets_jobs_is_refused(change: dict, expected: str) -> None:
    with override_settings(Q_CLUSTER=GOOD_QUEUE | change):
        found = checks.check_queue(None)

        assert ids(found) == [expected]
        assert found[0].hint
        assert expected in ids(run_checks(tags=["queue"])), "it is registered"


def test_what_a_queue_leaves_out_counts_with_its_own_default() -> None:
    with override_settings(Q_CLUSTER={"workers": 1}):
        assert ids(checks.check_queue(None)) == ["boz.E001", "boz.E002", "boz.E003"]


@pytest.mark.parametrize(
    ("environment", "allow", "expected"),
    [
        ("development", True, ["boz.E004"]),
        ("test", True, ["boz.E004"]),
        ("production", True, []),
        ("development", False, []),
    ],
)
def test_real_money_is_for_production_only(environment: str, allow: bool, expected: list) -> None:
    with override_settings(ENVIRONMENT=environment, BOZ_ALLOW_LIVE=allow):
        assert ids(checks.check_live_trading(None)) == expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("", ["boz.E005"]),
        ("boz-weather-trader", ["boz.E005"]),
        ("boz (ada@example.org)", []),
        ("boz (https://example.org/contact)", []),
    ],
)
def test_the_weather_service_is_told_whom_to_write_to(agent: str, expected: list) -> None:
    with override_settings(NWS_USER_AGENT=agent):
        assert ids(checks.check_nws_contact(None)) == expected


def test_a_placeholder_contact_is_noticed_before_deployment() -> None:
    with override_settings(NWS_USER_AGENT="boz (set NWS_USER_AGENT to your contact@example.org)"):
        assert ids(checks.check_nws_contact_is_ours(None)) == ["boz.W002"]


@pytest.mark.parametrize(
    ("engine", "workers", "expected"),
    [
        ("django.db.backends.sqlite3", 2, ["boz.W001"]),
        ("django.db.backends.sqlite3", 1, []),
        ("django.db.backends.postgresql", 8, []),
    ],
)
def test_several_workers_on_one_file_are_warned_of(
    settings, monkeypatch: pytest.MonkeyPatch, engine: str, workers: int, expected: list
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
    settings.Q_CLUSTER = GOOD_QUEUE | {"workers": workers}

    assert ids(checks.check_sqlite_workers(None)) == expected
