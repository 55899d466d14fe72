"""The jobs of this app, by name."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult, register_agent


def _forecasts(now: dt.datetime) -> AgentResult:
    from weather.services.ingest import ingest_forecasts

    return ingest_forecasts(now=now)


def _observations(now: dt.datetime) -> AgentResult:
    from weather.services.ingest import ingest_observations

    return ingest_observations(now=now)


def _reports(now: dt.datetime) -> AgentResult:
    from weather.services.ingest import ingest_climate_reports

    return ingest_climate_reports(now=now)


def _weather(now: dt.datetime) -> AgentResult:
    from weather.services.ingest import ingest_weather

    return ingest_weather(now=now)


register_agent(
    "reports", _reports, description="Take in daily climate reports, final and partial.", order=10
)
register_agent(
    "observations", _observations, description="Take in station reports (METAR).", order=11
)
register_agent("forecasts", _forecasts, description="Take in grid forecasts.", order=12)
register_agent(
    "weather", _weather, description="Climate reports, observations and forecasts.", order=13
)
