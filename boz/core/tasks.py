"""Entry points of the queue: names in, a service call, a small result out."""

from __future__ import annotations

from boz.core.agents import run_agent
from boz.core.clock import utc_now


def run_agent_task(name: str) -> str:
    """Run an agent as of now; returns its status, and the :class:`JobRun` row has the rest."""
    return str(run_agent(name, now=utc_now()).status)
