"""The exchange as a venue: demo and live."""

from __future__ import annotations

from markets.venues.kalshi.access import open_venue

__all__ = ["open_venue"]
