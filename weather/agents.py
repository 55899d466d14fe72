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
    from weather.services.ingest import ingest_reports

    return ingest_reports(now=now)


def _weather(now: dt.datetime) -> AgentResult:
    from weather.services.ingest import ingest_weather

    return ingest_weather(now=now)


register_agent(
    "reports",
    _reports,
    description="Take in climate reports, daily summary messages and settlement values.",
    order=10,
)
register_agent(
    "observations",
    _observations,
    description="Take in what stations report, five-minute values included.",
    order=11,
)
register_agent(
    "forecasts",
    _forecasts,
    description="Take in grid forecasts, model runs and ensembles.",
    order=12,
)
register_agent(
    "weather", _weather, description="Reports, observations and forecasts at once.", order=13
)
