"""What the exchange lists, quotes and pays."""

from __future__ import annotations

from markets.models.accounts import ExchangeAccount
from markets.models.candles import CandlePeriod, Candlestick, Indicator
from markets.models.fees import FeeSchedule
from markets.models.history import MarketHistoryChunk, RetentionMark
from markets.models.listings import Event, Market, Series
from markets.models.operations import ExchangeHours, ExchangeStatus, MaintenanceWindow
from markets.models.quotes import BookSnapshot, MarketTrade, Quote

__all__ = [
    "BookSnapshot",
    "CandlePeriod",
    "Candlestick",
    "Event",
    "ExchangeAccount",
    "ExchangeHours",
    "ExchangeStatus",
    "FeeSchedule",
    "Indicator",
    "MaintenanceWindow",
    "Market",
    "MarketHistoryChunk",
    "MarketTrade",
    "Quote",
    "RetentionMark",
    "Series",
]
