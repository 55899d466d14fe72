"""The exchange's REST interface: market data, signatures and, with a key, the account."""

from __future__ import annotations

from markets.clients.kalshi.market_data import (
    KalshiMarketData,
    Listing,
    error_code_and_message,
)
from markets.clients.kalshi.signing import Signer, signer_from_pem

__all__ = [
    "KalshiMarketData",
    "Listing",
    "Signer",
    "error_code_and_message",
    "signer_from_pem",
]
