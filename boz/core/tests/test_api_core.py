from __future__ import annotations

import datetime as dt

import pytest

from boz.core.models import AgentLease
from boz.core.services.audit import record_audit
from boz.core.tests.api_helpers import assert_queries_do_not_grow, client_of, make_user, rows
from boz.core.tests.factories import (
    NOW,
    JobRunFactory,
    LogEntryFactory,
    NotificationFactory,
    NotificationTargetFactory,
)

pytestmark = pytest.mark.django_db

CORE_LISTS = (
    "job-runs",
    "agent-leases",
    "audit-events",
    "log-entries",
    "notifications",
    "notification-targets",
)


def add_audit(index: int = 0):
    return record_audit(
        actor="owner",
        action="portfolio.limits",
        subject=f"portfolio:{index}",
        before={"max": "1"},
        after={"max": "2"},
        reason="trying",
        now=NOW,
    )


def add_one_of_each(index: int) -> None:
    JobRunFactory(agent=f"agent{index}")
    AgentLease.objects.create(agent=f"agent{index}", expires_at=NOW)
    add_audit(index)
    LogEntryFactory()
    NotificationFactory()
    NotificationTargetFactory()


@pytest.fixture
def staff():
    return client_of(make_user("staff", is_staff=True))


@pytest.mark.parametrize("path", CORE_LISTS)
def test_core_rows_are_for_staff_only(client, path):
    add_one_of_each(0)

    assert client.get(f"/api/v1/{path}/").status_code in (401, 403)
    assert client_of(make_user("someone")).get(f"/api/v1/{path}/").status_code == 403
    assert rows(client_of(make_user("staff", is_staff=True)), path)


@pytest.mark.parametrize("path", CORE_LISTS)
def test_core_lists_need_as_many_queries_for_many_rows_as_for_one(staff, path):
    add_one_of_each(0)

    assert_queries_do_not_grow(
        staff, path, lambda: [add_one_of_each(index) for index in range(1, 4)]
    )


def test_the_address_of_a_notification_target_is_never_shown(staff):
    target = NotificationTargetFactory()

    body = staff.get(f"/api/v1/notification-targets/{target.pk}/").content.decode()

    assert target.name in body
    assert "canary-url" not in body
    assert target.encrypted_url not in body


def test_rows_are_filtered_and_ordered(staff):
    late = JobRunFactory(agent="predict", started_at=NOW + dt.timedelta(hours=1))
    early = JobRunFactory(agent="predict", started_at=NOW)
    JobRunFactory(agent="trade")

    found = rows(staff, "job-runs", agent="predict", ordering="started_at")

    assert [row["id"] for row in found] == [early.pk, late.pk]
    since = rows(staff, "job-runs", started_from=(NOW + dt.timedelta(minutes=1)).isoformat())
    assert [row["id"] for row in since] == [late.pk]


def test_a_cursor_visits_every_row_once_even_when_all_share_the_ordered_value(staff):
    made = {JobRunFactory(started_at=NOW).pk for _ in range(7)}

    seen: list[int] = []
    address = "/api/v1/job-runs/?page_size=2&ordering=started_at"
    while address:
        page = staff.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]

    assert len(seen) == len(made)
    assert set(seen) == made


def test_a_page_holds_at_most_500_rows(staff):
    from boz.core.models import JobRun

    JobRun.objects.bulk_create([JobRunFactory.build() for _ in range(501)])

    assert len(rows(staff, "job-runs", page_size=100_000)) == 500
