"""Places where orders go: the protocol that all of them keep, and the venues themselves."""

from __future__ import annotations

from markets.venues.base import PlacedOrder, Venue, VenueFill, VenueOrder, VenueReport
from markets.venues.registry import get_venue

__all__ = [
    "PlacedOrder",
    "Venue",
    "VenueFill",
    "VenueOrder",
    "VenueReport",
    "get_venue",
]
