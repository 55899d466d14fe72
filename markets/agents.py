"""The jobs of this app, by name."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult, register_agent
from markets.clients.kalshi import KalshiMarketData
from markets.services.sync import sync_books, sync_markets


def run_markets(now: dt.datetime) -> AgentResult:
    """Sync listings, then the books of what is open."""
    with KalshiMarketData.from_settings() as client:
        listings = sync_markets(now=now, client=client)
        books = sync_books(now=now, client=client, last_prices=listings.last_prices)
    return AgentResult(
        done={**listings.done, **books.done}, skipped=[*listings.skipped, *books.skipped]
    )


register_agent(
    "markets",
    run_markets,
    description="Syncs series, fees, events, markets, results and order books with the exchange.",
    order=20,
)
