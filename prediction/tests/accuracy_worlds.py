"""Scored days of several engines, for tests of what is said about accuracy."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from markets.tests.factories import EventFactory, SeriesFactory
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.models import Prediction, Verification
from weather.models import Station
from weather.sources import NWS_CLI
from weather.tests.factories import (
    ClimateReportFactory,
    ForecastFactory,
    ForecastSourceFactory,
    real_station,
)

#: The moment at which questions are asked.
NOW = dt.datetime(2024, 11, 30, 12, tzinfo=dt.UTC)
#: The last day that is scored by then.
LAST_DAY = dt.date(2024, 11, 29)
#: What a score says unless told otherwise; the market is a little better.
SCORES: dict[str, Any] = {
    "observed_high_f": 55,
    "crps_f": 1.0,
    "log_score": 1.1,
    "brier": 0.60,
    "rps": 0.08,
    "pit": 0.5,
    "market_brier": 0.50,
    "market_log_score": 1.0,
    "market_rps": 0.07,
    "climatology_brier": 0.80,
}


def days_until(last: dt.date, count: int) -> list[dt.date]:
    """Return consecutive days, the oldest first."""
    return [last - dt.timedelta(days=age) for age in range(count - 1, -1, -1)]


def score_day(
    day: dt.date,
    *,
    engine: str = "blend",
    horizon: Horizon = Horizon.MORNING,
    city: str = "NY",
    weights: Mapping[str, float] | None = None,
    confidence: str = "low",
    **scores: Any,
) -> Verification:
    """Score one belief about a day; other engines of the same day share event and prediction."""
    station = real_station(city)
    prediction = _prediction(station, day, horizon, dict(weights or {}), confidence)
    series = SeriesFactory(ticker=f"KXHIGH{city}", station=station)
    event = series.events.filter(climate_day=day).first() or EventFactory(
        series=series, climate_day=day
    )
    return Verification.objects.create(
        prediction=prediction,
        event=event,
        engine=engine,
        horizon=horizon,
        verified_at=dt.datetime.combine(day + dt.timedelta(days=1), dt.time(9), tzinfo=dt.UTC),
        **{**SCORES, **scores},
    )


def score_days(days: Sequence[dt.date], **fields: Any) -> list[Verification]:
    """Score the same on each day."""
    return [score_day(day, **fields) for day in days]


def report_high(day: dt.date, high_f: int, station: Station) -> None:
    """Let the office report a day's high on the next morning."""
    told = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(10), tzinfo=dt.UTC)
    ClimateReportFactory(
        station=station,
        source=ForecastSourceFactory(code=NWS_CLI),
        climate_day=day,
        max_f=high_f,
        issued_at=told,
        available_at=told,
    )


def forecast_high(
    day: dt.date, high_f: float, *, lead_hours: float, station: Station, source: str = "nws-grid"
) -> None:
    """Let a source say something so many hours before the day's end."""
    _, end = station.climate_day_bounds(day)
    said = end - dt.timedelta(hours=lead_hours)
    ForecastFactory(
        station=station,
        source=ForecastSourceFactory(code=source),
        climate_day=day,
        high_f=high_f,
        issued_at=said,
        available_at=said,
    )


def _prediction(
    station: Station,
    day: dt.date,
    horizon: Horizon,
    weights: dict[str, float],
    confidence: str,
) -> Prediction:
    _, end = station.climate_day_bounds(day)
    lead = REFERENCE_LEAD_HOURS[horizon]
    found, _ = Prediction.objects.get_or_create(
        station=station,
        climate_day=day,
        engine="blend",
        as_of=end - dt.timedelta(hours=lead),
        defaults={
            "horizon": horizon,
            "pmf_low_f": 55,
            "pmf": [1.0],
            "mean_f": 55.0,
            "sd_f": 2.0,
            "lead_hours": lead,
            "confidence": confidence,
            "weight_present": 1.0,
            "engine_weights": weights,
            "inputs_hash": "0" * 64,
        },
    )
    return found
