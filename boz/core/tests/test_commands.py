from __future__ import annotations

import datetime as dt
import io
import json
import sys
import types

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import override_settings
from django_q.models import Schedule

from boz.core.agents import AgentResult
from boz.core.audit import record_audit
from boz.core.errors import OperatorActionRequired, TransientError
from boz.core.models import AuditEvent, JobRun
from boz.core.scheduling import ScheduleEntry
from boz.core.schemas import SkippedSubject
from boz.core.services import doctor
from boz.core.services.schedules import sync_schedules
from boz.core.tasks import run_agent_task
from boz.core.tests.factories import NOW, JobRunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_site():
    with override_settings(ROOT_URLCONF="boz.core.tests.urls"):
        yield


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def run_failing(*arguments: str) -> tuple[str, str]:
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*arguments, stdout=out)
    return out.getvalue(), str(caught.value)


# run_agent


def test_a_run_is_one_json_document(add_agent) -> None:
    skip = SkippedSubject(subject="KXHIGHMIA", reason="No forecast.")
    add_agent("probe", lambda now: AgentResult(done={"settled": 3}, skipped=[skip]))

    document = json.loads(
        run("run_agent", "probe", "--once", "--json", "--as-of", "2024-11-14T00:47:00Z")
    )

    assert document == {
        "settled": 3,
        "agent": "probe",
        "status": "OK",
        "as_of": "2024-11-14T00:47:00Z",
        "skipped": [{"subject": "KXHIGHMIA", "reason": "No forecast.", "context": {}}],
        "error": "",
    }


def test_people_get_sentences(add_agent) -> None:
    skip = SkippedSubject(subject="KXHIGHMIA", reason="No forecast.")
    add_agent("probe", lambda now: AgentResult(done={"settled": 3}, skipped=[skip]))

    text = run("run_agent", "probe", "--dry-run")

    assert "probe: OK (dry run: undone)" in text
    assert "settled: 3" in text
    assert "skipped KXHIGHMIA: No forecast." in text


def test_people_get_each_reason_once_with_its_source_and_whom_it_concerns(add_agent) -> None:
    told = {"source_code": "nws-grid"}
    skipped = [
        SkippedSubject(subject=f"row {number}", reason="Too cold.", context=told)
        for number in [*range(8), 0]
    ]
    skipped.append(SkippedSubject(subject="NY", reason="Too cold."))
    add_agent("probe", lambda now: AgentResult(skipped=skipped))

    lines = [line for line in run("run_agent", "probe").splitlines() if "skipped" in line]

    assert lines == [
        "  skipped nws-grid row 0, row 1, row 2, row 3, row 4, row 5 and 2 more: Too cold.",
        "  skipped NY: Too cold.",
    ]


def test_a_failed_run_prints_its_document_and_fails(add_agent) -> None:
    def work(now: dt.datetime) -> AgentResult:
        raise TransientError("nws cannot be reached.")

    add_agent("probe", work)
    out, error = run_failing("run_agent", "probe", "--json")

    assert json.loads(out)["status"] == "FAILED"
    assert error == json.loads(out)["error"] == "nws cannot be reached."


def test_an_unknown_agent_is_answered_with_those_there_are() -> None:
    out, error = run_failing("run_agent", "wether", "--json")

    assert "There are: " in error
    assert "notify" in error
    assert json.loads(out)["error"] == "DataUnavailable"


@pytest.mark.parametrize("text", ["yesterday", "2024-11-14", "2024-11-14T00:00:00"])
def test_a_moment_needs_its_zone(add_agent, text: str) -> None:
    add_agent("probe", lambda now: AgentResult())

    assert (
        "--as-of must be a time with its zone"
        in run_failing("run_agent", "probe", "--as-of", text)[1]
    )
    assert JobRun.objects.count() == 0


@time_machine.travel(NOW, tick=False)
def test_the_queue_runs_an_agent_as_of_now(add_agent) -> None:
    add_agent("probe", lambda now: AgentResult())

    assert run_agent_task("probe") == "OK"
    assert JobRun.objects.get().as_of == NOW


# verify_audit


def test_the_audit_command_fails_on_a_break() -> None:
    for number in range(2):
        record_audit(
            actor="ada",
            action="a",
            subject=f"s:{number}",
            before=None,
            after=None,
            reason="",
            now=NOW,
        )
    document = json.loads(run("verify_audit", "--json"))
    assert document["ok"] is True
    assert document["events"] == 2
    assert "2 events, 0 breaks" in run("verify_audit")

    event = AuditEvent.objects.order_by("id")[0]
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_auditevent SET actor = 'eve' WHERE id = %s", [event.pk])
    out, error = run_failing("verify_audit", "--json")

    assert json.loads(out)["breaks"][0]["event_id"] == event.pk
    assert "tampered" in error


# sync_schedules


def entry(name: str, cron: str = "5,35 * * * *", agent: str = "notify") -> ScheduleEntry:
    return ScheduleEntry(name=name, agent=agent, cron=cron, description="A test.")


def test_schedules_are_made_equal_to_the_code() -> None:
    foreign = Schedule.objects.create(name="theirs", func="other.task")
    first = sync_schedules([entry("a"), entry("b")], now=NOW)
    same = sync_schedules([entry("a"), entry("b")], now=NOW + dt.timedelta(hours=1))
    Schedule.objects.create(name="a", func="boz.core.tasks.run_agent_task", args="('notify',)")
    changed = sync_schedules([entry("a", cron="0 * * * *")], now=NOW)

    assert first.created == ["a", "b"]
    assert same.unchanged == ["a", "b"]
    assert (changed.updated, changed.removed) == (["a"], ["b"])
    row = Schedule.objects.get(func="boz.core.tasks.run_agent_task")
    assert (row.name, row.args, row.cron, row.repeats) == ("a", "('notify',)", "0 * * * *", -1)
    assert row.next_run == NOW.replace(hour=11, minute=0, second=0)
    assert Schedule.objects.filter(pk=foreign.pk).exists()


