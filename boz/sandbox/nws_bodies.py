"""Answers of the weather service as it writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from boz.core.clock import require_utc
from boz.sandbox.climate_report import ClimateReport
from boz.sandbox.observations import raw_report
from boz.sandbox.places import BY_STATION, Place
from boz.sandbox.recordings.loader import RecordedObservation
from boz.sandbox.sky import GridIssue, GridLayer, HourlyIssue

CONTEXT = {"@version": "1.1", "@vocab": "https://api.weather.gov/ontology#"}
HOUR = dt.timedelta(hours=1)
#: Hours that the hourly forecast tells, and half days of the period forecast.
HOURLY_PERIODS, HALF_DAYS = 156, 14
_KMH_PER_MS = 3.6


def point_body(place: Place, latitude: float, longitude: float, base: str) -> Any:
    """Return the metadata of a point; links lead back to this server."""
    grid = f"{base}/gridpoints/{place.office}/{place.grid_x},{place.grid_y}"
    identity = f"{base}/points/{latitude},{longitude}"
    return {
        "id": identity,
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
        "properties": {
            "@id": identity,
            "@type": "wx:Point",
            "cwa": place.office,
            "type": "land",
            "forecastOffice": f"{base}/offices/{place.office}",
            "gridId": place.office,
            "gridX": place.grid_x,
            "gridY": place.grid_y,
            "forecast": f"{grid}/forecast",
            "forecastHourly": f"{grid}/forecast/hourly",
            "forecastGridData": grid,
            "observationStations": f"{grid}/stations",
            "timeZone": place.time_zone,
            "radarStation": place.radar,
        },
    }


def grid_body(place: Place, issue: GridIssue, base: str) -> Any:
    """Return the grid's raw layers."""
    identity = f"{base}/gridpoints/{place.office}/{place.grid_x},{place.grid_y}"
    return {
        "id": identity,
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [place.longitude, place.latitude]},
        "properties": {
            "@id": identity,
            "@type": "wx:Gridpoint",
            "updateTime": iso_offset(issue.issued_at),
            "validTimes": _period(issue.valid_from, issue.valid_hours),
            "elevation": {"unitCode": "wmoUnit:m", "value": place.elevation_m},
            "forecastOffice": f"{base}/offices/{place.office}",
            "gridId": place.office,
            "gridX": place.grid_x,
            "gridY": place.grid_y,
            **{name: _layer(layer) for name, layer in issue.layers.items()},
        },
    }


def hourly_body(place: Place, issue: HourlyIssue, now: dt.datetime, *, units: str) -> Any:
    """Return the hourly forecast, in °F (``us``) or °C (``si``)."""
    zone = ZoneInfo(place.time_zone)
    periods = []
    for number in range(min(HOURLY_PERIODS, len(issue.temps_f))):
        start = (issue.start + number * HOUR).astimezone(zone)
        end = (issue.start + (number + 1) * HOUR).astimezone(zone)
        period = _forecast_period(
            number + 1, "", start, end, issue.temps_f[number], issue.winds_mph[number], units
        )
        dew = _celsius(issue.dews_f[number])
        period["dewpoint"] = {"unitCode": "wmoUnit:degC", "value": dew}
        periods.append(period)
    return _forecast_body(place, issue, periods, now, units=units, name="Hourly")


def period_body(place: Place, issue: HourlyIssue, now: dt.datetime, *, units: str) -> Any:
    """Return the forecast by half days of civil time: highs from 6 to 18, lows from 18 to 6."""
    zone = ZoneInfo(place.time_zone)
    periods: list[dict[str, Any]] = []
    first = 0
    while len(periods) < HALF_DAYS and first < len(issue.temps_f):
        start = (issue.start + first * HOUR).astimezone(zone)
        is_day = 6 <= start.hour < 18
        last = first + 1
        while last < len(issue.temps_f):
            if (issue.start + last * HOUR).astimezone(zone).hour in (6, 18):
                break
            last += 1
        temps = issue.temps_f[first:last]
        temp_f = max(temps) if is_day else min(temps)
        end = (issue.start + last * HOUR).astimezone(zone)
        word = "High" if is_day else "Low"
        name = f"{start:%A}" if is_day else f"{start:%A} Night"
        period = _forecast_period(
            len(periods) + 1, name, start, end, temp_f, max(issue.winds_mph[first:last]), units
        )
        period["detailedForecast"] = f"{word} near {period['temperature']}."
        periods.append(period)
        first = last
    return _forecast_body(place, issue, periods, now, units=units, name="Baseline")


def observations_body(items: Iterable[RecordedObservation], base: str) -> Any:
    """Return readings of a station, in the order given."""
    return {
        "@context": CONTEXT,
        "type": "FeatureCollection",
        "features": [observation_feature(item, base) for item in items],
    }


