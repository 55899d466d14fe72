"""Which cell of the forecast grid a station lies in; the weather service moves its grids."""

from __future__ import annotations

import datetime as dt

from boz.core.errors import BozBaseException, DataUnavailable, TransientError
from boz.core.logging import get_logger
from weather.clients.nws import Grid, NwsClient
from weather.models import Station

log = get_logger("WEATHER")

RESOLVE_EVERY = dt.timedelta(days=1)
#: A cell that was found this recently and still has no forecast is not looked up again.
RECENTLY = dt.timedelta(hours=1)


def station_grid(station: Station, *, client: NwsClient, now: dt.datetime) -> Grid:
    """Return the current grid of a station, finding its cell daily and when it is gone.

    Raises:
        DataUnavailable: If there is no forecast for the station.
        TransientError: If the service cannot be reached.
        InvalidDataError: If its answer cannot be used.
    """
    if _is_due(station, now=now):
        _resolve_or_keep(station, client=client, now=now)
    try:
        return _grid(station, client=client)
    except DataUnavailable as error:
        is_gone = error.context.get("status") in (404, 410)
        was_just_found = station.grid_resolved_at is not None and (
            now - RECENTLY < station.grid_resolved_at <= now
        )
        if not is_gone or was_just_found:
            raise _no_forecast(station, error) from error
    resolve_grid_point(station, client=client, now=now)
    try:
        return _grid(station, client=client)
    except DataUnavailable as error:
        raise _no_forecast(station, error) from error


def resolve_grid_point(station: Station, *, client: NwsClient, now: dt.datetime) -> None:
    """Ask for a station's cell and keep it."""
    point = client.point(latitude=station.latitude, longitude=station.longitude)
    found = (point.grid_id, point.grid_x, point.grid_y)
    if station.grid_id and found != (station.grid_id, station.grid_x, station.grid_y):
        log.info("Grid point has moved", station=station.code, grid=str(found))
    station.grid_id, station.grid_x, station.grid_y = found
    station.grid_resolved_at = now
    station.save(update_fields=["grid_id", "grid_x", "grid_y", "grid_resolved_at"])


def _is_due(station: Station, *, now: dt.datetime) -> bool:
    if not _is_known(station) or station.grid_resolved_at is None:
        return True
    return not now - RESOLVE_EVERY < station.grid_resolved_at <= now


def _is_known(station: Station) -> bool:
    return bool(station.grid_id) and station.grid_x is not None and station.grid_y is not None


def _resolve_or_keep(station: Station, *, client: NwsClient, now: dt.datetime) -> None:
    """Refresh the cell; a known one serves on when the look-up fails.

    Unless there was no answer at all: then the grid would not answer either.
    """
    try:
        resolve_grid_point(station, client=client, now=now)
    except BozBaseException as error:
        is_silent = isinstance(error, TransientError) and error.context.get("status") is None
        if is_silent or not _is_known(station):
            if isinstance(error, DataUnavailable):
                raise _no_forecast(station, error) from error
            raise
        log.info("Grid point not refreshed", station=station.code, reason=error.message)


def _grid(station: Station, *, client: NwsClient) -> Grid:
    if station.grid_x is None or station.grid_y is None:
        raise DataUnavailable(
            f"{station.name} has no forecast grid cell.", {"station": station.code}
        )
    return client.grid(grid_id=station.grid_id, grid_x=station.grid_x, grid_y=station.grid_y)


def _no_forecast(station: Station, error: DataUnavailable) -> DataUnavailable:
    return DataUnavailable(
        f"The National Weather Service has no grid forecast for {station.name}.", error.context
    )
