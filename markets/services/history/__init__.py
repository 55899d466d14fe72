"""The exchange's past: settled events with their candles and trades, from both of its tiers."""
