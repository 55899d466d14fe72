"""How each kind of fault changes the content of an answer: JSON, product texts, tables.

A wrong day is next week for reports (nobody can have measured it) and last week for forecasts
(they say nothing about the days asked for).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Any

from boz.sandbox.faults import FaultKind, Source
from boz.sandbox.places import EVERY_PLACE

#: -200 °F in °C: impossible weather that arrives well-formed.
ABSURD_F = -200
ABSURD_C = (ABSURD_F - 32) / 1.8
NOWHERE = "ZZZ"
#: A field that no client knows yet, and what a known one is called after it was renamed.
NEW_FIELD = "field_of_next_year"
NEW_SUFFIX = "_v3"
WEEK = dt.timedelta(days=7)

#: Fields without which an answer cannot be used; a missing_field fault removes them all.
_VITAL = {
    Source.KALSHI: {
        "balance_dollars", "close_time", "end_period_ts", "event_ticker", "fee_cost", "fee_type",
        "no_dollars", "order_id", "position_fp", "yes_price_dollars",
    },
    Source.NWS: {
        "gridX", "issuanceTime", "productText", "updateTime", "timestamp", "periods",
    },
    Source.AVIATIONWEATHER: {"obsTime", "rawOb"},
    Source.OPEN_METEO: {"hourly", "last_run_initialisation_time"},
    Source.IEM: {"high", "product", "product_id", "txn"},
    Source.NBM: set(),
    Source.WEATHER_COMPANY: {"maxTemp", "status"},
}  # fmt: skip
_MEASURED = {"value", "temp", "dewp", "rawOb", "maxT", "high", "low", "maxTemp", "txn"}
_HIGHS = {"high", "maxTemp", "txn", "tmp"}
_SITES = "|".join(place.cli_site for place in EVERY_PLACE)
_STATION_NAMES = re.compile(
    rf"\bK(?:{_SITES})\b|(?<=CLI|DSM)(?:{_SITES})\b|^(?:{_SITES})(?=,)", re.M
)
_JSON_SITES = re.compile(rf'("(?:cliId|icao|stationId)": ?"K?)(?:{_SITES})"')
_HEADLINE_NAME = re.compile(r"(?<=\.\.\.THE ).+?(?= CLIMATE SUMMARY)")
_HEADLINE_DAY = re.compile(r"(?<=SUMMARY FOR )([A-Z]+ \d{1,2} \d{4})")
_ISO_DAY = re.compile(r"\b\d{4}-\d\d-\d\d(?!\d)")
_RAW_TIME = re.compile(r"(?<= )\d{6}Z")
_SUMMARY_DAY = re.compile(r"(?<=\d )(\d\d)/(\d\d)(?= )|(?<= DS )(\d\d)/(\d\d)(?= )")
_GUIDANCE_DAY = re.compile(r"(?<=GUIDANCE  )([ \d]{3})/(\d\d)/(\d{4})")
_MAXIMUM = re.compile(r"^(  MAXIMUM) .{10}(?= )", re.M)
_SUMMARY_MAXIMUM = re.compile(r"( DS (?:COR )?(?:\d{4} )?\d\d/\d\d )-?\d{1,3}(\d{4})/")
_SUMMARY_EXTREMES = re.compile(r"( DS (?:COR )?(?:\d{4} )?\d\d/\d\d ).*?//.*?//")
#: Label and fields of a row: labels are five wide where bars part the days, else four.
_BULLETIN_ROW = re.compile(
    r"^( ?(?:TXN\w{2}|(?:TXN|TMP)  (?=.*\|)|(?:TXN|TMP) (?!.*\|)))([ |\d-]*)$", re.M
)
_TENTHS_GROUP = re.compile(r"\bT\d{4}(?:\d{4})?\b")


def spoilt_json(source: Source, kind: FaultKind, body: Any) -> Any:
    """Return a JSON body made wrong."""
    return _JSON[kind](source, body)


def spoilt_text(source: Source, kind: FaultKind, text: str) -> str:
    """Return a text made wrong; a text that the fault does not touch comes back as it is."""
    return _TEXT[kind](source, text)


# Nothing and nulls --------------------------------------------------------------------------


def _empty_json(source: Source, body: Any) -> Any:
    if isinstance(body, list):
        return []
    if isinstance(body, dict):
        return {
            key: _empty_json(source, value) for key, value in body.items() if key != "productText"
        }
    return body


def _null_json(source: Source, body: Any) -> Any:
    if source is Source.OPEN_METEO:
        return _change_series(body, lambda row: [None] * len(row))
    return _walk(body, lambda key, value: None if _is_measured(source, key, value) else value)


def _is_measured(source: Source, key: str, value: Any) -> bool:
    if source is Source.KALSHI:
        return key.endswith("_dollars") and isinstance(value, str)
    return key in _MEASURED or (key == "temperature" and isinstance(value, int))


def _null_text(source: Source, text: str) -> str:
    if source is Source.NBM:
        return _change_bulletin(text, "-99")
    text = _MAXIMUM.sub(lambda match: f"{match[1]}{'MM':>11}", text)
    text = _SUMMARY_EXTREMES.sub(r"\1M/ M// M/ M//", text)
    return _change_table(text, {"tmpf": "M", "metar": "M", "tmp": "", "txn": "", "high": "M"})


# Missing and absurd --------------------------------------------------------------------------


def _incomplete_json(source: Source, body: Any) -> Any:
    if isinstance(body, list):
        return [_incomplete_json(source, item) for item in body]
    if isinstance(body, dict):
        return {
            key: _incomplete_json(source, value)
            for key, value in body.items()
            if key not in _VITAL[source]
        }
    return body


def _incomplete_text(source: Source, text: str) -> str:
    if source is Source.NBM:
        return re.sub(r"^( ?)(?:TXN|TMP)", r"\1XXX", text, flags=re.M)
    if source is not Source.IEM:
        return text
    kept = [
        line
        for line in text.split("\n")
        if not line.startswith("  MAXIMUM ") and " DS " not in line
    ]
    return (
        "\n".join(kept)
        .replace("station,valid", "station,time")
        .replace("runtime,ftime", "runtime,time")
    )


def _absurd_json(source: Source, body: Any) -> Any:
    if source is Source.KALSHI:
        return _absurd_prices(body)
    if source is Source.OPEN_METEO:
        return _change_series(body, lambda row: [float(ABSURD_F)] * len(row))
    return _walk(body, _absurd_value)


def _absurd_value(key: str, value: Any) -> Any:
    if key == "value" and isinstance(value, int | float):
        return ABSURD_C
    if key == "temp":
        return round(ABSURD_C, 1)
    if key in _HIGHS or (key == "temperature" and isinstance(value, int)):
        return ABSURD_F
    if key in ("rawOb", "rawMessage") and value:
        return f"{str(value).split(' RMK')[0]} RMK T19991999"
    if key == "productText":
        return _absurd_text(Source.NWS, value)
    return value


def _absurd_prices(body: Any) -> Any:
    if isinstance(body, list):
        if len(body) == 2 and all(isinstance(item, str) for item in body):
            return ["7.7700", body[1]]
        return [_absurd_prices(item) for item in body]
    if isinstance(body, dict):
        return {
            key: "7.7700"
            if key.endswith("_dollars") and isinstance(value, str)
            else _absurd_prices(value)
            for key, value in body.items()
        }
    return body


def _absurd_text(source: Source, text: str) -> str:
    if source is Source.NBM:
        return _change_bulletin(text, "200")
    text = _MAXIMUM.sub(lambda match: f"{match[1]}{ABSURD_F:>11}", text)
    text = _SUMMARY_MAXIMUM.sub(r"\g<1>200\2/", text)
    text = _TENTHS_GROUP.sub("T19991999", text) if source is Source.IEM else text
    return _change_table(text, {"tmpf": f"{ABSURD_F}.00", "txn": "200", "tmp": "200"})


# Wrong station, wrong day ---------------------------------------------------------------------


def _elsewhere_json(source: Source, body: Any) -> Any:
    if source is Source.OPEN_METEO:
        return _walk(
            body, lambda key, value: value + 10 if key in ("latitude", "longitude") else value
        )
    text = _JSON_SITES.sub(rf'\g<1>{NOWHERE}"', json.dumps(body))
    moved = json.loads(_elsewhere_text(source, text))
    return _walk(moved, lambda key, value: value + 1 if key in ("gridX", "gridY") else value)


def _elsewhere_text(source: Source, text: str) -> str:
    text = _STATION_NAMES.sub(_nowhere, text)
    return _HEADLINE_NAME.sub("NOWHERE", text)


def _nowhere(match: re.Match[str]) -> str:
    return f"K{NOWHERE}" if len(match[0]) == 4 else NOWHERE


def _other_day_json(source: Source, body: Any) -> Any:
    is_forecast = source is Source.OPEN_METEO or (
        isinstance(body, dict) and "validTimes" in body.get("properties", {})
    )
    return _shifted(source, body, -WEEK if is_forecast else WEEK)


def _shifted(source: Source, body: Any, shift: dt.timedelta) -> Any:
    """Return a body whose times have moved; a product's text keeps its time of issue."""
    if isinstance(body, list):
        return [_shifted(source, item, shift) for item in body]
    if isinstance(body, dict):
        moved = {key: _shifted_value(source, key, value, shift) for key, value in body.items()}
        return _with_raw_time(moved)
    if isinstance(body, str):
        return _ISO_DAY.sub(lambda match: _iso_day(match[0], shift), body)
    return body


