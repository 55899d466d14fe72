"""Take in the grid forecasts of all active stations; every issuance is kept."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence

from django.db import transaction

from boz.core.agents import AgentResult
from boz.core.errors import BozBaseException, InvalidDataError, StaleDataError
from boz.core.logging import get_logger
from boz.core.schemas import WeatherVariables
from weather import selectors
from weather.clients.nws import Grid, Layer, NwsClient
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
from weather.domain.temperature import unit_mixup
from weather.models import Forecast, Station
from weather.services.grid_points import station_grid
from weather.services.health import SourceRun, get_source
from weather.services.payloads import CaptureBox, store_payload
from weather.stations import NWS_GRID

log = get_logger("WEATHER")

#: An issuance from further in the future than this has a broken time.
CLOCK_TOLERANCE = dt.timedelta(minutes=10)
REFERENCE_DAYS = dt.timedelta(days=10)
MPH_PER_UNIT = {"wmoUnit:km_h-1": 0.621371192, "wmoUnit:m_s-1": 2.236936292}
PERCENT = "wmoUnit:percent"

Hours = Mapping[dt.datetime, float]


def ingest_forecasts(*, now: dt.datetime, client: NwsClient | None = None) -> AgentResult:
    """Fetch and store the forecasts of every active station.

    Args:
        now: The moment of the fetch; new rows are available from then on.
        client: Replaces the ordinary client, which is built from the settings.
    """
    source = get_source(NWS_GRID)
    run = SourceRun(source, now=now)
    if not source.is_active:
        run.skip(source.code, f"{source.name} is switched off.")
        return AgentResult(done={"forecasts": 0, "stations": 0}, skipped=run.skipped)
    stored = reached = 0
    with client or NwsClient.from_settings(capture=run.box) as nws:
        for station in Station.objects.filter(is_active=True):
            if run.is_given_up:
                run.leave_out_unasked(station.code)
                continue
            run.box.clear()
            try:
                grid = station_grid(station, client=nws, now=now)
                rows = _rows(station, grid, run=run)
                stored += _store(rows, box=run.box)
            except BozBaseException as error:
                run.leave_out(station.code, error)
            else:
                reached += 1
                run.answered()
    run.finish()
    if stored:
        log.info("Fetched NWS forecasts", rows=stored, stations=reached)
    return AgentResult(done={"forecasts": stored, "stations": reached}, skipped=run.skipped)


def _rows(station: Station, grid: Grid, *, run: SourceRun) -> list[Forecast]:
    """Return unsaved rows for each day of the grid that is not over, once per issuance."""
    now, issued_at = run.now, grid.update_time
    if issued_at > now + CLOCK_TOLERANCE:
        raise InvalidDataError(
            f"The forecast for {station.name} claims to be issued in the future.",
            {"issued_at": issued_at.isoformat(), "now": now.isoformat()},
        )
    hours = hourly(_fahrenheit(grid.temperature, what="A forecast temperature"))
    days = _coming_days(station, grid, hours=hours, now=now)
    known = set(
        Forecast.objects.filter(
            station=station, source=run.source, issued_at=issued_at
        ).values_list("climate_day", flat=True)
    )
    new = [day for day in days if day.climate_day not in known]
    if not new:
        return []
    reference_f = _reference(station, now=now)
    layers = _day_layers(grid)
    return [
        Forecast(
            station=station,
            source=run.source,
            climate_day=day.climate_day,
            high_f=day.high_f,
            variables=_variables(station, day, hours=hours, layers=layers),
            issued_at=issued_at,
            available_at=max(now, issued_at),
            fetched_at=now,
        )
        for day in new
        if not _is_in_wrong_unit(day, reference_f=reference_f, station=station, run=run)
    ]


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


def _store(rows: Sequence[Forecast], *, box: CaptureBox) -> int:
    """Write the rows together with the answer they came from; return how many are new."""
    if not rows:
        return 0
    with transaction.atomic():
        payload = store_payload(box.latest)
        for row in rows:
            row.payload = payload
        # Another run may have written them since; the first one stands.
        Forecast.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _reference(station: Station, *, now: dt.datetime) -> float | None:
    """Return about how warm it has been: recent official highs, or None."""
    since = station.climate_day(now) - REFERENCE_DAYS
    highs = selectors.official_highs(station=station, as_of=now, since=since)
    return statistics.median(highs.values()) if highs else None


def _is_in_wrong_unit(
    day: DayForecast, *, reference_f: float | None, station: Station, run: SourceRun
) -> bool:
    mixup = None if reference_f is None else unit_mixup(day.high_f, reference_f=reference_f)
    if mixup is None:
        return False
    error = InvalidDataError(
        f"A forecast high of {day.high_f:g} °F after recent highs near {reference_f:g} °F looks "
        f"like {mixup}; it is refused.",
        {"high_f": day.high_f, "reference_f": reference_f},
    )
    run.leave_out(f"{station.code} {day.climate_day}", error)
    return True


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
