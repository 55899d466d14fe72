"""The one matching core: books, orders, fills, fees and accounts without an exchange.

Used wherever the exchange is not there to match for us. It knows no database, network or clock:
moments come in with every call, and the same calls give the same events.
"""

from __future__ import annotations

from markets.matching.against_book import (
    MatchedFill,
    MatchResult,
    MatchStatus,
    match_against_book,
)
from markets.matching.orders import TimeInForce

__all__ = [
    "MatchResult",
    "MatchStatus",
    "MatchedFill",
    "TimeInForce",
    "match_against_book",
]
