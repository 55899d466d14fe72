"""Take in the grid forecasts of the weather service for all active stations."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from boz.core.errors import InvalidDataError, StaleDataError
from boz.core.http import Captured
from boz.core.schemas import WeatherVariables
from weather.clients.nws import Grid, GridPoint, Layer, NwsClient
from weather.domain.grid import (
    CELSIUS_UNITS,
    FAHRENHEIT_UNITS,
    DayForecast,
    GridValue,
    day_forecasts,
    fahrenheit_layer,
    hourly,
    layer_values,
    within_day,
)
from weather.models import Station
from weather.services.forecast_rows import (
    IssuedDay,
    StationDays,
    require_issued,
    store_forecasts,
)
from weather.services.grid_points import KnownCell, ask_cell, keep_cell
from weather.services.intake import Intake, Task
from weather.sources import NWS_GRID

MPH_PER_UNIT = {"wmoUnit:km_h-1": 0.621371192, "wmoUnit:m_s-1": 2.236936292}
PERCENT = "wmoUnit:percent"

Hours = Mapping[dt.datetime, float]
GridAnswer = tuple[Grid, GridPoint | None]


class GridForecasts(Intake[GridAnswer]):
    """The raw forecast of each station's grid cell, one call per station."""

    source_code = NWS_GRID

    def __init__(self, *, now: dt.datetime, client: NwsClient | None = None) -> None:
        """Prepare; ``client`` replaces the ordinary one."""
        super().__init__(now=now)
        self._client = client or NwsClient.from_settings(capture=self.captures)
        self._stored = 0
        self._reached: set[str] = set()

    def tasks(self, stack: ExitStack) -> Sequence[Task[GridAnswer]]:
        """Plan one call per active station."""
        client = stack.enter_context(self._client)
        return [
            Task(code, partial(_fetch, KnownCell.of(station), client=client, now=self.now), (code,))
            for code, station in self.stations.items()
        ]

    def store(
        self, task: Task[GridAnswer], answer: GridAnswer, captured: Sequence[Captured]
    ) -> int:
        """Write the days of a grid that are not over, once per issuance."""
        grid, point = answer
        station = self.stations[task.subject]
        keep_cell(station, point, now=self.now)
        require_issued(grid.update_time, now=self.now, what=f"The forecast for {station.name}")
        self.run.note_issue(grid.update_time)
        self._count_missing(grid)
        hours = hourly(_fahrenheit(grid.temperature, what="A forecast temperature"))
        days = _coming_days(station, grid, hours=hours, now=self.now)
        layers = _day_layers(grid)
        issued = [
            IssuedDay(
                climate_day=day.climate_day,
                high_f=day.high_f,
                issued_at=grid.update_time,
                variables=_variables(station, day, hours=hours, layers=layers),
            )
            for day in days
        ]
        evidence = captured[-1] if captured else None
        stored = store_forecasts([StationDays(station, issued, evidence)], run=self.run)
        self._stored += stored
        self._reached.add(station.code)
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows, and the stations whose forecast came."""
        return {"forecasts": self._stored, "stations": len(self._reached)}

    @property
    def missed(self) -> tuple[str, ...]:
        """Return the stations to get a forecast for in another way, after all tasks.

        None when the service was silent, or is not to be asked.
        """
        is_silent = self.run.is_asked and not self.run.silence.was_heard
        if is_silent or not self.source.is_active:
            return ()
        return tuple(code for code in self.stations if code not in self._reached)

    def _count_missing(self, grid: Grid) -> None:
        values = [item.value for item in (*grid.max_temperature.values, *grid.temperature.values)]
        self.run.count_values(seen=len(values), missing=values.count(None))


def _fetch(cell: KnownCell, *, client: NwsClient, now: dt.datetime) -> GridAnswer:
    def ask(point: GridPoint) -> Grid:
        return client.grid(grid_id=point.grid_id, grid_x=point.grid_x, grid_y=point.grid_y)

    return ask_cell(cell, ask, client=client, now=now)


def _coming_days(
    station: Station, grid: Grid, *, hours: Hours, now: dt.datetime
) -> list[DayForecast]:
    """Return the days of a grid that are not over."""
    maxima = _fahrenheit(grid.max_temperature, what="A forecast maximum")
    days = day_forecasts(maxima=maxima, hours=hours, offset=station.standard_offset)
    issued = {"issued_at": grid.update_time.isoformat()}
    if not days:
        raise InvalidDataError(f"The forecast for {station.name} holds no high.", issued)
    coming = [day for day in days if day.climate_day >= station.climate_day(now)]
    if not coming:
        raise StaleDataError(
            f"The latest forecast for {station.name} is for days that are over.", issued
        )
    return coming


def _fahrenheit(layer: Layer, *, what: str) -> Sequence[GridValue]:
    """Return a layer in °F; one that is not sent is empty and needs no unit."""
    return fahrenheit_layer(layer.pairs(), unit=layer.uom, what=what) if layer.values else ()


def _day_layers(grid: Grid) -> dict[str, Hours]:
    """Return the further layers in our units, hour by hour; an unusable layer is left out."""
    layers: dict[str, Hours] = {}
    if grid.dewpoint.uom in CELSIUS_UNITS | FAHRENHEIT_UNITS:
        layers["dew_point_f"] = hourly(
            fahrenheit_layer(grid.dewpoint.pairs(), unit=grid.dewpoint.uom, what="A dew point")
        )
    for name, layer in (
        ("humidity_pct", grid.relative_humidity),
        ("cloud_cover_pct", grid.sky_cover),
    ):
        if layer.uom == PERCENT:
            layers[name] = _scaled(layer, 1.0, limit=100.0)
    for name, layer in (("wind_speed_mph", grid.wind_speed), ("wind_gust_mph", grid.wind_gust)):
        factor = MPH_PER_UNIT.get(layer.uom or "")
        if factor is not None:
            layers[name] = _scaled(layer, factor, limit=300.0)
    return layers


def _scaled(layer: Layer, factor: float, *, limit: float) -> Hours:
    hours = hourly(layer_values(layer.pairs()))
    scaled = {moment: value * factor for moment, value in hours.items()}
    return {moment: value for moment, value in scaled.items() if 0.0 <= value <= limit}


def _variables(
    station: Station, day: DayForecast, *, hours: Hours, layers: Mapping[str, Hours]
) -> dict[str, float]:
    """Return means over the day, and maxima of wind; missing ones are left out."""
    offset = station.standard_offset
    found: dict[str, float] = {"temp_high_f": day.high_f}
    temperatures = within_day(hours, day.climate_day, offset=offset)
    if len(temperatures) >= 24:
        found["temp_low_f"] = min(temperatures)
    for name, layer in layers.items():
        values = within_day(layer, day.climate_day, offset=offset)
        if values:
            value = max(values) if name.startswith("wind") else statistics.fmean(values)
            found[name] = round(value, 1)
    return WeatherVariables.model_validate(found).model_dump(exclude_none=True)
