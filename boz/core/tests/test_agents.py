from __future__ import annotations

import datetime as dt
import threading
import time
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test import override_settings

from boz.core import agents
from boz.core.agents import Agent, AgentResult, get_agent, heartbeat, run_agent, running_for
from boz.core.clock import utc_now
from boz.core.errors import DataUnavailable, TransientError
from boz.core.models import AgentLease, JobRun, LogEntry
from boz.core.schemas import SkippedSubject
from boz.core.services import notifications
from boz.core.tests.factories import NOW, NotificationFactory, NotificationTargetFactory

pytestmark = pytest.mark.django_db


def test_a_run_is_recorded_with_what_it_did_and_left_out(add_agent) -> None:
    seen: list[dt.datetime] = []

    def work(now: dt.datetime) -> AgentResult:
        seen.append(now)
        skip = SkippedSubject(subject="KXHIGHNY", reason="No quote.", context={"p": Decimal("0.1")})
        return AgentResult(done={"rows": 0, "cost": Decimal("1.25")}, skipped=[skip])

    add_agent("probe", work)
    run = run_agent("probe", now=NOW)

    run.refresh_from_db()
    assert seen == [NOW]
    assert (run.status, run.as_of, run.error, run.is_dry_run) == ("OK", NOW, "", False)
    assert run.done == {"rows": 0, "cost": "1.25"}
    assert run.skipped == [{"subject": "KXHIGHNY", "reason": "No quote.", "context": {"p": "0.1"}}]
    assert run.finished_at is not None
    assert run.duration_seconds >= 0


def test_a_run_knows_how_long_it_has_been_at_work_by_the_wall_clock(add_agent, monkeypatch) -> None:
    seen: list[dt.timedelta] = []

    def work(now: dt.datetime) -> AgentResult:
        later = utc_now() + dt.timedelta(minutes=2)
        monkeypatch.setattr("boz.core.agents.utc_now", lambda: later)
        seen.append(running_for())
        return AgentResult()

    add_agent("probe", work)
    run_agent("probe", now=NOW)

    assert seen[0] >= dt.timedelta(minutes=2)
    assert running_for() == dt.timedelta(0)


def test_a_known_failure_is_recorded_and_not_raised(add_agent) -> None:
    def work(now: dt.datetime) -> AgentResult:
        raise TransientError("nws cannot be reached.", {"source": "nws"})

    add_agent("probe", work)
    run = run_agent("probe", now=NOW)

    assert (run.status, run.error) == ("FAILED", "nws cannot be reached.")
    assert LogEntry.objects.get().context["reason"] == "nws cannot be reached."


def test_an_unexpected_failure_is_recorded_as_a_sentence_without_secrets(add_agent) -> None:
    def work(now: dt.datetime) -> AgentResult:
        raise KeyError("token=c4n4ry5ecret")

    add_agent("probe", work)
    run = run_agent("probe", now=NOW)

    run.refresh_from_db()
    assert run.status == "FAILED"
    assert run.error.startswith("Stopped by an unexpected KeyError")
    assert "c4n4ry5ecret" not in run.error
    assert "Traceback" in LogEntry.objects.get().context["traceback"]


def test_an_agent_that_returns_nothing_has_failed(add_agent) -> None:
    add_agent("probe", lambda now: None)

    assert "must return an AgentResult" in run_agent("probe", now=NOW).error


def test_a_second_delivery_at_the_same_time_is_refused(add_agent) -> None:
    inner: list[JobRun] = []

    def work(now: dt.datetime) -> AgentResult:
        if not inner:
            inner.append(run_agent("probe", now=now))
        return AgentResult()

    add_agent("probe", work)
    outer = run_agent("probe", now=NOW)

    assert outer.status == "OK"
    assert inner[0].status == "REFUSED"
    assert "running already" in inner[0].error
    assert run_agent("probe", now=NOW).status == "OK", "the lease is free again"


def test_the_lease_is_free_again_after_a_failure(add_agent) -> None:
    def work(now: dt.datetime) -> AgentResult:
        raise ValueError

    add_agent("probe", work)
    run_agent("probe", now=NOW)

    assert AgentLease.objects.get().holder == ""
    assert run_agent("probe", now=NOW).status == "FAILED"


def test_agents_do_not_wait_for_each_other(add_agent) -> None:
    inner: list[JobRun] = []

    def work(now: dt.datetime) -> AgentResult:
        inner.append(run_agent("other", now=now))
        return AgentResult()

    add_agent("probe", work)
    add_agent("other", lambda now: AgentResult())
    run_agent("probe", now=NOW)

    assert inner[0].status == "OK"


@override_settings(Q_CLUSTER={"timeout": 300, "retry": 600})
def test_a_dead_run_is_closed_once_its_lease_has_run_out(add_agent) -> None:
    add_agent("probe", lambda now: AgentResult())
    with time_machine.travel(NOW, tick=False) as clock:
        assert agents._take_lease(agents.get_agent("probe"), "dead")
        dead = JobRun.objects.create(agent="probe", as_of=NOW, started_at=NOW, heartbeat_at=NOW)
        clock.shift(329)
        assert run_agent("probe", now=NOW).status == "REFUSED"
        clock.shift(2)
        assert run_agent("probe", now=NOW).status == "OK"

    dead.refresh_from_db()
    assert dead.status == "FAILED"
    assert "its lease ran out" in dead.error