def test_an_unchanged_schedule_keeps_its_next_run() -> None:
    sync_schedules([entry("a")], now=NOW)
    before = Schedule.objects.get().next_run
    sync_schedules([entry("a")], now=NOW + dt.timedelta(days=3))

    assert Schedule.objects.get().next_run == before == NOW.replace(minute=5, second=0)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ([entry("a", cron="61 * * * *")], "no cron expression"),
        ([entry("a", cron="* * * * * *")], "no cron expression"),
        ([entry("a", agent="nobody")], "no agent 'nobody'"),
        ([entry("a"), entry("a")], "Two schedules"),
    ],
)
def test_a_wrong_schedule_changes_nothing(wrong: list[ScheduleEntry], problem: str) -> None:
    sync_schedules([entry("keep")], now=NOW)

    with pytest.raises(OperatorActionRequired, match=problem):
        sync_schedules(wrong, now=NOW)

    assert [row.name for row in Schedule.objects.all()] == ["keep"]


def test_the_command_reads_the_module_that_settings_name(monkeypatch) -> None:
    module = types.ModuleType("boz_test_schedules")
    module.SCHEDULES = [entry("a")]
    monkeypatch.setitem(sys.modules, "boz_test_schedules", module)

    with override_settings(SCHEDULES_MODULE="boz_test_schedules"):
        assert json.loads(run("sync_schedules", "--json"))["created"] == ["a"]
        assert "unchanged: a" in run("sync_schedules")


# doctor


def test_a_fit_installation_is_found_fit() -> None:
    document = json.loads(run("doctor", "--offline", "--json"))

    by_name = {check["name"]: check for check in document["checks"]}
    assert document["ok"] is True
    for name in ("settings", "queue", "database", "migrations", "encryption"):
        assert by_name[name]["ok"], by_name[name]
    assert {"disk", "clock", "agent notify"} <= set(by_name)
    assert not any(name.startswith("service") for name in by_name)
    assert by_name["agent notify"]["ok"] is False
    assert "run_agent notify" in by_name["agent notify"]["next_step"]


def test_unreachable_services_are_told_and_not_fatal() -> None:
    document = json.loads(run("doctor", "--json"))  # the suite's addresses lead nowhere

    services = [check for check in document["checks"] if check["name"].startswith("service")]
    assert {check["name"].removeprefix("service ") for check in services} == {
        "nws",
        "aviationweather",
        "open-meteo",
        "nbm",
        "iem",
        "weather-company",
        "kalshi",
    }
    assert not any(check["ok"] for check in services)
    assert all(check["next_step"] for check in services)
    assert document["ok"] is True


def test_a_broken_queue_makes_it_unfit() -> None:
    with override_settings(Q_CLUSTER={"timeout": 100, "retry": 10, "workers": 1}):
        out, error = run_failing("doctor", "--offline", "--json")

    assert json.loads(out)["ok"] is False
    assert error == "Not fit to run: queue."


def test_missing_keys_make_it_unfit() -> None:
    with override_settings(ENCRYPTION_KEYS=[]):
        out, _ = run_failing("doctor", "--offline")

    assert "FAIL  encryption: No encryption key" in out


def test_the_last_success_and_the_last_error_of_an_agent_are_told() -> None:
    later = NOW + dt.timedelta(minutes=5)
    JobRunFactory(agent="notify")
    good = {finding.name: finding for finding in doctor.examine(now=later, offline=True)}
    JobRunFactory(
        agent="notify", status="FAILED", started_at=later, finished_at=later, error="Gone."
    )
    bad = {finding.name: finding for finding in doctor.examine(now=later, offline=True)}

    assert good["agent notify"].detail == "Last success 5 minutes ago."
    assert good["agent notify"].ok
    assert bad["agent notify"].detail.endswith("Its last run said: Gone.")
    assert not bad["agent notify"].ok


def test_apps_add_findings_of_their_own_once_the_database_is_up_to_date(monkeypatch) -> None:
    def examiner(now: dt.datetime) -> list[doctor.Finding]:
        return [doctor.Finding("probe", False, f"Asked at {now:%H:%M}.")]

    monkeypatch.setattr(doctor, "_EXAMINERS", [])
    doctor.register_examiner(examiner)
    doctor.register_examiner(examiner)
    found = [finding.detail for finding in doctor.examine(now=NOW, offline=True)]
    assert found.count(f"Asked at {NOW:%H:%M}.") == 1

    behind = doctor.Finding("migrations", False, "One is missing.", required=True)
    monkeypatch.setattr(doctor, "_migrations", lambda: behind)
    names = [finding.name for finding in doctor.examine(now=NOW, offline=True)]
    assert "probe" not in names


@pytest.mark.parametrize(("skew_seconds", "is_good"), [(2, True), (-3600, False), (3600, False)])
def test_a_wrong_clock_is_noticed_by_the_services_clocks(skew_seconds: int, is_good: bool) -> None:
    server = NOW + dt.timedelta(seconds=skew_seconds)

    finding = doctor._clock(now=NOW, server_times=[server])

    assert finding.ok is is_good
    assert bool(finding.next_step) is not is_good


def test_a_clock_behind_the_database_is_noticed() -> None:
    JobRunFactory(started_at=NOW + dt.timedelta(days=1))

    assert not doctor._clock(now=NOW, server_times=[]).ok