def _shifted_value(source: Source, key: str, value: Any, shift: dt.timedelta) -> Any:
    seconds = int(shift.total_seconds())
    if key == "issuanceTime":
        return value
    if key in ("obsTime", "last_run_initialisation_time", "last_run_availability_time"):
        return value + seconds
    if key == "time" and isinstance(value, list) and value and isinstance(value[0], int):
        return [moment + seconds for moment in value]
    if key == "productText":
        return _other_day_text(source, value)
    return _shifted(source, value, shift)


def _with_raw_time(item: dict[str, Any]) -> dict[str, Any]:
    """Return a reading whose report as sent has the time that the reading has."""
    if "rawOb" in item and "obsTime" in item:
        moment = dt.datetime.fromtimestamp(item["obsTime"], tz=dt.UTC)
        return item | {"rawOb": _RAW_TIME.sub(f"{moment:%d%H%M}Z", item["rawOb"], count=1)}
    if item.get("rawMessage") and "timestamp" in item:
        moment = dt.datetime.fromisoformat(item["timestamp"])
        return item | {
            "rawMessage": _RAW_TIME.sub(f"{moment:%d%H%M}Z", item["rawMessage"], count=1)
        }
    return item


def _other_day_text(source: Source, text: str) -> str:
    if source is Source.NBM:
        return _GUIDANCE_DAY.sub(_last_week, text)
    text = _HEADLINE_DAY.sub(_next_week, text)
    text = _SUMMARY_DAY.sub(_next_week_short, text)
    return _ISO_DAY.sub(lambda match: _iso_day(match[0], WEEK), text)


