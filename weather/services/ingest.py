"""The way in for everything that the outside says about the weather."""

from __future__ import annotations

import datetime as dt

from boz.core.agents import AgentResult
from weather.services.climate_reports import ClimateReports
from weather.services.grid_forecasts import GridForecasts
from weather.services.intake import take_in
from weather.services.nws_observations import NwsObservations
from weather.services.station_reports import AviationReports


def ingest_climate_reports(*, now: dt.datetime) -> AgentResult:
    """Take in the climate reports of every active station."""
    return take_in([ClimateReports(now=now)])


def ingest_observations(*, now: dt.datetime) -> AgentResult:
    """Take in what the active stations measure."""
    return take_in([AviationReports(now=now), NwsObservations(now=now)])


def ingest_forecasts(*, now: dt.datetime) -> AgentResult:
    """Take in the forecasts for the active stations."""
    return take_in([GridForecasts(now=now)])


def ingest_weather(*, now: dt.datetime) -> AgentResult:
    """Take in everything at once, each service beside the others."""
    return take_in(
        [
            ClimateReports(now=now),
            AviationReports(now=now),
            NwsObservations(now=now),
            GridForecasts(now=now),
        ]
    )
