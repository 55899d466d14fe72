"""Decisions, orders, positions and the ledger."""