def _iso_day(text: str, shift: dt.timedelta) -> str:
    return (dt.date.fromisoformat(text) + shift).isoformat()


def _next_week(match: re.Match[str]) -> str:
    day = dt.datetime.strptime(match[1], "%B %d %Y").date() + WEEK  # noqa: DTZ007 - a date
    return f"{day:%B} {day.day} {day.year}".upper()


def _next_week_short(match: re.Match[str]) -> str:
    day, month = (int(part) for part in match.groups() if part is not None)
    return f"{dt.date(2024, month, day) + WEEK:%d/%m}"


def _last_week(match: re.Match[str]) -> str:
    day = dt.date(int(match[3]), int(match[1]), int(match[2])) - WEEK
    return f"{day.month:3d}/{day:%d/%Y}"


# Twice and out of order -----------------------------------------------------------------------


def _doubled_json(source: Source, body: Any) -> Any:
    if source is Source.OPEN_METEO and isinstance(body, dict) and "hourly" in body:
        return body | {"hourly": {key: _twice(row) for key, row in body["hourly"].items()}}
    if isinstance(body, list):
        items = [_doubled_json(source, item) for item in body]
        return _twice(items) if items and isinstance(items[0], dict) else items
    if isinstance(body, dict):
        return {key: _doubled_json(source, value) for key, value in body.items()}
    return body


def _doubled_text(source: Source, text: str) -> str:
    header, _, rows = text.partition("\n")
    if "," not in header:
        return text + text
    return "\n".join([header, *_twice(rows.splitlines()), ""])


def _twice(items: list[Any]) -> list[Any]:
    return items + items[::-1]


# Drift and lost pages -------------------------------------------------------------------------


