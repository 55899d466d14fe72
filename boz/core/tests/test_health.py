from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client, override_settings

from boz.core.tests.factories import NOW, JobRunFactory, NotificationFactory

TOKEN = "metrics-token"


@pytest.fixture(autouse=True)
def _own_site():
    with override_settings(
        ROOT_URLCONF="boz.core.tests.urls", METRICS_TOKEN=TOKEN, SECURE_SSL_REDIRECT=False
    ):
        yield


def test_health_says_healthy_to_anyone(client: Client, db: None) -> None:
    answer = client.get("/api/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy"}
    assert client.post("/api/health").status_code == 405


def test_health_says_unhealthy_when_the_database_is_away(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise DatabaseError("away")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", fail)
        answer = client.get("/api/health")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unhealthy"}


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer ", TOKEN, "Bearer é"]
)
def test_metrics_are_closed_to_strangers(client: Client, db: None, header: str | None) -> None:
    extra = {} if header is None else {"HTTP_AUTHORIZATION": header}

    assert client.get("/metrics", **extra).status_code == 401


def test_an_empty_token_opens_nothing(client: Client, db: None) -> None:
    with override_settings(METRICS_TOKEN=""):
        assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 401


def test_staff_see_metrics_and_other_users_do_not(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("trader"))
    assert client.get("/metrics").status_code == 401

    client.force_login(User.objects.create_user("operator", is_staff=True))
    assert client.get("/metrics").status_code == 200


def test_the_web_process_tells_what_agents_did_elsewhere(client: Client, db: None) -> None:
    later = NOW + dt.timedelta(minutes=5)
    JobRunFactory(agent="trade")
    JobRunFactory(agent="trade", started_at=later, finished_at=later, status="FAILED")
    JobRunFactory(agent="trade", started_at=later, finished_at=later, is_dry_run=True)
    NotificationFactory()

    text = client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").content.decode()

    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("boz_"))
    success = "boz_agent_last_success_timestamp_seconds"
    assert float(samples[f'{success}{{agent="trade"}}']) == NOW.timestamp()
    assert samples[f'{success}{{agent="digest"}}'] == "0.0"
    assert samples['boz_agent_last_run_ok{agent="trade"}'] == "0.0"
    assert samples['boz_agent_failed_runs{agent="trade"}'] == "1.0"
    assert samples['boz_agent_failed_runs{agent="digest"}'] == "0.0"
    assert samples["boz_notifications_waiting"] == "1.0"
    assert samples["boz_database_up"] == "1.0"


def test_metrics_survive_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from boz.core import metrics

    def fail() -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(metrics, "_agent_families", fail)

    (up,) = metrics.AgentCollector().collect()
    assert [(sample.name, sample.value) for sample in up.samples] == [("boz_database_up", 0)]
