"""The live stream of the exchange: books kept in memory, and what of them is stored."""

from __future__ import annotations
