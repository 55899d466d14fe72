"""The jobs of this app, by name."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult, register_agent
from markets.clients.kalshi import KalshiMarketData
from markets.services.candles import sync_candles
from markets.services.retention import apply_retention
from markets.services.sync import sync_books, sync_fee_changes, sync_markets, sync_operations


def run_markets(now: dt.datetime) -> AgentResult:
    """Sync the exchange's state, listings and fees, then the books of what is open."""
    with KalshiMarketData.from_settings() as client:
        operations = sync_operations(now=now, client=client)
        listings = sync_markets(now=now, client=client)
        fees = sync_fee_changes(now=now, client=client)
        books = sync_books(now=now, client=client, last_prices=listings.last_prices)
    parts = (operations, listings, fees, books)
    return AgentResult(
        done={name: value for part in parts for name, value in part.done.items()},
        skipped=[item for part in parts for item in part.skipped],
    )


def run_candles(now: dt.datetime) -> AgentResult:
    """Read hourly candles that have ended and compute their indicators."""
    with KalshiMarketData.from_settings() as client:
        return sync_candles(now=now, client=client)


def run_retention(now: dt.datetime) -> AgentResult:
    """Thin out what is old."""
    return apply_retention(now=now)


register_agent(
    "markets",
    run_markets,
    description="Syncs the exchange's state, series, fees, events, markets, results and books.",
    order=20,
)
register_agent(
    "candles",
    run_candles,
    description="Reads hourly candles of what trades and computes their indicators.",
    order=25,
)
register_agent(
    "retention",
    run_retention,
    description="Thins out old quotes and books; what a decision was made on stays.",
    order=90,
)
