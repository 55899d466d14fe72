"""Station reports as coded text, and in the JSON of the aviation weather service.

A report is written from its values: what is not known (visibility, clouds, altimeter) is left out.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from boz.sandbox.places import BY_STATION
from boz.sandbox.recordings.loader import RecordedObservation
from boz.sandbox.sky import DELAY

_KNOTS_PER_MS = 1.943844


def observation_body(item: RecordedObservation) -> dict[str, Any]:
    """Return a report as the data service writes it; unknown fields are absent."""
    place = BY_STATION[item.station]
    body: dict[str, Any] = {
        "icaoId": item.station,
        "receiptTime": _millis(item.observed_at + DELAY),
        "obsTime": int(item.observed_at.timestamp()),
        "reportTime": _millis(item.observed_at),
        "temp": _temperature(item),
        "metarType": _report_type(item),
        "rawOb": raw_report(item),
        "lat": place.latitude,
        "lon": place.longitude,
        "elev": place.elevation_m,
        "name": place.station_name,
        "clouds": [],
    }
    if item.dew_c is not None:
        body["dewp"] = item.dew_c
    if item.wind_ms is not None:
        body["wdir"] = _direction(item)
        body["wspd"] = round(item.wind_ms * _KNOTS_PER_MS)
    if item.slp_hpa is not None:
        body["slp"] = item.slp_hpa
    if item.max6h_c is not None:
        body["maxT"] = item.max6h_c
    if item.min6h_c is not None:
        body["minT"] = item.min6h_c
    if item.max24h_c is not None:
        body["maxT24"] = item.max24h_c
    if item.min24h_c is not None:
        body["minT24"] = item.min24h_c
    return body


def raw_report(item: RecordedObservation) -> str:
    """Return the report's text: wind, temperatures, and the groups of its remarks."""
    parts = [_report_type(item), item.station]
    parts.append(f"{item.observed_at:%d%H%M}Z")
    if item.wind_ms is not None:
        direction = _direction(item)
        heading = direction if isinstance(direction, str) else f"{direction:03d}"
        parts.append(f"{heading}{round(item.wind_ms * _KNOTS_PER_MS):02d}KT")
    dew = "" if item.dew_c is None else _whole_celsius(item.dew_c)
    parts += [f"{_whole_celsius(_temperature(item))}/{dew}", "RMK", "AO2"]
    if item.slp_hpa is not None:
        parts.append(f"SLP{round(item.slp_hpa * 10) % 1000:03d}")
    if item.tgroup_c is not None:
        dew_group = "" if item.dew_c is None else _tenths(item.dew_c)
        parts.append(f"T{_tenths(item.tgroup_c)}{dew_group}")
    if item.max6h_c is not None:
        parts.append(f"1{_tenths(item.max6h_c)}")
    if item.min6h_c is not None:
        parts.append(f"2{_tenths(item.min6h_c)}")
    if item.max24h_c is not None and item.min24h_c is not None:
        parts.append(f"4{_tenths(item.max24h_c)}{_tenths(item.min24h_c)}")
    return " ".join(parts)


def _report_type(item: RecordedObservation) -> str:
    return "SPECI" if item.kind == "FM-16" else "METAR"


def _temperature(item: RecordedObservation) -> float:
    return item.temp_c if item.tgroup_c is None else item.tgroup_c


def _direction(item: RecordedObservation) -> int | str:
    if not item.wind_ms:
        return 0
    return "VRB" if item.wind_dir is None else item.wind_dir


def _whole_celsius(value: float) -> str:
    """Return whole degrees as a report writes them, halves rounded up: ``M03``, ``26``."""
    whole = int((value + 0.5) // 1)
    below = value < 0 if whole == 0 else whole < 0
    return f"{'M' if below else ''}{abs(whole):02d}"


def _tenths(value: float) -> str:
    tenths = round(value * 10)
    return f"{1 if tenths < 0 else 0}{abs(tenths):03d}"


def _millis(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"
