"""The weather service as of a simulated moment: points, grids and climate reports.

Pure: every method takes ``now`` and looks at nothing issued later.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from boz.core.clock import UTC, require_utc
from boz.sandbox.climate_report import ClimateReport, climate_reports
from boz.sandbox.places import BY_CLI_SITE, PLACES, Place
from boz.sandbox.recordings.loader import IssuedForecast, Recordings

#: The list of products of one site holds about this many, newest first.
LISTED_PRODUCTS = 28
#: A point belongs to the place whose station lies within this many degrees both ways.
POINT_TOLERANCE = 0.1
#: Hours of the window of a daily maximum, 7 AM to 8 PM standard time in the East.
_WINDOW_START_UTC, _WINDOW_HOURS = dt.time(12), 13


class WeatherService:
    """Answers of the weather service; every method looks only at what ``now`` allows."""

    def __init__(self, recordings: Recordings) -> None:
        """Prepare forecasts and reports in order of issue."""
        self._forecasts: dict[str, list[IssuedForecast]] = {}
        for forecast in recordings.forecasts:
            self._forecasts.setdefault(forecast.city, []).append(forecast)
        self._reports = climate_reports(recordings)
        self._by_uuid = {report.uuid: report for report in self._reports}

    def place_at(self, latitude: float, longitude: float) -> Place | None:
        """Return the place whose station is near a point, or None."""
        return next(
            (
                place
                for place in PLACES
                if abs(place.latitude - latitude) <= POINT_TOLERANCE
                and abs(place.longitude - longitude) <= POINT_TOLERANCE
            ),
            None,
        )

    def point_body(self, place: Place, latitude: float, longitude: float, base: str) -> Any:
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

    def has_forecasts(self, place: Place) -> bool:
        """Say whether any as-issued forecast is recorded for a place."""
        return bool(self._forecasts.get(place.city))

    def latest_forecast(self, place: Place, now: dt.datetime) -> IssuedForecast | None:
        """Return the newest forecast issued at or before ``now``."""
        issued = [item for item in self._forecasts.get(place.city, []) if item.issued_at <= now]
        return issued[-1] if issued else None

    def grid_body(self, place: Place, forecast: IssuedForecast, base: str) -> Any:
        """Return the grid's raw layers: the one maximum that this issue is known to hold."""
        window = dt.datetime.combine(forecast.day, _WINDOW_START_UTC, tzinfo=UTC)
        first = forecast.issued_at.replace(minute=0, second=0, microsecond=0)
        hours = int((window - first).total_seconds() // 3600) + _WINDOW_HOURS
        days, rest = divmod(hours, 24)
        span = (f"P{days}D" if days else "P") + (f"T{rest}H" if rest else "")
        identity = f"{base}/gridpoints/{place.office}/{place.grid_x},{place.grid_y}"
        return {
            "id": identity,
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [place.longitude, place.latitude]},
            "properties": {
                "@id": identity,
                "@type": "wx:Gridpoint",
                "updateTime": iso_offset(forecast.issued_at),
                "validTimes": f"{iso_offset(first)}/{span}",
                "elevation": {"unitCode": "wmoUnit:m", "value": place.elevation_m},
                "forecastOffice": f"{base}/offices/{place.office}",
                "gridId": place.office,
                "gridX": place.grid_x,
                "gridY": place.grid_y,
                "maxTemperature": {
                    "uom": "wmoUnit:degC",
                    "values": [
                        {
                            "validTime": f"{iso_offset(window)}/PT{_WINDOW_HOURS}H",
                            "value": (forecast.high_f - 32) / 1.8,
                        }
                    ],
                },
            },
        }

    def reports(self, site: str, now: dt.datetime) -> list[ClimateReport]:
        """Return the climate reports of a site issued by ``now``, newest first, at most 28."""
        place = BY_CLI_SITE.get(site)
        issued = [
            report for report in self._reports if report.place is place and report.issued_at <= now
        ]
        return issued[::-1][:LISTED_PRODUCTS]

    def report(self, uuid: str, now: dt.datetime) -> ClimateReport | None:
        """Return a climate report by its identifier, or None while it is not issued."""
        report = self._by_uuid.get(uuid)
        return report if report is not None and report.issued_at <= now else None


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
