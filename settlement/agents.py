"""The jobs of this app, by name."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult, register_agent
from settlement.services.digest import write_digests
from settlement.services.settle import settle_all


def run_settle(now: dt.datetime) -> AgentResult:
    """Settle every event whose results are known."""
    return settle_all(now=now)


def run_digest(now: dt.datetime) -> AgentResult:
    """Tell the exchange day that ended."""
    return write_digests(now=now)


register_agent(
    "settle",
    run_settle,
    description="Pays, scores and explains events whose results are known.",
    order=70,
)
register_agent(
    "digest", run_digest, description="Tells each portfolio's ended day in one text.", order=90
)
