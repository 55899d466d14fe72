"""The exchange's REST interface: market data, signatures and, with a key, the account."""

from __future__ import annotations

from markets.clients.kalshi.errors import NotListed, error_code_and_message
from markets.clients.kalshi.listing import Listing
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.signing import Signer, signer_from_pem

__all__ = [
    "KalshiMarketData",
    "Listing",
    "NotListed",
    "Signer",
    "error_code_and_message",
    "signer_from_pem",
]
