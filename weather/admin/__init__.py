"""The operator's side of the weather: look at everything, correct what is wrong with a reason."""

from __future__ import annotations

from weather.admin.forecasts import ForecastAdmin
from weather.admin.observations import ObservationAdmin
from weather.admin.reports import ClimateReportAdmin, DailySummaryAdmin
from weather.admin.sources import (
    ForecastSourceAdmin,
    HistoryChunkAdmin,
    PayloadAdmin,
    RefusalAdmin,
    SourceContactAdmin,
)
from weather.admin.stations import StationAdmin

__all__ = [
    "ClimateReportAdmin",
    "DailySummaryAdmin",
    "ForecastAdmin",
    "ForecastSourceAdmin",
    "HistoryChunkAdmin",
    "ObservationAdmin",
    "PayloadAdmin",
    "RefusalAdmin",
    "SourceContactAdmin",
    "StationAdmin",
]
