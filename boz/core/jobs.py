"""Core's own agents."""
