"""The exchange's REST interface: market data, signatures and, with a key, the account."""

from __future__ import annotations

from markets.clients.kalshi.errors import NotListed, error_code_and_message
from markets.clients.kalshi.listing import Listing
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.orders import (
    Amendment,
    Cancellation,
    NewOrder,
    SelfTradePrevention,
    TimeInForce,
)
from markets.clients.kalshi.outcomes import (
    DuplicateClientOrderId,
    OrderAccepted,
    OrderAmended,
    OrderCancelled,
    OrderDecreased,
    OrderGroupChanged,
    OrderGroupCreated,
    OrderRefused,
    OutcomeUnknown,
)
from markets.clients.kalshi.signing import Signer, signer_from_pem
from markets.clients.kalshi.trading import KalshiTradingClient, Positions

__all__ = [
    "Amendment",
    "Cancellation",
    "DuplicateClientOrderId",
    "KalshiMarketData",
    "KalshiTradingClient",
    "Listing",
    "NewOrder",
    "NotListed",
    "OrderAccepted",
    "OrderAmended",
    "OrderCancelled",
    "OrderDecreased",
    "OrderGroupChanged",
    "OrderGroupCreated",
    "OrderRefused",
    "OutcomeUnknown",
    "Positions",
    "SelfTradePrevention",
    "Signer",
    "TimeInForce",
    "error_code_and_message",
    "signer_from_pem",
]
