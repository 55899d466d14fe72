from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import connection, transaction

from boz.core.audit import record_audit, verify_audit_chain
from boz.core.errors import OperatorActionRequired
from boz.core.models import AuditEvent
from boz.core.tests.factories import NOW


def append(number: int = 0, **changes: object) -> AuditEvent:
    return record_audit(
        **{
            "actor": "ada",
            "action": "trade.approve",
            "subject": f"trade:{number}",
            "before": {"status": "PENDING"},
            "after": {"status": "APPROVED", "price": Decimal("0.42"), "size": 1e22, "odd": 0.1},
            "reason": "The edge is real.",
            "now": NOW,
            **changes,
        }
    )


def tamper(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.mark.django_db
def test_events_are_chained() -> None:
    first, second = append(1), append(2, before=None, after=None)

    assert first.previous_hash == ""
    assert second.previous_hash == first.hash
    assert verify_audit_chain() == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "column", ["actor", "action", "subject", "reason", "before", "after", "at"]
)
def test_a_changed_event_is_found(column: str) -> None:
    append(1)
    changed = append(2)
    append(3)
    value = {"before": '{"status": "X"}', "after": "null", "at": "2026-02-17 10:00:02+00:00"}
    tamper(
        f'UPDATE core_auditevent SET "{column}" = %s WHERE id = %s',  # noqa: S608
        value.get(column, "mallory"),
        changed.pk,
    )

    breaks = verify_audit_chain()

    assert [item.event_id for item in breaks] == [changed.pk]
    assert "changed" in breaks[0].problem


@pytest.mark.django_db
def test_a_removed_event_is_found() -> None:
    events = [append(number) for number in range(3)]
    tamper("DELETE FROM core_auditevent WHERE id = %s", events[1].pk)

    breaks = verify_audit_chain()

    assert [item.event_id for item in breaks] == [events[2].pk]
    assert "removed" in breaks[0].problem


@pytest.mark.django_db
def test_a_rewritten_hash_is_found_at_the_next_event() -> None:
    events = [append(number) for number in range(2)]
    tamper("UPDATE core_auditevent SET hash = %s WHERE id = %s", "0" * 64, events[0].pk)

    assert {item.event_id for item in verify_audit_chain()} == {event.pk for event in events}


@pytest.mark.django_db
def test_secrets_never_enter_the_trail() -> None:
    event = append(after={"api_key": "c4n4ry", "nested": {"token": "c4n4ry"}}, reason="pwd=1")

    assert "c4n4ry" not in f"{event.after} {event}"
    assert verify_audit_chain() == []


@pytest.mark.django_db
def test_no_way_through_the_models_changes_or_deletes_an_event() -> None:
    event = append()
    event.reason = "another"
    stored = AuditEvent.objects.get()
    attempts = [
        event.save,
        stored.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(reason="x"),
        lambda: AuditEvent.objects.bulk_update([event], ["reason"]),
        lambda: AuditEvent.objects.bulk_create([event]),
        lambda: AuditEvent.objects.update_or_create(pk=event.pk, defaults={"reason": "x"}),
    ]

    for attempt in attempts:
        with pytest.raises(OperatorActionRequired, match="never changed"):
            attempt()
    assert AuditEvent.objects.get().reason == "The edge is real."


@pytest.mark.django_db
def test_an_event_falls_with_the_transaction_that_it_tells_of() -> None:
    append(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        append(2)
        raise ZeroDivisionError
    append(3)

    assert [event.subject for event in AuditEvent.objects.order_by("id")] == ["trade:1", "trade:3"]
    assert verify_audit_chain() == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_chain() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("an SQLite database in memory has one connection")
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for step in range(5):
                append(10 * number + step)
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert AuditEvent.objects.count() == 20
    assert verify_audit_chain() == []