def observation_feature(item: RecordedObservation, base: str) -> Any:
    """Return one reading: °C, with its report as sent when it is one."""
    place = BY_STATION[item.station]
    identity = f"{base}/stations/{item.station}/observations/{iso_offset(item.observed_at)}"
    wind = None if item.wind_ms is None else round(item.wind_ms * _KMH_PER_MS, 3)
    celsius = item.temp_c if item.tgroup_c is None else item.tgroup_c
    return {
        "id": identity,
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [place.longitude, place.latitude]},
        "properties": {
            "@id": identity,
            "@type": "wx:ObservationStation",
            "elevation": {"unitCode": "wmoUnit:m", "value": place.elevation_m},
            "station": f"{base}/stations/{item.station}",
            "stationId": item.station,
            "stationName": place.station_name,
            "timestamp": iso_offset(item.observed_at),
            "rawMessage": "" if item.kind == "HF" else raw_report(item),
            "textDescription": "",
            "presentWeather": [],
            "temperature": _measured("degC", celsius),
            "dewpoint": _measured("degC", item.dew_c),
            "windDirection": _measured("degree_(angle)", item.wind_dir),
            "windSpeed": _measured("km_h-1", wind),
            "maxTemperatureLast24Hours": {"unitCode": "wmoUnit:degC", "value": None},
            "minTemperatureLast24Hours": {"unitCode": "wmoUnit:degC", "value": None},
        },
    }


def product_body(report: ClimateReport, base: str, *, text: bool) -> dict[str, Any]:
    """Return a product as a list item, or with its text as the whole product."""
    body: dict[str, Any] = {
        "@id": f"{base}/products/{report.uuid}",
        "id": report.uuid,
        "wmoCollectiveId": report.place.wmo_heading,
        "issuingOffice": report.place.cli_office,
        "issuanceTime": iso_offset(report.issued_at),
        "productCode": "CLI",
        "productName": "Daily Climate Report",
    }
    return body | ({"productText": report.text()} if text else {})


def iso_offset(moment: dt.datetime) -> str:
    """Write a time as the weather service does: ``2024-11-14T00:47:00+00:00``."""
    return require_utc(moment, name="moment").isoformat(timespec="seconds")


def _forecast_body(
    place: Place,
    issue: HourlyIssue,
    periods: list[dict[str, Any]],
    now: dt.datetime,
    *,
    units: str,
    name: str,
) -> Any:
    return {
        "@context": CONTEXT,
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [place.longitude, place.latitude]},
        "properties": {
            "units": units,
            "forecastGenerator": f"{name}ForecastGenerator",
            "generatedAt": iso_offset(now),
            "updateTime": iso_offset(issue.issued_at),
            "validTimes": _period(issue.start, len(issue.temps_f)),
            "elevation": {"unitCode": "wmoUnit:m", "value": place.elevation_m},
            "periods": periods,
        },
    }


def _forecast_period(
    number: int,
    name: str,
    start: dt.datetime,
    end: dt.datetime,
    temp_f: int,
    wind_mph: int,
    units: str,
) -> dict[str, Any]:
    return {
        "number": number,
        "name": name,
        "startTime": start.isoformat(timespec="seconds"),
        "endTime": end.isoformat(timespec="seconds"),
        "isDaytime": 6 <= start.hour < 18,
        "temperature": temp_f if units == "us" else round(_celsius(temp_f)),
        "temperatureUnit": "F" if units == "us" else "C",
        "temperatureTrend": None,
        "probabilityOfPrecipitation": {"unitCode": "wmoUnit:percent", "value": 0},
        "windSpeed": f"{wind_mph} mph" if units == "us" else f"{round(wind_mph * 1.609)} km/h",
        "windDirection": "SW",
        "icon": "",
        "shortForecast": "Fair",
        "detailedForecast": "",
    }


def _layer(layer: GridLayer) -> dict[str, Any]:
    return {
        "uom": layer.uom,
        "values": [
            {"validTime": _period(start, hours), "value": value}
            for start, hours, value in layer.values
        ],
    }


def _period(start: dt.datetime, hours: int) -> str:
    days, rest = divmod(hours, 24)
    span = (f"P{days}D" if days else "P") + (f"T{rest}H" if rest else "")
    return f"{iso_offset(start)}/{span}"


def _measured(unit: str, value: float | None) -> dict[str, Any]:
    quality = "Z" if value is None else "V"
    return {"unitCode": f"wmoUnit:{unit}", "value": value, "qualityControl": quality}


def _celsius(temp_f: float) -> float:
    return (temp_f - 32) / 1.8
