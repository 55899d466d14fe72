from __future__ import annotations

import datetime as dt

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client, override_settings
from django.utils.formats import localize

from boz.core.audit import record_audit
from boz.core.models import AuditEvent, JobRun, LogEntry, NotificationTarget
from boz.core.tests.factories import (
    NOW,
    JobRunFactory,
    LogEntryFactory,
    NotificationFactory,
    NotificationTargetFactory,
)

CANARY = "c4n4ry5ecret"


@pytest.fixture
def operator(admin_client: Client):
    with override_settings(ROOT_URLCONF="boz.core.tests.urls", SECURE_SSL_REDIRECT=False):
        yield admin_client


def test_every_model_is_in_the_admin_and_documents_its_fields() -> None:
    for model in apps.get_app_config("core").get_models():
        assert admin.site.is_registered(model), model
        assert model.__doc__
        for field in model._meta.fields:
            assert field.help_text or field.primary_key, f"{model.__name__}.{field.name}"


def test_facts_are_shown_and_cannot_be_changed(operator: Client) -> None:
    rows = [
        JobRunFactory(done={"rows": 3}, skipped=[{"subject": "<b>", "reason": "r"}]),
        LogEntryFactory(context={"city": "NYC"}),
        record_audit(
            actor="a", action="b", subject="c", before=None, after={"x": 1}, reason="", now=NOW
        ),
        NotificationFactory(),
    ]
    for row in rows:
        base = f"/admin/core/{row._meta.model_name}/"
        shown = operator.get(f"{base}{row.pk}/change/")
        assert operator.get(f"{base}?q=a").status_code == 200
        assert shown.status_code == 200
        assert b"<b>" not in shown.content
        assert operator.get(f"{base}add/").status_code == 403
        assert operator.post(f"{base}{row.pk}/change/", {"reason": "x"}).status_code == 403
        assert operator.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert JobRun.objects.count() == LogEntry.objects.count() == AuditEvent.objects.count() == 1


@pytest.mark.parametrize("model", ["jobrun", "logentry", "auditevent", "notification"])
def test_a_long_list_needs_no_more_queries_than_a_short_one(
    operator: Client, model: str, django_assert_max_num_queries
) -> None:
    for number in range(20):
        JobRunFactory(), LogEntryFactory(), NotificationFactory()
        record_audit(
            actor="a", action="b", subject=f"{number}", before=None, after=None, reason="", now=NOW
        )
    with django_assert_max_num_queries(12):
        operator.get(f"/admin/core/{model}/")


def test_an_address_goes_in_and_never_comes_back(operator: Client) -> None:
    form = {"name": "phone", "minimum_level": "WARNING", "is_active": "on"}
    url = "/admin/core/notificationtarget/"

    refused = operator.post(f"{url}add/", {**form, "url": ""})
    assert refused.status_code == 200
    assert b"Enter the address" in refused.content
    assert operator.post(f"{url}add/", {**form, "url": f"json://{CANARY}"}).status_code == 302

    target = NotificationTarget.objects.get()
    assert target.open_url().reveal() == f"json://{CANARY}"
    shown = operator.get(f"{url}{target.pk}/change/").content.decode()
    assert CANARY not in shown
    assert target.encrypted_url not in shown

    kept = operator.post(f"{url}{target.pk}/change/", {**form, "name": "new", "url": ""})
    assert kept.status_code == 302
    target.refresh_from_db()
    assert (target.name, target.open_url().reveal()) == ("new", f"json://{CANARY}")
    events = [(event.action, event.after) for event in AuditEvent.objects.order_by("id")]
    assert [after["is_address_new"] for _, after in events] == [True, False]
    assert CANARY not in str(events)


def test_a_refused_form_does_not_show_the_address(operator: Client) -> None:
    NotificationTargetFactory(name="phone")
    answer = operator.post(
        "/admin/core/notificationtarget/add/",
        {"name": "phone", "minimum_level": "WARNING", "url": f"json://{CANARY}"},
    )

    assert answer.status_code == 200
    assert CANARY not in answer.content.decode()


def test_pages_write_a_moment_in_iso_order_with_its_zone():
    moment = dt.datetime(2026, 7, 9, 15, 5, tzinfo=dt.UTC)

    assert localize(moment) == "2026-07-09 15:05 UTC"
