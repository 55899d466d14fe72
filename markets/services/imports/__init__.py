"""Recorded markets, trades and quotes brought into our tables, as if we had been there."""

from __future__ import annotations

from markets.services.imports.run import ImportReport, import_market_data

__all__ = ["ImportReport", "import_market_data"]
