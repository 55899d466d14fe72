"""Open-Meteo over HTTP: ``/open-meteo`` serves what its hosts serve, under one address."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boz.core.clock import UTC
from boz.sandbox.faults import Source
from boz.sandbox.invented.models import ENSEMBLE_MODELS, FORECAST_MODELS
from boz.sandbox.places import Place
from boz.sandbox.recordings.loader import IntArray
from boz.sandbox.sky import FloatArray
from boz.sandbox.wire import Handler, WireError, endpoint, query_int
from boz.sandbox.world import World

NO_DATA = "No data is available for this location"
#: A location is served if a station lies this near (degrees).
_TOLERANCE = 0.5
_GRID = 0.125
_HOUR, _DAY = 3600, 86_400
_MAX_DAYS = 400
_TEMPERATURE = re.compile(r"temperature_2m(?:_previous_day([1-7]))?")
_FORECAST_NAMES = {model.name: model.name for model in FORECAST_MODELS} | {
    "best_match": "ncep_gfs_global",
    "gfs_global": "ncep_gfs_global",
    "gfs_hrrr": "ncep_hrrr_conus",
    "ecmwf_aifs025": "ecmwf_aifs025_single",
    "icon_global": "dwd_icon_global",
    "gem_global": "cmc_gem_gdps",
}
#: On the ensemble host older names are answered under the newer ones.
_ENSEMBLE_NAMES = {model.name: model.name for model in ENSEMBLE_MODELS} | {
    "gfs025": "ncep_gefs025",
    "ecmwf_ifs025": "ecmwf_ifs025_ensemble",
    "ecmwf_aifs025": "ecmwf_aifs025_ensemble",
    "icon_global": "icon_global_eps",
    "gem_global": "gem_global_ensemble",
    "cmc_gem_geps": "gem_global_ensemble",
}
#: Some models' data lie under another name than the one that forecasts are asked by.
_DIRECTORIES = {
    "ncep_gfs013": "ncep_gfs_global",
    "dwd_icon": "dwd_icon_global",
    "dwd_icon_eps": "icon_global_eps",
    "cmc_gem_geps": "gem_global_ensemble",
}
_CRS = 'GEOGCRS["WGS 84",DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,298.257]]]'
#: Tenths of a degree as JSON, from -300.0 to 300.0: quicker than writing every number anew.
_TENTHS = np.array([f"{number / 10:.1f}" for number in range(-3000, 3001)] + ["null"], dtype=object)
_NULL = len(_TENTHS) - 1


def routes(world: World) -> list[Route]:
    """Return the routes below ``/open-meteo``."""
    table: list[tuple[str, Handler]] = [
        ("/v1/forecast", _forecast),
        ("/v1/ensemble", _ensemble),
        ("/data/{model}/static/meta.json", _meta),
        ("/{rest:path}", _unknown),
    ]
    return [
        Route(path, endpoint(world, Source.OPEN_METEO, handler), methods=["GET"])
        for path, handler in table
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A request: places, hours and how to write them.

    Args:
        hours: Unix seconds of the hours.
        times: The hours as JSON.
    """

    variables: tuple[tuple[str, int], ...]
    models: tuple[str, ...]
    offset_seconds: int
    zone: str
    abbreviation: str
    hours: IntArray
    times: str
    time_unit: str
    is_fahrenheit: bool


def _forecast(world: World, request: Request, now: dt.datetime) -> Response:
    return _answer(world, request, now, _FORECAST_NAMES, "best_match", max_days=16)


def _ensemble(world: World, request: Request, now: dt.datetime) -> Response:
    return _answer(world, request, now, _ENSEMBLE_NAMES, "gfs025", max_days=36)


def _answer(
    world: World,
    request: Request,
    now: dt.datetime,
    names: Mapping[str, str],
    default: str,
    *,
    max_days: int,
) -> Response:
    query = request.query_params
    points = _points(query)
    asked = _asked(query, now, names, default, max_days=max_days)
    bodies = [_location(world, asked, point, now) for point in points]
    text = bodies[0] if len(bodies) == 1 else f"[{','.join(bodies)}]"
    return Response(text, media_type="application/json")


