"""Measurements of the speed of prediction, one module per benchmark."""

from __future__ import annotations

from prediction.benchmarks import crps, fit, predict


def register() -> None:
    """Make all parts known."""
    crps.register()
    fit.register()
    predict.register()