def _extended_json(source: Source, body: Any) -> Any:
    if isinstance(body, list):
        return [_extended_json(source, item) for item in body]
    if isinstance(body, dict):
        grown = {key: _extended_json(source, value) for key, value in body.items()}
        return grown | {NEW_FIELD: "as of next year"}
    return body


def _renamed_json(source: Source, body: Any) -> Any:
    if isinstance(body, list):
        return [_renamed_json(source, item) for item in body]
    if isinstance(body, dict):
        return {
            f"{key}{NEW_SUFFIX}" if key in _VITAL[source] else key: _renamed_json(source, value)
            for key, value in body.items()
        }
    return body


def _without_page(source: Source, body: Any) -> Any:
    """Return a page of a list without its entries; the cursor leads on."""
    if not isinstance(body, dict) or "cursor" not in body:
        return body
    return {key: [] if isinstance(value, list) else value for key, value in body.items()}


# Tools ----------------------------------------------------------------------------------------


def _walk(body: Any, change: Callable[[str, Any], Any]) -> Any:
    """Return a body with ``change(key, value)`` in place of every plain value of a dictionary."""
    if isinstance(body, list):
        return [_walk(item, change) for item in body]
    if isinstance(body, dict):
        return {
            key: _walk(value, change) if isinstance(value, dict | list) else change(key, value)
            for key, value in body.items()
        }
    return body


def _change_series(body: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """Return an Open-Meteo body with other hourly values; the times stay."""
    if isinstance(body, list):
        return [_change_series(item, change) for item in body]
    if not isinstance(body, dict) or "hourly" not in body:
        return body
    hourly = {key: row if key == "time" else change(row) for key, row in body["hourly"].items()}
    return body | {"hourly": hourly}


def _change_bulletin(text: str, value: str) -> str:
    """Return a bulletin whose temperatures are all one value, every line as long as it was."""

    def fitted(match: re.Match[str]) -> str:
        return match[1] + (f"{value:>3}" if match[2].strip() else match[2])

    def changed(match: re.Match[str]) -> str:
        if "|" in match[2]:
            return match[1] + re.sub(r"([ |])([ \d-]{3})", fitted, match[2])
        return match[1] + re.sub(r"()([ \d-]{3})", fitted, match[2])

    return _BULLETIN_ROW.sub(changed, text)


def _change_table(text: str, values: dict[str, str]) -> str:
    """Return a table whose named columns are all one value; other texts come back as they are."""
    header, _, rest = text.partition("\n")
    columns = header.split(",")
    if "station" not in columns:
        return text
    lines = [header]
    for line in rest.splitlines():
        cells = line.split(",")
        lines.append(
            ",".join(values.get(column, cell) for column, cell in zip(columns, cells, strict=True))
        )
    return "\n".join([*lines, ""])


_JSON: dict[FaultKind, Callable[[Source, Any], Any]] = {
    FaultKind.EMPTY: _empty_json,
    FaultKind.NULLS: lambda source, body: _with_text(_null_json(source, body), _null_text),
    FaultKind.MISSING_FIELD: _incomplete_json,
    FaultKind.ABSURD: _absurd_json,
    FaultKind.WRONG_STATION: _elsewhere_json,
    FaultKind.WRONG_DAY: _other_day_json,
    FaultKind.DUPLICATED: _doubled_json,
    FaultKind.NO_ORDER: lambda source, body: {},
    FaultKind.EXTRA_FIELD: _extended_json,
    FaultKind.RENAMED_FIELD: _renamed_json,
    FaultKind.DROPPED_PAGE: _without_page,
}
_TEXT: dict[FaultKind, Callable[[Source, str], str]] = {
    FaultKind.EMPTY: lambda source, text: "",
    FaultKind.NULLS: _null_text,
    FaultKind.MISSING_FIELD: _incomplete_text,
    FaultKind.ABSURD: _absurd_text,
    FaultKind.WRONG_STATION: _elsewhere_text,
    FaultKind.WRONG_DAY: _other_day_text,
    FaultKind.DUPLICATED: _doubled_text,
}


def _with_text(body: Any, change: Callable[[Source, str], str]) -> Any:
    if isinstance(body, dict) and "productText" in body:
        return body | {"productText": change(Source.NWS, body["productText"])}
    return body
