"""The queue's schedules, kept equal to those declared in code."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from croniter import croniter
from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from boz.core.agents import Agent, all_agents, get_agent
from boz.core.errors import DataUnavailable, OperatorActionRequired
from boz.core.scheduling import ScheduleEntry

TASK = "boz.core.tasks.run_agent_task"


@dataclass(slots=True)
class SyncResult:
    """Names of the schedules by what happened to them."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def declared_schedules() -> list[ScheduleEntry]:
    """Return ``SCHEDULES`` of the module that ``settings.SCHEDULES_MODULE`` names."""
    module = importlib.import_module(settings.SCHEDULES_MODULE)
    return list(module.SCHEDULES)


def scheduled_agents() -> list[Agent]:
    """Return the agents that run by the clock; of others no regular success is to be expected."""
    names = {entry.agent for entry in declared_schedules()}
    return [agent for agent in all_agents() if agent.name in names]


@transaction.atomic
def sync_schedules(entries: Sequence[ScheduleEntry], *, now: dt.datetime) -> SyncResult:
    """Make the queue's schedules equal to ``entries``; those of others stay untouched.

    A schedule that does not change keeps its next run, so syncing at every start loses nothing.

    Raises:
        OperatorActionRequired: If an entry is wrong; nothing is changed then.
    """
    _check(entries)
    result = SyncResult()
    for entry in entries:
        _sync_one(entry, result, now=now)
    stale = Schedule.objects.filter(func=TASK).exclude(name__in=[entry.name for entry in entries])
    result.removed = sorted(name or "" for name in stale.values_list("name", flat=True))
    stale.delete()
    return result


def _check(entries: Sequence[ScheduleEntry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.name in seen:
            raise OperatorActionRequired(f"Two schedules are called {entry.name!r}.")
        seen.add(entry.name)
        if len(entry.cron.split()) != 5 or not croniter.is_valid(entry.cron):
            raise OperatorActionRequired(
                f"Schedule {entry.name} has {entry.cron!r}, which is no cron expression of five "
                "fields."
            )
        try:
            get_agent(entry.agent)
        except DataUnavailable as error:
            raise OperatorActionRequired(f"Schedule {entry.name}: {error.message}") from error


def _sync_one(entry: ScheduleEntry, result: SyncResult, *, now: dt.datetime) -> None:
    wanted = {
        "args": repr((entry.agent,)),
        "schedule_type": Schedule.CRON,
        "cron": entry.cron,
        "repeats": -1,
    }
    rows = list(Schedule.objects.filter(func=TASK, name=entry.name).order_by("id"))
    for double in rows[1:]:
        double.delete()
    if rows and all(getattr(rows[0], name) == value for name, value in wanted.items()):
        result.unchanged.append(entry.name)
        return
    next_run = croniter(entry.cron, now).get_next(dt.datetime)
    if rows:
        result.updated.append(entry.name)
        row = rows[0]
    else:
        result.created.append(entry.name)
        row = Schedule.objects.create(func=TASK, name=entry.name, **wanted)
    # An update, since saving a new row lets the queue take the next run from its own clock.
    Schedule.objects.filter(pk=row.pk).update(**wanted, next_run=next_run)
