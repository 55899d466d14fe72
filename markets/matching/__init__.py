"""The one matching core: books, orders, fills, fees and accounts without an exchange.

Used wherever the exchange is not there to match for us. It knows no database, network or clock:
moments come in with every call, and the same calls give the same events.
"""

from __future__ import annotations

from markets.matching.accounts import Accounts, Balance, Settlement, Totals
from markets.matching.against_book import (
    MatchedFill,
    MatchResult,
    MatchStatus,
    match_against_book,
)
from markets.matching.clearing import ClearedMarket
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
from markets.matching.positions import Position

__all__ = [
    "Accepted",
    "Accounts",
    "Amended",
    "Amendment",
    "Balance",
    "BookSide",
    "Canceled",
    "ClearedMarket",
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
    "Position",
    "Preview",
    "Refusal",
    "SelfTradePrevention",
    "Settlement",
    "TimeInForce",
    "Totals",
    "UpdateReason",
    "match_against_book",
]
