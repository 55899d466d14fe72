"""How long quotes, books, candles and indicators are kept, and how densely."""

from __future__ import annotations

from markets.services.retention.keepers import Needed, register_keeper
from markets.services.retention.run import apply_retention

__all__ = ["Needed", "apply_retention", "register_keeper"]
