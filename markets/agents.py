"""The jobs of this app, by name."""
