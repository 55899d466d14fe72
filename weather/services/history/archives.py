"""The archives there are, with their clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from boz.core.http import Captured
from weather.clients.iem import IemClient
from weather.clients.open_meteo import OpenMeteoClient
from weather.services.history.archive import Archive, Kind
from weather.services.history.model_forecasts import ARCHIVED_MODELS, ModelForecasts
from weather.services.history.nbs_forecasts import NbsForecasts
from weather.services.history.station_reports import StationReports
from weather.services.history.truth import ClimateDays
from weather.sources import IEM_ASOS, IEM_CLI, NBM_NBS

#: Sources whose past can be fetched, by what they tell.
ARCHIVED_SOURCES = {
    IEM_CLI: Kind.TRUTH,
    **{model.code: Kind.FORECASTS for model in ARCHIVED_MODELS},
    NBM_NBS: Kind.FORECASTS,
    IEM_ASOS: Kind.OBSERVATIONS,
}


@contextmanager
def open_archives(
    *, capture: Callable[[Captured], None] | None = None
) -> Iterator[tuple[Archive[Any], ...]]:
    """Give every archive, with clients that are closed in the end; nothing is asked yet."""
    with (
        IemClient.from_settings(capture=capture) as iem,
        OpenMeteoClient.from_settings(capture=capture) as open_meteo,
    ):
        yield (
            ClimateDays(iem),
            *(ModelForecasts(open_meteo, model) for model in ARCHIVED_MODELS),
            NbsForecasts(iem),
            StationReports(iem),
        )
