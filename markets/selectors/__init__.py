"""Reads of the exchange as of a moment; nothing later than ``as_of`` is visible."""

from __future__ import annotations

from markets.selectors.candles import candles, latest_indicators
from markets.selectors.fees import fee_terms, known_fees
from markets.selectors.listings import ladder, price_ranges, tradeable_events
from markets.selectors.operations import (
    MAX_STATUS_AGE,
    TradingPause,
    latest_status,
    trading_pause,
)
from markets.selectors.quotes import (
    MAX_BOOK_AGE,
    last_prices,
    last_prices_of_events,
    latest_book,
    latest_books,
    latest_books_of_events,
)

__all__ = [
    "MAX_BOOK_AGE",
    "MAX_STATUS_AGE",
    "TradingPause",
    "candles",
    "fee_terms",
    "known_fees",
    "ladder",
    "last_prices",
    "last_prices_of_events",
    "latest_book",
    "latest_books",
    "latest_books_of_events",
    "latest_indicators",
    "latest_status",
    "price_ranges",
    "tradeable_events",
    "trading_pause",
]
