"""Take in what several sources say at the same time, without their getting in each other's way.

An :class:`Intake` is one job's dealing with one source: it plans tasks from the database, each task
fetches in a worker thread, and what came is stored in the thread that called. So no network call
is made inside a transaction, workers never touch the database, and a slow host holds up only its
own tasks.
"""

from __future__ import annotations

import datetime as dt
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import Any, Generic, TypeVar

from boz.core.agents import AgentResult, heartbeat
from boz.core.errors import BozBaseException
from boz.core.http import Captured
from boz.core.logging import get_logger
from boz.core.redaction import redact_text
from weather.models import Station
from weather.services.health import Silence, SourceRun, get_source
from weather.sources import CALLS_AT_ONCE, SOURCES_BY_CODE, Service

log = get_logger("WEATHER")

#: No call of a run begins later than this, so that it ends, and tells how its sources did, before
#: the queue's time limit ends it.
LAST_CALL_AFTER_SECONDS = 120.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Task(Generic[Answer]):
    """One thing to fetch.

    Args:
        subject: What it is about, for people.
        fetch: Makes the calls; it runs in a worker thread and never touches the database.
        stations: Codes of the stations that a good answer speaks for.
    """

    subject: str
    fetch: Callable[[], Answer]
    stations: tuple[str, ...] = ()


class Captures:
    """Keeps the raw answers of a client's calls apart by the thread that made them.

    An instance is the ``capture`` of a client.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._local = threading.local()

    def __call__(self, captured: Captured) -> None:
        """Take an answer."""
        kept = getattr(self._local, "kept", None)
        if kept is not None:
            kept.append(captured)

    @property
    def latest(self) -> Captured | None:
        """Return the raw answer to this thread's latest call; None when there is none."""
        kept = getattr(self._local, "kept", None)
        return kept[-1] if kept else None

    @contextmanager
    def collecting(self) -> Iterator[list[Captured]]:
        """Collect what this thread's calls bring while the block runs, oldest first."""
        kept: list[Captured] = []
        self._local.kept = kept
        try:
            yield kept
        finally:
            self._local.kept = None


class Intake(ABC, Generic[Answer]):
    """One job's dealing with one source.

    Args of the constructor are the subclass's own; by convention ``now`` is one of them, and a
    ``client`` that replaces the ordinary one in tests.
    """

    #: Code of the source whose health is judged: of the class, or set by the subclass's
    #: constructor before this one.
    source_code: str

    def __init__(
        self,
        *,
        now: dt.datetime,
        captures: Captures | None = None,
        silence: Silence | None = None,
    ) -> None:
        """Start an account of the source.

        Args:
            now: When the job runs.
            captures: Of the client, when several intakes share one.
            silence: Of the host, when several intakes ask the same.
        """
        self.now = now
        self.captures = captures or Captures()
        self.source = get_source(self.source_code)
        self.run = SourceRun(self.source, now=now, silence=silence)

    @cached_property
    def stations(self) -> dict[str, Station]:
        """Return the active stations by code, read when they are first needed."""
        return {item.code: item for item in Station.objects.filter(is_active=True)}

    @property
    def service(self) -> Service:
        """Return the host that the tasks ask."""
        return SOURCES_BY_CODE[self.source_code].service

    @abstractmethod
    def tasks(self, stack: ExitStack) -> Sequence[Task[Answer]]:
        """Plan what to fetch; clients entered on ``stack`` are closed when all tasks are done."""

    @abstractmethod
    def store(self, task: Task[Answer], answer: Answer, captured: Sequence[Captured]) -> int:
        """Write what a task brought; return how many rows are new.

        Raises:
            BozBaseException: If the answer cannot be used; nothing of it is written.
        """

    @abstractmethod
    def done(self) -> dict[str, int]:
        """Return the figures for the record of the job, after all tasks."""


