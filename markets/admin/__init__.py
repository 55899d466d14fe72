"""The operator's view of the exchange: ladders, prices, what is stopped and why, accounts."""

from __future__ import annotations

from markets.admin import accounts, listings, operations, prices

__all__ = ["accounts", "listings", "operations", "prices"]
