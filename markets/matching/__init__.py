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
from markets.matching.engine import MarketPhase, MatchingEngine, Preview
from markets.matching.events import (
    Accepted,
    Amended,
    Canceled,
    Event,
    Events,
    Filled,
    FillLeg,
    LevelChanged,
    UpdateReason,
)
from markets.matching.orders import (
    Amendment,
    BookSide,
    NewOrder,
    OrderRefusedError,
    OrderState,
    Refusal,
    SelfTradePrevention,
    TimeInForce,
)

__all__ = [
    "Accepted",
    "Amended",
    "Amendment",
    "BookSide",
    "Canceled",
    "Event",
    "Events",
    "FillLeg",
    "Filled",
    "LevelChanged",
    "MarketPhase",
    "MatchResult",
    "MatchStatus",
    "MatchedFill",
    "MatchingEngine",
    "NewOrder",
    "OrderRefusedError",
    "OrderState",
    "Preview",
    "Refusal",
    "SelfTradePrevention",
    "TimeInForce",
    "UpdateReason",
    "match_against_book",
]
