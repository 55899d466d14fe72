"""Candles of the exchange and the indicators computed from them."""

from __future__ import annotations

from markets.services.candles.indicators import compute_indicators
from markets.services.candles.rows import candle_row, store_candles
from markets.services.candles.sync import sync_candles

__all__ = ["candle_row", "compute_indicators", "store_candles", "sync_candles"]
