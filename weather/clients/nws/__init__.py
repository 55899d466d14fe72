"""Client of api.weather.gov: grids, worded forecasts, observations and text products."""

from weather.clients.nws.client import NwsClient
from weather.clients.nws.forecasts import PeriodForecast
from weather.clients.nws.grids import Grid, GridPoint, Layer, LayerItem
from weather.clients.nws.observations import StationObservations
from weather.clients.nws.products import Product, ProductRef
from weather.clients.nws.shapes import SOURCE

__all__ = [
    "SOURCE",
    "Grid",
    "GridPoint",
    "Layer",
    "LayerItem",
    "NwsClient",
    "PeriodForecast",
    "Product",
    "ProductRef",
    "StationObservations",
]
