"""What was known about the weather at a moment; nothing available later is ever visible."""

from __future__ import annotations

from weather.selectors.forecasts import (
    latest_forecasts,
    latest_forecasts_by_day,
    spread_inside_f,
    weather_data,
)
from weather.selectors.freshness import (
    ForecastsByAge,
    forecasts_by_age,
    forecasts_of_days_by_age,
    fresh_forecasts,
    fresh_observation,
)
from weather.selectors.past_forecasts import (
    LAST_LEARNED_LEAD_HOURS,
    StandingForecast,
    standing_forecasts,
)
from weather.selectors.reports import (
    official_highs,
    official_highs_by_station,
    official_report,
    report_history,
    second_reading,
)
from weather.selectors.running_maximum import RunningMaximum, running_maximum
from weather.selectors.station_reports import StationReading, readings_by_day

__all__ = [
    "LAST_LEARNED_LEAD_HOURS",
    "ForecastsByAge",
    "RunningMaximum",
    "StandingForecast",
    "StationReading",
    "forecasts_by_age",
    "forecasts_of_days_by_age",
    "fresh_forecasts",
    "fresh_observation",
    "latest_forecasts",
    "latest_forecasts_by_day",
    "official_highs",
    "official_highs_by_station",
    "official_report",
    "readings_by_day",
    "report_history",
    "running_maximum",
    "second_reading",
    "spread_inside_f",
    "standing_forecasts",
    "weather_data",
]
