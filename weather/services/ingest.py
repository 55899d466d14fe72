"""The way in for everything that the outside says about the weather."""

from __future__ import annotations

import datetime as dt
from typing import Any

from boz.core.agents import AgentResult
from weather.services.climate_reports import ClimateReports
from weather.services.daily_summaries import DailySummaryMessages
from weather.services.fallback_forecasts import take_in_fallbacks
from weather.services.grid_forecasts import GridForecasts
from weather.services.intake import Intake, merge_results, take_in
from weather.services.model_runs import model_runs
from weather.services.nbm_bulletins import nbm_bulletins
from weather.services.nws_observations import NwsObservations
from weather.services.settlement_values import SettlementValues
from weather.services.station_reports import AviationReports


def ingest_reports(*, now: dt.datetime) -> AgentResult:
    """Take in what is said about whole days: climate reports, messages, settlement values."""
    return take_in(_reports(now))


def ingest_observations(*, now: dt.datetime) -> AgentResult:
    """Take in what the active stations measure."""
    return take_in(_observations(now))


def ingest_forecasts(*, now: dt.datetime) -> AgentResult:
    """Take in the forecasts for the active stations."""
    return _with_forecasts([], now=now)


def ingest_weather(*, now: dt.datetime) -> AgentResult:
    """Take in everything at once, each service beside the others."""
    return _with_forecasts([*_reports(now), *_observations(now)], now=now)


def _reports(now: dt.datetime) -> list[Intake[Any]]:
    return [ClimateReports(now=now), DailySummaryMessages(now=now), SettlementValues(now=now)]


def _observations(now: dt.datetime) -> list[Intake[Any]]:
    return [AviationReports(now=now), NwsObservations(now=now)]


def _with_forecasts(others: list[Intake[Any]], *, now: dt.datetime) -> AgentResult:
    """Take in the forecasts beside others, and then what stands in for grids that did not come."""
    grids = GridForecasts(now=now)
    taken = take_in([*others, grids, *model_runs(now=now), *nbm_bulletins(now=now)])
    return merge_results([taken, *take_in_fallbacks(grids, now=now)])
