"""Venues by name."""

from __future__ import annotations

from django.conf import settings

from boz.core.errors import InvalidOrderError, OperatorActionRequired
from markets.venues.base import Venue
from markets.venues.kalshi import open_venue
from markets.venues.paper import PaperVenue

PAPER, DEMO, LIVE = "paper", "demo", "live"


def get_venue(name: str, *, may_place: bool = True) -> Venue:
    """Return a venue.

    Paper needs nothing. The others need their account, and real money the installation's switch;
    the other switch, a manager's confirmation, is the portfolio's.

    Args:
        name: ``paper``, ``demo`` or ``live``.
        may_place: False for whoever only looks at the account or takes orders back, which must
            work when nothing new may be ordered; such a venue refuses to place.

    Raises:
        OperatorActionRequired: If the venue cannot be used before a person has done something.
        InvalidOrderError: If there is no such venue.
    """
    if name == PAPER:
        return PaperVenue()
    if name not in (DEMO, LIVE):
        raise InvalidOrderError(
            f"There is no venue '{name}'; known are {PAPER}, {DEMO}, {LIVE}.", {"venue": name}
        )
    if name == LIVE and may_place and not settings.BOZ_ALLOW_LIVE:
        raise OperatorActionRequired(
            "Real money is switched off on this installation; set BOZ_ALLOW_LIVE=1 to allow it.",
            {"venue": name},
        )
    return open_venue(name, may_place=may_place)
