"""What the exchange lists, brought into our tables; each subject has its module."""

from __future__ import annotations

from markets.services.sync.books import sync_books
from markets.services.sync.fee_changes import sync_fee_changes
from markets.services.sync.operations import sync_operations
from markets.services.sync.run import sync_markets

__all__ = ["sync_books", "sync_fee_changes", "sync_markets", "sync_operations"]
