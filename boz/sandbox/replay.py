"""Playing recorded days through the ordinary product.

The replay owns two things only: the world's clock and the order of time. At each simulated moment
it runs the agents that the product's own schedule makes due, with ``now`` set to that moment.
Nothing in the product knows that the days are recorded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import httpx
from croniter import croniter

from boz.core.agents import get_agent, run_agent
from boz.core.clock import format_utc
from boz.core.errors import OperatorActionRequired
from boz.core.models import JobRun
from boz.core.scheduling import ScheduleEntry

#: A ladder opens at 15:00Z of the day before its climate day, so that is when a day's trading
#: starts; results are published in the morning after, and corrections of reports until then.
OPENING = dt.time(15, 0, tzinfo=dt.UTC)
SETTLED_BY = dt.time(15, 0, tzinfo=dt.UTC)
#: While only learning from history, the evening forecast and the morning report are enough.
EVENING = dt.time(1, 0, tzinfo=dt.UTC)
MORNING = dt.time(14, 0, tzinfo=dt.UTC)

Progress = Callable[[dt.datetime], None]


@dataclass(slots=True)
class ReplayReport:
    """What the jobs said while the days were played."""

    runs: int = 0
    failures: list[str] = field(default_factory=list)

    def note(self, run: JobRun) -> None:
        """Count a run, and keep the sentence of a failed one."""
        self.runs += 1
        if run.status != JobRun.Status.OK:
            self.failures.append(f"{run.agent} at {format_utc(run.as_of)}: {run.error}")


class WorldClock:
    """The world's clock, set over HTTP like everything else is asked over HTTP."""

    def __init__(self, control_url: str) -> None:
        """Remember where the world's control address is."""
        self._http = httpx.Client(base_url=control_url, timeout=10.0)

    def set(self, moment: dt.datetime) -> None:
        """Let the world be at ``moment``.

        Raises:
            OperatorActionRequired: If the world refuses, for example to go backwards.
        """
        answer = self._http.post("/sandbox/clock", json={"now": format_utc(moment)})
        if answer.status_code != httpx.codes.OK:
            raise OperatorActionRequired(
                f"The sandbox did not set its clock to {format_utc(moment)}: {answer.text[:200]}"
            )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def learn_history(
    *, clock: WorldClock, first: dt.date, last: dt.date, report: ReplayReport, progress: Progress
) -> None:
    """Live through the days before trading: each evening's forecast, each morning's report."""
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        for moment, agent in (
            (dt.datetime.combine(day, EVENING), "forecasts"),
            (dt.datetime.combine(day, MORNING), "reports"),
        ):
            clock.set(moment)
            report.note(run_agent(agent, now=moment))
        progress(dt.datetime.combine(day, MORNING))
    report.note(run_agent("fit", now=dt.datetime.combine(last, MORNING)))


def play_days(
    *,
    clock: WorldClock,
    schedule: Sequence[ScheduleEntry],
    first_day: dt.date,
    last_day: dt.date,
    step: dt.timedelta,
    report: ReplayReport,
    progress: Progress,
) -> None:
    """Play climate days ``first_day..last_day``, from the first opening to the last result."""
    start = dt.datetime.combine(first_day - dt.timedelta(days=1), OPENING)
    end = dt.datetime.combine(last_day + dt.timedelta(days=1), SETTLED_BY)
    before = start - step
    for moment in moments(start, end, step):
        clock.set(moment)
        for agent in due_agents(schedule, after=before, until=moment):
            report.note(run_agent(agent, now=moment))
        before = moment
        progress(moment)


def moments(start: dt.datetime, end: dt.datetime, step: dt.timedelta) -> Iterator[dt.datetime]:
    """Yield ``start, start + step, …`` up to and including ``end``."""
    moment = start
    while moment <= end:
        yield moment
        moment += step


def due_agents(
    schedule: Sequence[ScheduleEntry], *, after: dt.datetime, until: dt.datetime
) -> list[str]:
    """Return the agents whose time came after ``after`` and not later than ``until``.

    Each is named once, however often it came due, in the order of a full round.
    """
    due = {
        entry.agent
        for entry in schedule
        if croniter(entry.cron, after).get_next(dt.datetime) <= until
    }
    return sorted(due, key=lambda name: (get_agent(name).order, name))
