"""Answers that repeat themselves: what was refused once is no news at the next poll.

Lists of the last hours or days bring a bad entry again and again. It is kept with its evidence and
counts against the source once; after that it is only mentioned in the record of the job.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from boz.core.errors import InvalidDataError
from boz.core.http import Captured
from weather.models import Refusal, Station
from weather.services.health import SourceRun
from weather.services.refusals import record_refusal

#: Longer than any list reaches back.
REMEMBERED = dt.timedelta(days=10)


class RepeatedRefusals:
    """Leaves out entries of lists that are read anew at every run."""

    def __init__(self, run: SourceRun) -> None:
        """Look up what was refused lately."""
        self._run = run
        self._known = set(
            Refusal.objects.filter(
                source=run.source, first_seen_at__gte=run.now - REMEMBERED
            ).values_list("subject", "reason")
        )

    def leave_out(
        self,
        subject: str,
        error: InvalidDataError,
        *,
        captured: Sequence[Captured],
        station: Station | None = None,
    ) -> None:
        """Leave an entry out; the source is judged by it when it comes for the first time."""
        if self._is_known(subject, error):
            self._run.skip(subject, error.message, dict(error.context))
            return
        self._run.leave_out(subject, error, station=station, captured=captured)

    def set_aside(
        self,
        subject: str,
        error: InvalidDataError,
        *,
        captured: Sequence[Captured],
        station: Station | None = None,
    ) -> None:
        """Leave out what the source itself does not vouch for, which is no fault of it."""
        self._run.skip(subject, error.message, dict(error.context))
        if self._is_known(subject, error):
            return
        record_refusal(
            self._run.source,
            subject=subject,
            reason=error.message,
            context=error.context,
            station=station,
            captured=captured[-1] if captured else None,
            now=self._run.now,
        )

    def _is_known(self, subject: str, error: InvalidDataError) -> bool:
        """Say whether an entry was refused before, and remember it."""
        key = (subject[:200], error.message)
        is_known = key in self._known
        self._known.add(key)
        return is_known
