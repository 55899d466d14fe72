"""Core's own agents, registered when Django starts."""

from __future__ import annotations

from boz.core.agents import register_agent
from boz.core.services.notifications import deliver_notifications

register_agent(
    "notify",
    deliver_notifications,
    description="Sends waiting messages to the people who want them.",
    order=900,
    acts_outside=True,
)