@dataclass(frozen=True, slots=True)
class _Came:
    """What a worker brings back; without an error the answer counts.

    Args:
        is_given_up: Nobody was asked, since the host has been silent several times.
        is_late: Nobody was asked, since the run has taken too long already.
    """

    answer: Any
    error: Exception | None
    captured: list[Captured]
    is_given_up: bool = False
    is_late: bool = False


def take_in(intakes: Sequence[Intake[Any]]) -> AgentResult:
    """Run every intake, the services side by side, and write the health of each source.

    Whatever goes wrong with one task is recorded; the others go on.
    """
    with ExitStack() as stack:
        pools = _Pools(stack)
        waiting = [
            (intake, task, pools.submit(intake, task))
            for intake in intakes
            if intake.run.is_asked
            for task in _planned(intake, stack)
        ]
        # In the order of the plan, not of the answers: what is stored is then the same every time.
        for intake, task, future in waiting:
            heartbeat()
            _settle(intake, task, future.result())
    for intake in intakes:
        intake.run.finish()
    return merge_results(
        [AgentResult(done=dict(item.done()), skipped=item.run.skipped) for item in intakes]
    )


def merge_results(results: Iterable[AgentResult]) -> AgentResult:
    """Return the results of several parts of a job as one; figures of one name are added up."""
    done: Counter[str] = Counter()
    skipped = []
    for result in results:
        done.update(result.done)
        skipped += result.skipped
    return AgentResult(done=dict(done), skipped=skipped)


class _Pools:
    """One pool of workers per service, as many as may call at once."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._last_call_at = monotonic() + LAST_CALL_AFTER_SECONDS
        self._pools: dict[Service, ThreadPoolExecutor] = {}

    def submit(self, intake: Intake[Any], task: Task[Any]) -> Future[_Came]:
        pool = self._pools.get(intake.service)
        if pool is None:
            pool = ThreadPoolExecutor(
                CALLS_AT_ONCE[intake.service], thread_name_prefix=str(intake.service)
            )
            self._pools[intake.service] = pool
            self._stack.callback(pool.shutdown, cancel_futures=True)
        return pool.submit(_fetch, intake, task, last_call_at=self._last_call_at)


def _planned(intake: Intake[Any], stack: ExitStack) -> Sequence[Task[Any]]:
    try:
        return intake.tasks(stack)
    except BozBaseException as error:
        intake.run.leave_out(intake.source.name, error)
        return ()


def _fetch(intake: Intake[Any], task: Task[Any], *, last_call_at: float) -> _Came:
    """Fetch in a worker, unless the host has been given up meanwhile, or it is too late."""
    silence = intake.run.silence
    if silence.is_hopeless:
        return _Came(None, None, [], is_given_up=True)
    if monotonic() > last_call_at:
        return _Came(None, None, [], is_late=True)
    with intake.captures.collecting() as captured:
        try:
            answer = task.fetch()
        except BozBaseException as error:
            silence.note_failure(error)
            return _Came(None, error, captured)
        except Exception as error:  # noqa: BLE001 - one task must not end the others
            return _Came(None, error, captured)
    silence.note_voice()
    return _Came(answer, None, captured)


def _settle(intake: Intake[Any], task: Task[Any], came: _Came) -> None:
    run = intake.run
    if came.is_given_up:
        run.leave_out_unasked(task.subject)
        return
    if came.is_late:
        run.skip(task.subject, "Left for the next run, since this one has taken too long already.")
        return
    try:
        if came.error is not None:
            raise came.error
        run.rows += intake.store(task, came.answer, came.captured)
    except BozBaseException as error:
        run.leave_out(task.subject, error, captured=came.captured)
    except Exception as error:
        log.exception("Stopped unexpectedly", subject=task.subject)
        sentence = redact_text(f"Stopped by an unexpected {type(error).__name__}: {error}")[:500]
        run.leave_out(task.subject, BozBaseException(sentence))
    else:
        run.answered(task.stations)
