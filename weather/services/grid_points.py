"""Which cell of the forecast grid a station lies in; the weather service moves its grids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from boz.core.errors import BozBaseException, DataUnavailable, TransientError
from boz.core.http import NOTHING_THERE
from boz.core.logging import get_logger
from weather.clients.nws import GridPoint, NwsClient
from weather.models import Station

log = get_logger("WEATHER")

RESOLVE_EVERY = dt.timedelta(days=1)
#: A cell that was found this recently and still has no forecast is not looked up again.
RECENTLY = dt.timedelta(hours=1)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class KnownCell:
    """What is known of a station's cell before it is asked; None when nothing is."""

    station_name: str
    latitude: float
    longitude: float
    point: GridPoint | None
    resolved_at: dt.datetime | None

    @classmethod
    def of(cls, station: Station) -> KnownCell:
        """Read it from the station."""
        point = None
        if station.grid_id and station.grid_x is not None and station.grid_y is not None:
            point = GridPoint(gridId=station.grid_id, gridX=station.grid_x, gridY=station.grid_y)
        return cls(
            station_name=station.name,
            latitude=station.latitude,
            longitude=station.longitude,
            point=point,
            resolved_at=station.grid_resolved_at,
        )

    def is_due(self, now: dt.datetime) -> bool:
        """Say whether the cell must be looked up: unknown, or not done for a day."""
        return not self._was_resolved_within(RESOLVE_EVERY, now)

    def is_fresh(self, now: dt.datetime) -> bool:
        """Say whether the cell was found so recently that looking again is useless."""
        return self._was_resolved_within(RECENTLY, now)

    def _was_resolved_within(self, span: dt.timedelta, now: dt.datetime) -> bool:
        if self.point is None or self.resolved_at is None:
            return False
        return now - span < self.resolved_at <= now


def ask_cell(
    cell: KnownCell,
    ask: Callable[[GridPoint], Answer],
    *,
    client: NwsClient,
    now: dt.datetime,
) -> tuple[Answer, GridPoint | None]:
    """Ask something of a station's cell, finding it daily and when it is gone.

    Touches no database, so it may run in a worker.

    Returns:
        The answer, and the cell when it was looked up: for :func:`keep_cell`.

    Raises:
        DataUnavailable: If there is no forecast for the station.
        TransientError: If the service cannot be reached.
        InvalidDataError: If its answer cannot be used.
    """
    found = _looked_up(cell, client=client) if cell.is_due(now) else None
    point = found or cell.point
    if point is None:
        raise _no_forecast(cell, DataUnavailable("There is no cell."))
    try:
        return ask(point), found
    except DataUnavailable as error:
        if not _is_gone(error):
            raise
        if found is not None or cell.is_fresh(now):
            raise _no_forecast(cell, error) from error
    found = _point(cell, client=client)
    try:
        return ask(found), found
    except DataUnavailable as error:
        if not _is_gone(error):
            raise
        raise _no_forecast(cell, error) from error


def keep_cell(station: Station, point: GridPoint | None, *, now: dt.datetime) -> None:
    """Keep a cell that was looked up; None changes nothing."""
    if point is None:
        return
    found = (point.grid_id, point.grid_x, point.grid_y)
    if station.grid_id and found != (station.grid_id, station.grid_x, station.grid_y):
        log.info("Grid point has moved", station=station.code, grid=str(found))
    station.grid_id, station.grid_x, station.grid_y = found
    station.grid_resolved_at = now
    station.save(update_fields=["grid_id", "grid_x", "grid_y", "grid_resolved_at"])


def _looked_up(cell: KnownCell, *, client: NwsClient) -> GridPoint | None:
    """Look the cell up; a known one serves on when that fails.

    Unless there was no answer at all: then the grid would not answer either.
    """
    try:
        return _point(cell, client=client)
    except BozBaseException as error:
        is_silent = isinstance(error, TransientError) and error.context.get("status") is None
        if is_silent or cell.point is None:
            if isinstance(error, DataUnavailable) and _is_gone(error):
                raise _no_forecast(cell, error) from error
            raise
        return None


def _point(cell: KnownCell, *, client: NwsClient) -> GridPoint:
    return client.point(latitude=cell.latitude, longitude=cell.longitude)


def _is_gone(error: DataUnavailable) -> bool:
    return error.context.get("status") in NOTHING_THERE


def _no_forecast(cell: KnownCell, error: DataUnavailable) -> DataUnavailable:
    return DataUnavailable(
        f"The National Weather Service has no grid forecast for {cell.station_name}.",
        error.context,
    )
