"""What was known about the weather at a moment; nothing available later is ever visible."""

from __future__ import annotations

from weather.selectors.forecasts import (
    ForecastError,
    forecast_errors,
    latest_forecasts,
    weather_data,
)
from weather.selectors.freshness import forecasts_by_age, fresh_forecasts, fresh_observation
from weather.selectors.reports import (
    official_highs,
    official_highs_by_station,
    official_report,
    report_history,
    second_reading,
)
from weather.selectors.running_maximum import RunningMaximum, running_maximum

__all__ = [
    "ForecastError",
    "RunningMaximum",
    "forecast_errors",
    "forecasts_by_age",
    "fresh_forecasts",
    "fresh_observation",
    "latest_forecasts",
    "official_highs",
    "official_highs_by_station",
    "official_report",
    "report_history",
    "running_maximum",
    "second_reading",
    "weather_data",
]
