"""Places where orders go: the protocol that all of them keep, and the venues themselves."""

from __future__ import annotations

from markets.venues.base import (
    AccountFill,
    AccountOrder,
    AccountPosition,
    AccountVenue,
    PlacedOrder,
    Venue,
    VenueFill,
    VenueOrder,
    VenueReport,
    closing_order,
)
from markets.venues.registry import get_venue

__all__ = [
    "AccountFill",
    "AccountOrder",
    "AccountPosition",
    "AccountVenue",
    "PlacedOrder",
    "Venue",
    "VenueFill",
    "VenueOrder",
    "VenueReport",
    "closing_order",
    "get_venue",
]
