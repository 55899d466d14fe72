"""Metrics that come from the database.

Agents run in worker processes that nobody scrapes; what they did is in their
:class:`~boz.core.models.JobRun` rows, so the web process tells it for them. Every registered
agent has its series from the start: an alert on a series that does not exist never fires.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import DatabaseError
from django.db.models import Count
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from boz.core.models import JobRun, Notification
from boz.core.services.schedules import scheduled_agents


class AgentCollector(Collector):
    """Reads the state of all agents when it is asked for."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Describe nothing, so that registering does not read the database."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the gauges; a database that does not answer yields ``boz_database_up`` 0."""
        up = GaugeMetricFamily("boz_database_up", "Whether the database answered this scrape.")
        try:
            families = list(_agent_families())
        except DatabaseError:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *families]


def register_collector() -> None:
    """Add the collector to the process's registry, once."""
    if not _registered:
        REGISTRY.register(AgentCollector())
        _registered.append(True)


_registered: list[bool] = []


def _agent_families() -> Iterable[GaugeMetricFamily]:
    success = GaugeMetricFamily(
        "boz_agent_last_success_timestamp_seconds",
        "When the agent last finished well, seconds since 1970; 0 when it never did.",
        labels=["agent"],
    )
    last_ok = GaugeMetricFamily(
        "boz_agent_last_run_ok", "Whether the agent's last finished run was well.", labels=["agent"]
    )
    failed = GaugeMetricFamily(
        "boz_agent_failed_runs", "Failed runs of the agent on record.", labels=["agent"]
    )
    real_runs = JobRun.objects.filter(is_dry_run=False)
    failures = dict(
        real_runs.filter(status=JobRun.Status.FAILED)
        .order_by()
        .values_list("agent")
        .annotate(count=Count("id"))
    )
    for agent in scheduled_agents():
        runs = real_runs.filter(agent=agent.name).order_by("-started_at")
        ended = runs.filter(status=JobRun.Status.OK).values_list("finished_at", flat=True).first()
        last = (
            runs.filter(status__in=[JobRun.Status.OK, JobRun.Status.FAILED])
            .values_list("status", flat=True)
            .first()
        )
        success.add_metric([agent.name], 0 if ended is None else ended.timestamp())
        last_ok.add_metric([agent.name], last == JobRun.Status.OK)
        failed.add_metric([agent.name], failures.get(agent.name, 0))
    waiting = GaugeMetricFamily("boz_notifications_waiting", "Messages not delivered yet.")
    waiting.add_metric([], Notification.objects.filter(delivered_at=None).count())
    return [success, last_ok, failed, waiting]
