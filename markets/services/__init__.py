"""Writes of this app: syncing with the exchange, and importing recordings."""
