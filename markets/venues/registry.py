"""Venues by name. Real money has no venue yet; asking for one says so."""

from __future__ import annotations

from boz.core.errors import InvalidOrderError, OperatorActionRequired
from markets.venues.base import Venue
from markets.venues.paper import PaperVenue

PAPER = "paper"
_NOT_YET = {
    "demo": "Trading on the exchange's demo is not available yet; use the paper venue.",
    "live": "Trading with real money is not available yet; use the paper venue.",
}


def get_venue(name: str) -> Venue:
    """Return a venue.

    Raises:
        OperatorActionRequired: If the venue exists in name only: ``demo`` and ``live``.
        InvalidOrderError: If there is no such venue.
    """
    if name == PAPER:
        return PaperVenue()
    if name in _NOT_YET:
        raise OperatorActionRequired(_NOT_YET[name], {"venue": name})
    known = ", ".join([PAPER, *_NOT_YET])
    raise InvalidOrderError(f"There is no venue '{name}'; known are {known}.", {"venue": name})
