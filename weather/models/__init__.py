"""Stations and everything the outside has said about their climate days."""

from __future__ import annotations

from weather.models.forecasts import Forecast
from weather.models.history import HistoryChunk
from weather.models.observations import Observation
from weather.models.payloads import Payload
from weather.models.reports import ClimateReport, DailySummary
from weather.models.said import Said
from weather.models.sources import ForecastSource, Refusal, SourceContact
from weather.models.stations import Station

__all__ = [
    "ClimateReport",
    "DailySummary",
    "Forecast",
    "ForecastSource",
    "HistoryChunk",
    "Observation",
    "Payload",
    "Refusal",
    "Said",
    "SourceContact",
    "Station",
]
