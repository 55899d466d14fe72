"""Recorded markets and forecasts, walked through in order of time with the product's engines.

Everything comes from files and nothing later than a snapshot's moment is read for it: the result
of a day teaches from the morning after it.
"""

from __future__ import annotations

from prediction.services.forecast_scoring.run import (
    Outcome,
    Request,
    require_writable,
    score_forecasts,
    write_predictions,
)

__all__ = ["Outcome", "Request", "require_writable", "score_forecasts", "write_predictions"]
