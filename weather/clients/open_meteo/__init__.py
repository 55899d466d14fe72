"""Open-Meteo: many weather models and ensembles behind one interface."""

from weather.clients.open_meteo.answers import Place, PlaceHours, PlaceRefused
from weather.clients.open_meteo.client import SOURCE, OpenMeteoClient
from weather.clients.open_meteo.updates import ModelUpdate

__all__ = ["SOURCE", "ModelUpdate", "OpenMeteoClient", "Place", "PlaceHours", "PlaceRefused"]
