"""Ways to write values in pages."""
