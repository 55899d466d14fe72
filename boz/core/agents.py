"""Agents: the named jobs of the system, and the one way to run them.

An app registers its agents in ``<app>/agents.py``. Delivery is at least once: a lease in the
database refuses a second run of the same agent while one is at work, and agents themselves are
idempotent.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from boz.core.clock import require_utc, utc_now
from boz.core.errors import BozBaseException, DataUnavailable
from boz.core.logging import TaggedLogger, get_logger
from boz.core.models import AgentLease, JobRun
from boz.core.redaction import redact, redact_text
from boz.core.schemas import SkippedSubject

log = get_logger("SYSTEM")

#: Beyond the queue's own limit, after which it has ended the process.
LEASE_MARGIN = dt.timedelta(seconds=30)
DEFAULT_LEASE = dt.timedelta(minutes=15)
HEARTBEAT_EVERY = dt.timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class AgentResult:
    """What an agent did and what it left out; both are kept with its run."""

    done: dict[str, Any] = field(default_factory=dict)
    skipped: list[SkippedSubject] = field(default_factory=list)


AgentFunction = Callable[[dt.datetime], AgentResult]


@dataclass(frozen=True, slots=True)
class Agent:
    """A registered job."""

    name: str
    run: AgentFunction
    description: str
    order: int
    acts_outside: bool = False
    lease: dt.timedelta | None = None


@dataclass(slots=True)
class _Running:
    """The run at work in this context, and when it last showed that it is alive."""

    agent: Agent
    run_id: int
    holder: str
    beat_at: dt.datetime
    started_at: dt.datetime


_AGENTS: dict[str, Agent] = {}
_current: contextvars.ContextVar[_Running | None] = contextvars.ContextVar(
    "current_run", default=None
)


def register_agent(
    name: str,
    run: AgentFunction,
    *,
    description: str,
    order: int,
    acts_outside: bool = False,
) -> None:
    """Make a job known under its name.

    Args:
        name: What ``run_agent`` and the schedules call it.
        run: Takes the moment whose knowledge counts; returns what it did.
        description: One sentence for operators.
        order: Place in a full round of all agents, smallest first.
        acts_outside: It does what no rollback takes back, such as sending a message, so a dry run
            of it is refused.

    Raises:
        ValueError: If another function has this name.
    """
    known = _AGENTS.get(name)
    if known is not None and known.run is not run:
        raise ValueError(f"two agents are called {name!r}")
    _AGENTS[name] = Agent(
        name=name, run=run, description=description, order=order, acts_outside=acts_outside
    )


def get_agent(name: str) -> Agent:
    """Return an agent.

    Raises:
        DataUnavailable: If none has this name; the message lists those there are.
    """
    agent = _AGENTS.get(name)
    if agent is None:
        names = ", ".join(agent.name for agent in all_agents())
        raise DataUnavailable(f"There is no agent {name!r}. There are: {names}.", {"name": name})
    return agent


def all_agents() -> list[Agent]:
    """Return every agent in the order of a full round."""
    return sorted(_AGENTS.values(), key=lambda agent: (agent.order, agent.name))


def run_agent(name: str, *, now: dt.datetime, dry_run: bool = False) -> JobRun:
    """Run an agent once and record how it went.

    A failure of the agent is recorded, logged and not raised. A dry run is rolled back as a whole
    and leaves only its :class:`JobRun`; it keeps one transaction open all the while, so it is for
    people at a prompt, not for schedules. A dry run of an agent that acts outside of the database
    is refused, and the refusal recorded.

    Args:
        name: A registered name.
        now: The moment whose knowledge counts, aware; nothing later is visible to the agent.
        dry_run: Undo everything afterwards.

    Raises:
        DataUnavailable: If there is no such agent.
    """
    return run_job(get_agent(name), now=now, dry_run=dry_run)


def run_job(agent: Agent, *, now: dt.datetime, dry_run: bool = False) -> JobRun:
    """Run a job that has a command of its own instead of a registered name, such as the stream.

    It is leased, recorded and watched like any other; see :func:`run_agent`. An :class:`Agent`
    with a ``lease`` of its own is taken for dead after so long without :func:`heartbeat`.
    """
    as_of = require_utc(now, name="now")
    if dry_run and agent.acts_outside:
        return _record_refusal(agent, _NO_DRY_RUN, as_of=as_of, dry_run=True)
    holder = str(uuid.uuid4())
    if not _take_lease(agent, holder):
        return _record_refusal(agent, _RUNNING_ALREADY, as_of=as_of, dry_run=dry_run)
    try:
        started = utc_now()
        run = JobRun.objects.create(
            agent=agent.name,
            as_of=as_of,
            started_at=started,
            heartbeat_at=started,
            is_dry_run=dry_run,
        )
        token = _current.set(_Running(agent, run.pk, holder, started, started))
        try:
            _perform(agent, run, dry_run=dry_run)
        finally:
            _current.reset(token)
            _close_interrupted(run)
    finally:
        _release_lease(agent.name, holder)
    return run


@contextmanager
def guarded(subject: str, skipped: list[SkippedSubject], *, log: TaggedLogger) -> Iterator[None]:
    """Do one subject of a job; whatever goes wrong is recorded, and the job's others go on.

    Args:
        subject: What the body of the ``with`` is about.
        skipped: Where the reason is written.
        log: Where it is told.
    """
    try:
        yield
    except BozBaseException as error:
        log.warning(error.message, subject=subject)
        skipped.append(SkippedSubject(subject=subject, reason=error.message, context=error.context))
    except Exception as error:
        reason = redact_text(f"Stopped by an unexpected {type(error).__name__}: {error}")[:2000]
        log.exception("Stopped unexpectedly", subject=subject)
        skipped.append(SkippedSubject(subject=subject, reason=reason))


def heartbeat() -> None:
    """Show that the running agent is alive and extend its lease; a no-op outside of a run.

    Agents that may take longer than the lease call it between subjects, as often as they like: it
    is written at most every few seconds.
    """
    current = _current.get()
    if current is None:
        return
    now = utc_now()
    if now - current.beat_at < HEARTBEAT_EVERY:
        return
    current.beat_at = now
    JobRun.objects.filter(pk=current.run_id, status=JobRun.Status.RUNNING).update(heartbeat_at=now)
    AgentLease.objects.filter(holder=current.holder).update(
        expires_at=now + _lease_duration(current.agent)
    )


def running_for() -> dt.timedelta:
    """Return how long the running agent has been at work by the wall clock; zero outside a run."""
    current = _current.get()
    return dt.timedelta(0) if current is None else utc_now() - current.started_at


class _DryRunFinished(Exception):  # noqa: N818 - not an error: it carries the result past a rollback
    def __init__(self, result: AgentResult) -> None:
        super().__init__()
        self.result = result


def _perform(agent: Agent, run: JobRun, *, dry_run: bool) -> None:
    try:
        result = _rolled_back(agent, run.as_of) if dry_run else agent.run(run.as_of)
        _check_result(agent, result)
    except BozBaseException as error:
        _finish(run, JobRun.Status.FAILED, error=error.message)
        log.error(f"Agent {agent.name} failed", reason=error.message, **_facts(error))
    except Exception as error:
        sentence = f"Stopped by an unexpected {type(error).__name__}: {error}"
        _finish(run, JobRun.Status.FAILED, error=redact_text(sentence)[:2000])
        log.exception(f"Agent {agent.name} failed unexpectedly", job_run=run.pk)
    else:
        _finish(run, JobRun.Status.OK, result=result)
        log.info(f"Agent {agent.name} finished", **{**run.done, "skipped": len(run.skipped)})


def _rolled_back(agent: Agent, as_of: dt.datetime) -> AgentResult:
    try:
        with transaction.atomic():
            raise _DryRunFinished(agent.run(as_of))
    except _DryRunFinished as finished:
        return finished.result


def _check_result(agent: Agent, result: Any) -> None:
    if not isinstance(result, AgentResult):
        raise TypeError(f"agent {agent.name} must return an AgentResult, was {type(result)}")


def _facts(error: BozBaseException) -> dict[str, Any]:
    return {"error": type(error).__name__, "context": error.context}


def _finish(
    run: JobRun, status: str, *, result: AgentResult | None = None, error: str = ""
) -> None:
    now = utc_now()
    run.status, run.error = status, error
    run.heartbeat_at = run.finished_at = now
    if result is not None:
        run.done = redact(result.done)
        run.skipped = [redact(skipped.model_dump(mode="python")) for skipped in result.skipped]
    fields = {
        name: getattr(run, name)
        for name in ("status", "error", "heartbeat_at", "finished_at", "done", "skipped")
    }
    # Whoever took the lease over has closed this run already; what it said then stays.
    JobRun.objects.filter(pk=run.pk, status=JobRun.Status.RUNNING).update(**fields)


def _close_interrupted(run: JobRun) -> None:
    """Record a run that left by an exit or an interrupt instead of an end."""
    if run.status == JobRun.Status.RUNNING:
        _finish(run, JobRun.Status.FAILED, error="Interrupted before it was finished.")


def _take_lease(agent: Agent, holder: str) -> bool:
    name, now = agent.name, utc_now()
    try:
        with transaction.atomic():
            lease, _ = AgentLease.objects.select_for_update().get_or_create(
                agent=name, defaults={"expires_at": now}
            )
            if lease.is_held(now=now):
                return False
            lease.holder = holder
            lease.expires_at = now + _lease_duration(agent)
            lease.save(update_fields=["holder", "expires_at"])
            JobRun.objects.filter(agent=name, status=JobRun.Status.RUNNING).update(
                status=JobRun.Status.FAILED,
                finished_at=now,
                error="Its process ended or its lease ran out before it was finished.",
            )
    except IntegrityError:
        # Two first runs at the same moment: the other one made the row.
        return False
    return True


def _release_lease(name: str, holder: str) -> None:
    AgentLease.objects.filter(agent=name, holder=holder).update(holder="", expires_at=utc_now())


def _lease_duration(agent: Agent) -> dt.timedelta:
    if agent.lease is not None:
        return agent.lease
    timeout = getattr(settings, "Q_CLUSTER", {}).get("timeout")
    return DEFAULT_LEASE if not timeout else dt.timedelta(seconds=timeout) + LEASE_MARGIN


_RUNNING_ALREADY = "The same agent is running already, so this delivery did nothing."
_NO_DRY_RUN = (
    "This agent acts outside of the database, where nothing can be undone, so it has no dry run."
)


def _record_refusal(agent: Agent, reason: str, *, as_of: dt.datetime, dry_run: bool) -> JobRun:
    now = utc_now()
    log.info(f"Agent {agent.name} was refused", reason=reason)
    return JobRun.objects.create(
        agent=agent.name,
        status=JobRun.Status.REFUSED,
        is_dry_run=dry_run,
        as_of=as_of,
        started_at=now,
        heartbeat_at=now,
        finished_at=now,
        error=reason,
    )
