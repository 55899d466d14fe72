"""Measurements of the speed of prediction, one module per benchmark."""

from __future__ import annotations

from prediction.benchmarks import crps


def register() -> None:
    """Make all parts known."""
    crps.register()
