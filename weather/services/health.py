"""How the outside sources behave: one account per run of a job, written at its end.

A source that keeps failing is paused, a little longer each time, so that a dead host does not slow
the others down; the reason and the time of the next attempt stand beside it.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from typing import Any

from boz.core.errors import (
    BozBaseException,
    DataUnavailable,
    InvalidDataError,
    TransientError,
)
from boz.core.http import NOTHING_THERE, Captured
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from weather.models import ForecastSource, SourceContact, Station
from weather.services.refusals import record_refusal
from weather.sources import SOURCES_BY_CODE

log = get_logger("WEATHER")

#: Runs without one good answer after which a source counts as down and is paused.
DOWN_AFTER_RUNS = 3
FIRST_PAUSE = dt.timedelta(minutes=5)
LONGEST_PAUSE = dt.timedelta(hours=1)
#: Calls without any answer in a row after which the rest of a run does not wait as well: each
#: one takes its time limit with all its attempts, and a run has a limit of its own.
GIVE_UP_AFTER = 2
#: A refusal such as 503 may be that subject's alone; it counts this much of a silence.
REFUSAL_SHARE = 0.5
#: Above this share of missing values a source is not in order, however well it answers.
NULL_SHARE_LIMIT = 0.5
MINUTE = dt.timedelta(minutes=1)

Status = ForecastSource.Status


def get_source(code: str) -> ForecastSource:
    """Return the row of a source, made on first use."""
    source, _ = ForecastSource.objects.get_or_create(
        code=code, defaults={"name": SOURCES_BY_CODE[code].name}
    )
    return source


def resume(source: ForecastSource) -> None:
    """End a pause, so that the next run asks again."""
    ForecastSource.objects.filter(pk=source.pk).update(paused_until=None, error_streak=0)


class Silence:
    """Counts the calls in a row that a host left without any answer.

    Sources of one host may share one, so that each does not wait for the dead host anew. Workers
    may use it at the same time.
    """

    def __init__(self) -> None:
        """Start with a host that speaks."""
        self._in_a_row = 0.0
        self._was_heard = False
        self._lock = threading.Lock()

    @property
    def is_hopeless(self) -> bool:
        """Say whether the host has been silent so often that asking on is a waste."""
        with self._lock:
            return self._in_a_row >= GIVE_UP_AFTER

    @property
    def was_heard(self) -> bool:
        """Say whether the host has answered anything at all, be it a refusal."""
        with self._lock:
            return self._was_heard

    def note_voice(self) -> None:
        """Note that a call was answered."""
        with self._lock:
            self._in_a_row = 0.0
            self._was_heard = True

    def note_failure(self, error: BozBaseException) -> None:
        """Note a failed call; nonsense and "there is nothing" are no silence."""
        is_silence = isinstance(error, TransientError) and error.context.get("status") is None
        with self._lock:
            self._was_heard = self._was_heard or not is_silence
            if is_silence:
                self._in_a_row += 1.0
            elif isinstance(error, TransientError):
                self._in_a_row += REFUSAL_SHARE
            else:
                self._in_a_row = 0.0


class SourceRun:
    """Collects what a source answered during one run and what was left out because of it.

    Workers may use ``silence``; everything else belongs to the thread that writes to the database.
    """

    def __init__(
        self, source: ForecastSource, *, now: dt.datetime, silence: Silence | None = None
    ) -> None:
        """Start the account of a run, and skip the source when it is switched off or paused.

        Args:
            source: Who is asked.
            now: When.
            silence: Shared with the other sources of its host; None for one of its own.
        """
        self.source = source
        self.now = now
        self.silence = silence or Silence()
        self.rows = 0
        self.skipped: list[SkippedSubject] = []
        self._answered: dict[str, None] = {}
        self._refused_about: set[str] = set()
        self._answers = self._nothing_there = 0
        self._problems: list[str] = []
        self._values = self._missing = 0
        self._newest_issue: dt.datetime | None = None
        self.is_asked = self._may_ask()

    def _may_ask(self) -> bool:
        source = self.source
        if not source.is_active:
            self.skip(source.code, f"{source.name} is switched off.")
            return False
        if source.paused_until is not None and source.paused_until > self.now:
            self.skip(
                source.code,
                f"{source.name} is paused until {source.paused_until:%H:%M} UTC: "
                f"{source.status_reason or 'it kept failing.'} End the pause in the admin "
                "to ask earlier.",
            )
            return False
        return True

    def answered(self, stations: Sequence[str] = ()) -> None:
        """Count a good answer, also one that says there is nothing."""
        self._answers += 1
        self._answered.update(dict.fromkeys(stations))

    def count_values(self, *, seen: int, missing: int) -> None:
        """Add to the values looked at, and to the missing ones among them."""
        self._values += seen
        self._missing += missing

    def note_issue(self, issued_at: dt.datetime) -> None:
        """Note the issue time of something that came; the newest one counts."""
        if self._newest_issue is None or issued_at > self._newest_issue:
            self._newest_issue = issued_at

    def skip(self, subject: str, reason: str, context: dict[str, Any] | None = None) -> None:
        """Leave a subject out for a reason that is not the source's fault."""
        told = {**(context or {}), "source_code": self.source.code}
        self.skipped.append(SkippedSubject(subject=subject, reason=reason, context=told))

    def leave_out(
        self,
        subject: str,
        error: BozBaseException,
        *,
        captured: Sequence[Captured] = (),
        station: Station | None = None,
    ) -> None:
        """Leave a subject out because of an error, and judge the source by it.

        That there is nothing for a subject is an answer, though no word on what was said before;
        silence, refusals and nonsense are none. Nonsense is kept with its evidence.
        """
        context = dict(error.context)
        if isinstance(error, InvalidDataError):
            refusal = record_refusal(
                self.source,
                subject=subject,
                reason=error.message,
                context=error.context,
                station=station,
                captured=captured[-1] if captured else None,
                now=self.now,
            )
            if refusal.payload is not None:
                context["payload_sha256"] = refusal.payload.sha256
        self.skip(subject, error.message, context)
        if _says_nothing_is_there(error):
            self._nothing_there += error.context.get("status") in NOTHING_THERE
            self.answered()
            return
        if station is not None:
            self._refused_about.add(station.code)
        self._problems.append(f"{subject}: {error.message}")
        log.warning("Left out", source=self.source.code, subject=subject, reason=error.message)

    def leave_out_unasked(self, subject: str) -> None:
        """Leave a subject out because the source, or its host, has been given up for this run."""
        reason = (
            f"Not asked for, since the host of {self.source.name} did not answer properly "
            "several times in a row."
        )
        self.skip(subject, reason)
        if not self._problems:
            # Another source of the host met the silence, and this one is down as well.
            self._problems.append(f"{subject}: {reason}")

    def finish(self) -> None:
        """Write the health of the source and the account of the run."""
        if not self.is_asked or not (self._answers or self._problems):
            return
        SourceContact.objects.create(
            source=self.source,
            at=self.now,
            # What was refused may be the newer word: the earlier one is not confirmed by it.
            answered=[code for code in self._answered if code not in self._refused_about],
            rows=self.rows,
            values_seen=self._values,
            values_missing=self._missing,
            problems=len(self._problems),
        )
        source = ForecastSource.objects.get(pk=self.source.pk)
        source.last_attempt_at = self.now
        source.last_error = "; ".join(dict.fromkeys(self._problems))[:1000]
        if self._values:
            source.null_share = self._missing / self._values
        if self._newest_issue is not None:
            source.newest_issue_at = max(
                self._newest_issue, source.newest_issue_at or self._newest_issue
            )
        if source.newest_issue_at is not None:
            source.lag_minutes = max(0, (self.now - source.newest_issue_at) // MINUTE)
        if self._answers:
            self._judge_answers(source)
        else:
            self._judge_silence(source)
        source.save()

    def _judge_answers(self, source: ForecastSource) -> None:
        source.last_success_at = self.now
        source.error_streak = 0
        source.paused_until = None
        reasons = [source.last_error] if self._problems else []
        if self._values and self._missing / self._values > NULL_SHARE_LIMIT:
            reasons.append(f"{self._missing} of {self._values} values were missing.")
        if self._nothing_there == self._answers or source.newest_issue_at is None:
            reasons.append("It answers, but had nothing of what was asked.")
        late_after = SOURCES_BY_CODE[source.code].late_after
        if source.newest_issue_at is not None and self.now - source.newest_issue_at > late_after:
            reasons.append(
                f"The newest thing it said was issued at {source.newest_issue_at:%Y-%m-%d %H:%M} "
                "UTC."
            )
        source.status = Status.DEGRADED if reasons else Status.OK
        source.status_reason = " ".join(reasons)

    def _judge_silence(self, source: ForecastSource) -> None:
        source.error_streak += 1
        source.status = Status.DEGRADED
        source.status_reason = f"No good answer in {source.error_streak} run(s) in a row."
        surplus = source.error_streak - DOWN_AFTER_RUNS
        if surplus < 0:
            return
        source.status = Status.DOWN
        source.paused_until = self.now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(surplus, 10))
        source.status_reason += f" Not asked again before {source.paused_until:%Y-%m-%d %H:%M} UTC."


def _says_nothing_is_there(error: BozBaseException) -> bool:
    """Say whether a source answered properly, and had nothing for us."""
    if not isinstance(error, DataUnavailable):
        return False
    status = error.context.get("status")
    return status is None or status < 300 or status in NOTHING_THERE
