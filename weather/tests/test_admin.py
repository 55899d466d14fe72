from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from boz.core.audit import verify_audit_chain
from boz.core.models import AuditEvent
from boz.core.tests.api_helpers import make_user
from weather.models import (
    ClimateReport,
    DailySummary,
    Forecast,
    ForecastSource,
    HistoryChunk,
    Observation,
    Payload,
    Refusal,
    SourceContact,
    Station,
)
from weather.tests.factories import (
    ClimateReportFactory,
    DailySummaryFactory,
    ForecastFactory,
    ForecastSourceFactory,
    HistoryChunkFactory,
    ObservationFactory,
    PayloadFactory,
    RefusalFactory,
    SourceContactFactory,
    StationFactory,
)

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 11, 21, 12, tzinfo=dt.UTC)
HOSTILE = "<script>alert(1)</script>"
MAKE = {
    Station: StationFactory,
    ForecastSource: lambda: ForecastSourceFactory(code=f"s{ForecastSource.objects.count()}"),
    Forecast: lambda: ForecastFactory(variables={"temp_high_f": 55.0}, payload=PayloadFactory()),
    Observation: lambda: ObservationFactory(raw=HOSTILE),
    ClimateReport: lambda: ClimateReportFactory(note=HOSTILE),
    DailySummary: lambda: DailySummaryFactory(raw=HOSTILE),
    Payload: lambda: PayloadFactory(text=f"{HOSTILE}{Payload.objects.count()}"),
    SourceContact: SourceContactFactory,
    Refusal: lambda: RefusalFactory(
        reason=HOSTILE, context={"said": HOSTILE}, payload=PayloadFactory()
    ),
    HistoryChunk: HistoryChunkFactory,
}
SAID = (Forecast, Observation, ClimateReport, DailySummary)


def address(model, page, *args):
    return reverse(f"admin:weather_{model._meta.model_name}_{page}", args=args)


