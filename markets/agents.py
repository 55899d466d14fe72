"""The jobs of this app, by name."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult, register_agent
from markets.services.sync import sync_books, sync_markets


def run_markets(now: dt.datetime) -> AgentResult:
    """Sync listings, then the books of what is open."""
    listings = sync_markets(now=now)
    books = sync_books(now=now)
    return AgentResult(
        done={**listings.done, **books.done}, skipped=[*listings.skipped, *books.skipped]
    )


register_agent(
    "markets",
    run_markets,
    description="Syncs series, fees, events, markets, results and order books with the exchange.",
    order=20,
)
