"""The jobs of this app, by name."""

from __future__ import annotations

from boz.core.agents import register_agent
from trading.services.approvals import expire_approvals
from trading.services.cycle import run_trading_cycle
from trading.services.reconcile import reconcile

register_agent(
    "trade",
    lambda now: run_trading_cycle(now=now),
    description="Decide on every tradeable event and act where the portfolio says so.",
    order=50,
)
register_agent(
    "expire_approvals",
    lambda now: expire_approvals(now=now),
    description="Let trades expire that nobody approved in time.",
    order=55,
)
register_agent(
    "reconcile",
    lambda now: reconcile(now=now),
    description="Find out what became of unproven orders; check the books.",
    order=60,
)
