"""The exchange: series, events, brackets, quotes and books."""