def _location(world: World, asked: _Asked, point: tuple[float, float], now: dt.datetime) -> str:
    """Return the answer for one location as JSON."""
    place = world.place_at(*point, tolerance=_TOLERANCE)
    if place is None:
        raise WireError(400, "no_data", NO_DATA)
    series = _series(world, asked, place, now)
    unit = "°F" if asked.is_fahrenheit else "°C"
    head = json.dumps(
        {
            "latitude": round(point[0] / _GRID) * _GRID,
            "longitude": round(point[1] / _GRID) * _GRID,
            "generationtime_ms": 0.5,
            "utc_offset_seconds": asked.offset_seconds,
            "timezone": asked.zone,
            "timezone_abbreviation": asked.abbreviation,
            "elevation": place.elevation_m,
            "hourly_units": {"time": asked.time_unit} | dict.fromkeys(series, unit),
        },
        ensure_ascii=False,
    )
    rows = "".join(f',"{name}":[{values}]' for name, values in series.items())
    return f'{head[:-1]},"hourly":{{"time":[{asked.times}]{rows}}}}}'


def _series(world: World, asked: _Asked, place: Place, now: dt.datetime) -> dict[str, str]:
    """Return every series as JSON numbers; only several models with data add their names."""
    found: dict[tuple[str, str], list[str]] = {}
    for model in asked.models:
        for variable, days_before in asked.variables:
            said = world.sky.model_hours(model, place, asked.hours, now, days_before=days_before)
            if said is not None and not np.isnan(said).all():
                found[variable, model] = _numbers(said, is_fahrenheit=asked.is_fahrenheit)
    if not found:
        raise WireError(400, "no_data", NO_DATA)
    has_suffix = len({model for _, model in found}) > 1
    series = {}
    for (variable, model), rows in found.items():
        suffix = f"_{model}" if has_suffix else ""
        for member, row in enumerate(rows):
            name = variable if member == 0 else f"{variable}_member{member:02d}"
            series[f"{name}{suffix}"] = row
    return series


def _numbers(temps_f: FloatArray, *, is_fahrenheit: bool) -> list[str]:
    """Return each row as JSON numbers with one decimal, null where there is nothing."""
    values = temps_f if is_fahrenheit else (temps_f - 32) / 1.8
    missing = np.isnan(values)
    tenths = np.rint(np.where(missing, 0, values) * 10).astype(np.int64) + 3000
    written = _TENTHS[np.where(missing, _NULL, tenths)]
    return [",".join(row) for row in written.tolist()]


def _points(query: Mapping[str, str]) -> list[tuple[float, float]]:
    try:
        latitudes = [float(part) for part in query.get("latitude", "").split(",")]
        longitudes = [float(part) for part in query.get("longitude", "").split(",")]
    except ValueError:
        raise WireError(
            400, "bad_request", "Parameter 'latitude' and 'longitude' must be numbers"
        ) from None
    if len(latitudes) != len(longitudes):
        raise WireError(
            400,
            "bad_request",
            "Parameter 'latitude' and 'longitude' must have the same number of elements",
        )
    return list(zip(latitudes, longitudes, strict=True))


