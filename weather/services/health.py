"""How the outside sources behave: one account per run of a job, written at its end."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import F

from boz.core.errors import (
    BozBaseException,
    DataUnavailable,
    InvalidDataError,
    TransientError,
)
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from weather.models import ForecastSource
from weather.services.payloads import CaptureBox, store_payload
from weather.stations import SOURCES

log = get_logger("WEATHER")

#: Runs without one good answer after which a source counts as down.
DOWN_AFTER_RUNS = 3
#: Calls without any answer in a row after which the rest of a run does not wait as well: each
#: one takes its time limit with all its attempts, and a run has a limit of its own.
GIVE_UP_AFTER = 2


def get_source(code: str) -> ForecastSource:
    """Return the row of a source, made on first use."""
    source, _ = ForecastSource.objects.get_or_create(code=code, defaults={"name": SOURCES[code]})
    return source


class SourceRun:
    """Collects what a source answered during one run and what was left out because of it.

    ``box`` holds the latest raw answer; it is the ``capture`` of the client.
    """

    def __init__(self, source: ForecastSource, *, now: dt.datetime) -> None:
        """Start the account of a run."""
        self.source = source
        self.now = now
        self.box = CaptureBox()
        self.skipped: list[SkippedSubject] = []
        self._answers = 0
        self._problems: list[str] = []
        self._silent_in_a_row = 0

    @property
    def is_given_up(self) -> bool:
        """Say whether the source has been silent so often in this run that asking on is a waste."""
        return self._silent_in_a_row >= GIVE_UP_AFTER

    def answered(self) -> None:
        """Count a good answer, also one that says there is nothing."""
        self._answers += 1
        self._silent_in_a_row = 0

    def skip(self, subject: str, reason: str, context: dict[str, Any] | None = None) -> None:
        """Leave a subject out for a reason that is not the source's fault."""
        self.skipped.append(SkippedSubject(subject=subject, reason=reason, context=context or {}))

    def leave_out(self, subject: str, error: BozBaseException) -> None:
        """Leave a subject out because of an error, and judge the source by it.

        That there is nothing for a subject is an answer; silence and nonsense are not.
        """
        self.skip(subject, error.message, {**error.context, **self._evidence(error)})
        if isinstance(error, DataUnavailable):
            self.answered()
            return
        self._problems.append(f"{subject}: {error.message}")
        is_silent = isinstance(error, TransientError) and error.context.get("status") is None
        self._silent_in_a_row = self._silent_in_a_row + 1 if is_silent else 0
        log.warning("Left out", source=self.source.code, subject=subject, reason=error.message)

    def _evidence(self, error: BozBaseException) -> dict[str, Any]:
        """Keep a refused answer, so that the refusal can be checked."""
        payload = store_payload(self.box.latest) if isinstance(error, InvalidDataError) else None
        return {} if payload is None else {"payload_sha256": payload.sha256}

    def leave_out_unasked(self, subject: str) -> None:
        """Leave a subject out because the source has been given up for this run."""
        self.skip(
            subject,
            f"Not asked for, since {self.source.name} did not answer {GIVE_UP_AFTER} times "
            "in a row.",
        )

    def finish(self) -> None:
        """Write the health of the source."""
        row = ForecastSource.objects.filter(pk=self.source.pk)
        if not self._problems:
            if self._answers:
                row.update(
                    status=ForecastSource.Status.OK,
                    last_attempt_at=self.now,
                    last_success_at=self.now,
                    error_streak=0,
                    last_error="",
                )
            return
        sentence = "; ".join(dict.fromkeys(self._problems))[:1000]
        if self._answers:
            row.update(
                status=ForecastSource.Status.DEGRADED,
                last_attempt_at=self.now,
                last_success_at=self.now,
                error_streak=len(self._problems),
                last_error=sentence,
            )
            return
        row.update(
            status=ForecastSource.Status.DEGRADED,
            last_attempt_at=self.now,
            error_streak=F("error_streak") + 1,
            last_error=sentence,
        )
        row.filter(error_streak__gte=DOWN_AFTER_RUNS).update(status=ForecastSource.Status.DOWN)
