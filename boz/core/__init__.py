"""Ground floor: what every app stands on and nothing of the trading domain."""