def _asked(
    query: Mapping[str, str],
    now: dt.datetime,
    names: Mapping[str, str],
    default: str,
    *,
    max_days: int,
) -> _Asked:
    zone = query.get("timezone", "GMT")
    try:
        local = now.astimezone(UTC if zone == "GMT" else ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        raise WireError(400, "bad_request", "Invalid timezone") from None
    offset = local.utcoffset() or dt.timedelta(0)
    offset_seconds = int(offset.total_seconds())
    hours = _hours(query, local.date(), now, offset_seconds, max_days=max_days)
    is_unix = _choice(query, "timeformat", ("iso8601", "unixtime")) == "unixtime"
    return _Asked(
        variables=_variables(query.get("hourly", "")),
        models=_models(query.get("models", default), names),
        offset_seconds=offset_seconds,
        zone=zone,
        abbreviation="GMT" if zone == "GMT" else f"{local:%Z}",
        hours=hours,
        times=_times(hours, offset_seconds, is_unix=is_unix),
        time_unit="unixtime" if is_unix else "iso8601",
        is_fahrenheit=_choice(query, "temperature_unit", ("celsius", "fahrenheit")) == "fahrenheit",
    )


def _variables(text: str) -> tuple[tuple[str, int], ...]:
    """Return each variable with the days before which it was forecast."""
    found = []
    for name in text.split(","):
        match = _TEMPERATURE.fullmatch(name)
        if match is None:
            raise WireError(
                400,
                "bad_request",
                f"Cannot initialize WeatherVariable from invalid String value {name} "
                "for key hourly",
            )
        found.append((name, int(match[1] or 0)))
    return tuple(found)


def _models(text: str, names: Mapping[str, str]) -> tuple[str, ...]:
    for name in text.split(","):
        if name not in names:
            raise WireError(
                400,
                "bad_request",
                f"Cannot initialize MultiDomains from invalid String value {name} for key models",
            )
    return tuple(dict.fromkeys(names[name] for name in text.split(",")))


def _hours(
    query: Mapping[str, str],
    today: dt.date,
    now: dt.datetime,
    offset_seconds: int,
    *,
    max_days: int,
) -> IntArray:
    """Return the hours asked for: whole local days, or hours around now."""
    past_hours = query_int(query, "past_hours", low=0, high=2400, default=None)
    ahead_hours = query_int(query, "forecast_hours", low=0, high=24 * max_days, default=None)
    if past_hours is not None or ahead_hours is not None:
        this_hour = int(now.timestamp()) // _HOUR * _HOUR
        return this_hour + _HOUR * np.arange(-(past_hours or 0), ahead_hours or 0)
    if "start_date" in query or "end_date" in query:
        first, last = _date(query, "start_date"), _date(query, "end_date")
    else:
        past = query_int(query, "past_days", low=0, high=92, default=0) or 0
        ahead = query_int(query, "forecast_days", low=0, high=max_days, default=7)
        first = today - dt.timedelta(days=past)
        last = today + dt.timedelta(days=(7 if ahead is None else ahead) - 1)
    days = (last - first).days + 1
    if not 0 < days <= _MAX_DAYS:
        raise WireError(400, "bad_request", "End-date must be larger or equals than start-date")
    midnight = dt.datetime.combine(first, dt.time(0), tzinfo=UTC)
    return int(midnight.timestamp()) - offset_seconds + _HOUR * np.arange(24 * days)


def _date(query: Mapping[str, str], name: str) -> dt.date:
    text = query.get(name, "")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise WireError(
            400, "bad_request", f"Invalid date format. Make sure to use 'YYYY-MM-DD' for {name}"
        ) from None


def _times(hours: IntArray, offset_seconds: int, *, is_unix: bool) -> str:
    if is_unix:
        return ",".join(map(str, hours.tolist()))
    local = np.datetime_as_string((hours + offset_seconds).astype("datetime64[s]"), unit="m")
    return ",".join(f'"{moment}"' for moment in local)


def _choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """Return a parameter that must be one of a few; absent is the first of them."""
    value = query.get(name, allowed[0])
    if value not in allowed:
        raise WireError(
            400,
            "bad_request",
            f"Cannot initialize {name} from invalid String value {value} for key {name}",
        )
    return value


def _meta(world: World, request: Request, now: dt.datetime) -> Response:
    directory = request.path_params["model"]
    model = _DIRECTORIES.get(directory, directory)
    is_served = model in _FORECAST_NAMES.values() or model in _ENSEMBLE_NAMES.values()
    run = world.sky.model_run(model, now) if is_served else None
    if run is None:
        raise WireError(404, "not_found", "Not Found")
    started, available = int(run.started_at.timestamp()), int(run.available_at.timestamp())
    return JSONResponse(
        {
            "chunk_time_length": 72,
            "crs_wkt": _CRS,
            "data_end_time": started + int(run.horizon.total_seconds()),
            "last_run_availability_time": available,
            "last_run_initialisation_time": started,
            "last_run_modification_time": available,
            "temporal_resolution_seconds": _HOUR,
            "update_interval_seconds": int(run.interval.total_seconds()),
        }
    )


def _unknown(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "not_found", "Not Found")