@override_settings(Q_CLUSTER={"timeout": 300, "retry": 600})
def test_a_heartbeat_keeps_the_lease(add_agent) -> None:
    with time_machine.travel(NOW, tick=False) as clock:

        def work(now: dt.datetime) -> AgentResult:
            clock.shift(300)
            heartbeat()
            clock.shift(300)
            assert run_agent("probe", now=now).status == "REFUSED"
            return AgentResult()

        add_agent("probe", work)
        run = run_agent("probe", now=NOW)

    assert run.status == "OK", run.error
    assert heartbeat() is None, "outside of a run it does nothing"


def test_an_interrupt_closes_the_run_and_goes_on(add_agent) -> None:
    def work(now: dt.datetime) -> AgentResult:
        raise SystemExit(1)  # the queue's time limit does that

    add_agent("probe", work)
    with pytest.raises(SystemExit):
        run_agent("probe", now=NOW)

    run = JobRun.objects.get()
    assert (run.status, run.error) == ("FAILED", "Interrupted before it was finished.")
    assert AgentLease.objects.get().holder == ""


def test_a_dry_run_leaves_only_its_own_record(add_agent) -> None:
    def work(now: dt.datetime) -> AgentResult:
        LogEntry.objects.create(at=now, level="WARNING", tag="SYSTEM", message="made")
        return AgentResult(done={"rows": LogEntry.objects.count()})

    add_agent("probe", work)
    run = run_agent("probe", now=NOW, dry_run=True)

    assert (run.status, run.is_dry_run, run.done) == ("OK", True, {"rows": 1})
    assert LogEntry.objects.count() == 0
    assert JobRun.objects.get().is_dry_run
    assert run_agent("probe", now=NOW).done == {"rows": 1}
    assert LogEntry.objects.count() == 1


def test_a_dry_run_of_what_cannot_be_undone_is_refused_and_does_nothing(add_agent) -> None:
    calls: list[dt.datetime] = []

    def send(now: dt.datetime) -> AgentResult:
        calls.append(now)
        return AgentResult()

    add_agent("probe", send, acts_outside=True)
    run = run_agent("probe", now=NOW, dry_run=True)

    assert (run.status, run.is_dry_run, calls) == ("REFUSED", True, [])
    assert "no dry run" in JobRun.objects.get().error
    assert not AgentLease.objects.exists()
    assert run_agent("probe", now=NOW).status == "OK"
    assert calls == [NOW]


def test_a_dry_run_of_notify_sends_nothing(monkeypatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        notifications, "send_with_apprise", lambda url, message: sent.append(message.title)
    )
    NotificationTargetFactory()
    NotificationFactory(title="Hello")

    refused = run_agent("notify", now=NOW, dry_run=True)

    assert (refused.status, sent) == ("REFUSED", [])
    assert run_agent("notify", now=NOW).done["delivered"] == 1
    assert sent == ["Hello"]


def test_a_time_without_a_zone_is_refused_before_anything_happens(add_agent) -> None:
    add_agent("probe", lambda now: AgentResult())

    with pytest.raises(ValueError, match="time zone"):
        run_agent("probe", now=NOW.replace(tzinfo=None))
    assert JobRun.objects.count() == 0


def test_an_unknown_agent_lists_those_there_are(add_agent) -> None:
    add_agent("probe", lambda now: AgentResult())

    with pytest.raises(DataUnavailable, match=r"no agent 'prob'. There are: .*probe"):
        get_agent("prob")


def test_a_name_belongs_to_one_function(add_agent) -> None:
    def work(now: dt.datetime) -> AgentResult:
        return AgentResult()

    add_agent("probe", work)
    add_agent("probe", work)
    with pytest.raises(ValueError, match="two agents"):
        add_agent("probe", lambda now: AgentResult())


def test_a_round_goes_by_order(add_agent) -> None:
    add_agent("second", lambda now: AgentResult(), order=-1)
    add_agent("first", lambda now: AgentResult(), order=-2)

    assert [agent.name for agent in agents.all_agents()][:2] == ["first", "second"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_deliveries_at_once_exactly_one_works(add_agent) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("an SQLite database in memory has one connection")
    at_work, may_end = threading.Event(), threading.Event()
    runs: list[JobRun] = []

    def work(now: dt.datetime) -> AgentResult:
        at_work.set()
        may_end.wait(timeout=10)
        return AgentResult()

    def deliver() -> None:
        try:
            runs.append(run_agent("probe", now=NOW))
        finally:
            connection.close()

    add_agent("probe", work)
    threads = [threading.Thread(target=deliver) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert at_work.wait(timeout=10)
    deadline = time.monotonic() + 10
    while len(runs) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    may_end.set()
    for thread in threads:
        thread.join()

    assert sorted(run.status for run in runs) == ["OK", *["REFUSED"] * 4]
    assert JobRun.objects.filter(status="OK").count() == 1


def test_a_job_with_a_lease_of_its_own_is_leased_for_so_long(add_agent) -> None:
    seen: list[dt.timedelta] = []

    def run(_: dt.datetime) -> AgentResult:
        seen.append(AgentLease.objects.get(agent="long").expires_at - utc_now())
        return AgentResult(done={"looked": 1})

    job = Agent(name="long", run=run, description="", order=0, lease=dt.timedelta(seconds=60))
    result = agents.run_job(job, now=NOW)
    assert (result.agent, result.status) == ("long", "OK")
    assert dt.timedelta(seconds=50) < seen[0] <= dt.timedelta(seconds=60)
    assert "long" not in [agent.name for agent in agents.all_agents()]
