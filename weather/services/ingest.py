"""The way in for everything that the outside says about the weather."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult
from weather.services.climate_reports import ingest_climate_reports
from weather.services.forecasts import ingest_forecasts
from weather.services.observations import ingest_observations

__all__ = [
    "ingest_climate_reports",
    "ingest_forecasts",
    "ingest_observations",
    "ingest_weather",
]


def ingest_weather(*, now: dt.datetime) -> AgentResult:
    """Take in forecasts, observations and climate reports, each on its own."""
    done: dict[str, object] = {}
    skipped = []
    for ingest in (ingest_climate_reports, ingest_observations, ingest_forecasts):
        result = ingest(now=now)
        done.update(result.done)
        skipped.extend(result.skipped)
    return AgentResult(done=done, skipped=skipped)
