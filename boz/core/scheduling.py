"""What a schedule is; which ones there are is said in the module ``settings.SCHEDULES_MODULE``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """An agent that runs by the clock.

    Args:
        name: Unique name of the schedule.
        agent: Name of the agent.
        cron: Five fields, in UTC.
        description: One sentence for operators.
    """

    name: str
    agent: str
    cron: str
    description: str
