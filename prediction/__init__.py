"""One calibrated distribution per station and climate day."""