def browser_of(*codenames: str) -> Client:
    """Return the browser of a member of staff with these rights."""
    user = make_user("anna", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def browser_of_root() -> Client:
    """Return the browser of a user who may everything; no password is hashed for it."""
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def admin_client():
    return browser_of_root()


@pytest.mark.parametrize("model", MAKE)
def test_every_model_has_a_list_a_search_and_a_page(admin_client, model):
    row = MAKE[model]()

    listed = admin_client.get(address(model, "changelist"))
    assert listed.status_code == 200
    assert HOSTILE not in listed.content.decode()
    assert admin_client.get(address(model, "changelist"), {"q": "a"}).status_code == 200
    page = admin_client.get(address(model, "change", row.pk))
    assert page.status_code == 200
    assert HOSTILE not in page.content.decode()


@pytest.mark.parametrize("model", MAKE)
def test_lists_need_as_many_queries_for_many_rows_as_for_one(admin_client, model):
    def counted():
        with CaptureQueriesContext(connection) as context:
            assert admin_client.get(address(model, "changelist")).status_code == 200
        return len(context)

    MAKE[model]()
    admin_client.get(address(model, "changelist"))
    before = counted()
    for _ in range(3):
        MAKE[model]()

    assert counted() == before <= 16


@pytest.mark.parametrize("model", [*SAID, Payload, SourceContact, Refusal, HistoryChunk])
def test_facts_cannot_be_changed_by_hand(admin_client, model):
    row = MAKE[model]()
    before = model.objects.filter(pk=row.pk).values().get()

    posted = admin_client.post(address(model, "change", row.pk), {"high_f": "99", "max_f": "99"})

    assert posted.status_code == 403
    assert model.objects.filter(pk=row.pk).values().get() == before
    assert not site.get_model_admin(model).has_delete_permission(None)
    assert admin_client.get(address(model, "add")).status_code == 403


@pytest.mark.parametrize("model", SAID)
@pytest.mark.parametrize("withdrawn", ["0", "1"])
def test_withdrawn_rows_are_told_apart_in_the_list(admin_client, model, withdrawn):
    counting, gone = MAKE[model](), MAKE[model]()
    model.objects.filter(pk=gone.pk).update(withdrawn_at=NOW, withdrawn_because="Broken.")

    page = admin_client.get(
        address(model, "changelist"), {"withdrawn_at__isempty": "1" if withdrawn == "0" else "0"}
    )

    assert list(page.context["cl"].queryset) == [counting if withdrawn == "0" else gone]


def test_an_observation_shows_the_degrees_it_can_mean(admin_client):
    ObservationFactory(temp_low_f=78, temp_high_f=79)
    ObservationFactory(temp_low_f=-3, temp_high_f=-2)

    listed = admin_client.get(address(Observation, "changelist")).content.decode()

    assert "78\N{EN DASH}79" in listed
    assert "-3 to -2" in listed


def test_the_body_of_evidence_stays_in_the_database_until_it_is_shown(admin_client):
    evidence = PayloadFactory(text="evidence")
    RefusalFactory(payload=evidence)

    with CaptureQueriesContext(connection) as context:
        listed = admin_client.get(address(Refusal, "changelist"))

    assert address(Payload, "change", evidence.pk) in listed.content.decode()

    assert not any('"weather_payload"."body"' in query["sql"] for query in context)


# Withdrawing


@pytest.mark.parametrize("model", SAID)
def test_a_row_is_withdrawn_on_a_page_of_its_own_with_a_reason(model):
    row = MAKE[model]()
    name = model._meta.model_name
    client = browser_of(f"view_{name}", f"change_{name}")
    url = address(model, "withdraw", row.pk)
    assert url in client.get(address(model, "change", row.pk)).content.decode()
    asked = client.get(url)
    assert asked.status_code == 200
    assert HOSTILE not in asked.content.decode()

    refused = client.post(url, {"reason": "  "})
    assert "This field is required." in refused.content.decode()
    assert model.objects.get(pk=row.pk).withdrawn_at is None

    with time_machine.travel(NOW, tick=False):
        done = client.post(url, {"reason": f"Broken {HOSTILE}"}, follow=True)

    assert model.objects.get(pk=row.pk).withdrawn_at == NOW
    text = done.content.decode()
    assert "Withdrawn at 2024-11-21 12:00 UTC: Broken &lt;script&gt;" in text
    assert HOSTILE not in text
    assert url not in text
    assert AuditEvent.objects.get().actor == "anna"
    assert verify_audit_chain() == []
    assert "It was withdrawn at" in client.post(url, {"reason": "Again."}).content.decode()


@pytest.mark.parametrize("model", SAID)
def test_who_may_look_may_not_withdraw(model):
    row = MAKE[model]()
    client = browser_of(f"view_{model._meta.model_name}")
    url = address(model, "withdraw", row.pk)

    page = client.get(address(model, "change", row.pk))
    assert page.status_code == 200
    assert url not in page.content.decode()
    assert client.get(url).status_code == 403
    assert client.post(url, {"reason": "Why not."}).status_code == 403
    assert model.objects.get(pk=row.pk).withdrawn_at is None


def test_a_report_that_came_twice_is_named_before_one_is_withdrawn(admin_client):
    row = ObservationFactory()
    twin = ObservationFactory(
        station=row.station, source=ForecastSourceFactory(code="nws-observations")
    )
    other = ObservationFactory(station=row.station, observed_at=row.observed_at + dt.timedelta(1))

    text = admin_client.get(address(Observation, "withdraw", row.pk)).content.decode()

    assert address(Observation, "change", twin.pk) in text
    assert address(Observation, "change", other.pk) not in text


def test_nothing_that_is_not_there_is_withdrawn(admin_client):
    assert admin_client.get(address(Forecast, "withdraw", 0)).status_code == 404


# Sources and refusals


def paused_source():
    source = ForecastSourceFactory(code="gfs")
    source.status, source.status_reason = "down", f"No good answer. {HOSTILE}"
    source.paused_until, source.error_streak = NOW + dt.timedelta(hours=1), 5
    source.lag_minutes, source.null_share = 75, 0.25
    source.save()
    return source


def test_the_health_of_sources_explains_itself(admin_client):
    paused_source()

    text = admin_client.get(address(ForecastSource, "changelist"), {"q": "gfs"}).content.decode()

    assert "wx-down" in text
    assert "No good answer. &lt;script&gt;" in text
    assert "2024-11-21 13:00Z" in text
    assert "1 h 15 min" in text
    assert "25%" in text


def test_the_runs_of_the_last_day_are_drawn(admin_client):
    source = ForecastSourceFactory()
    at = NOW - dt.timedelta(hours=6)
    SourceContactFactory(source=source, at=at)
    SourceContactFactory(source=source, at=at + dt.timedelta(hours=1), problems=2)
    SourceContactFactory(source=source, at=at, answered=[], problems=1)
    SourceContactFactory(source=source, at=NOW - dt.timedelta(hours=25))

    with time_machine.travel(NOW, tick=False):
        text = admin_client.get(address(ForecastSource, "change", source.pk)).content.decode()

    assert "3 runs asked it, 2 met problems." in text
    assert text.count("wx-mark-ok") == 1
    assert text.count("wx-mark-degraded") == 1
    assert text.count("wx-mark-down") == 1
    assert 'x="540.0"' in text


def act(client, model, action, *rows):
    return client.post(
        address(model, "changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows]},
        follow=True,
    )


def test_a_paused_source_is_asked_again_on_a_persons_word():
    source = paused_source()
    client = browser_of("view_forecastsource", "change_forecastsource")

    page = act(client, ForecastSource, "ask_again_now", source)

    source.refresh_from_db()
    assert (source.paused_until, source.error_streak) == (None, 0)
    assert "is asked again by the next run" in page.content.decode()
    event = AuditEvent.objects.get()
    assert (event.actor, event.action, event.subject) == ("anna", "source.ask_again", "source:gfs")
    assert event.before == {"paused_until": "2024-11-21T13:00:00Z"}


def test_who_may_look_may_neither_end_a_pause_nor_forget_a_refusal():
    source, refusal = paused_source(), RefusalFactory()
    client = browser_of("view_forecastsource", "view_refusal", "change_refusal")

    act(client, ForecastSource, "ask_again_now", source)
    act(client, Refusal, "read_again_next_time", refusal)

    source.refresh_from_db()
    assert source.paused_until is not None
    assert Refusal.objects.filter(pk=refusal.pk).exists()
    assert AuditEvent.objects.count() == 0


def test_a_refused_product_is_read_anew_on_a_persons_word():
    payload = PayloadFactory()
    refusal, other = RefusalFactory(payload=payload, subject="NY abc"), RefusalFactory()
    client = browser_of("view_refusal", "delete_refusal")

    act(client, Refusal, "read_again_next_time", refusal)

    assert list(Refusal.objects.all()) == [other]
    assert Payload.objects.filter(pk=payload.pk).exists()
    event = AuditEvent.objects.get()
    assert event.action == "refusal.read_again"
    assert (event.before["subject"], event.before["payload_sha256"]) == ("NY abc", payload.sha256)


def test_switching_a_source_or_a_station_off_leaves_a_trace(admin_client):
    source, station = ForecastSourceFactory(), StationFactory()

    for row in (source, station):
        admin_client.post(address(type(row), "change", row.pk), {})
        row.refresh_from_db()
        assert not row.is_active

    assert [(event.action, event.subject) for event in AuditEvent.objects.order_by("id")] == [
        ("source.switched", f"source:{source.code}"),
        ("station.switched", f"station:{station.code}"),
    ]
