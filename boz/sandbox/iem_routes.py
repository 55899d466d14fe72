"""The Iowa Environmental Mesonet over HTTP: ``/iem``, an archive of what others issued."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from boz.core.clock import UTC, format_utc
from boz.sandbox.climate_report import ClimateReport
from boz.sandbox.daily_summary import DailySummary
from boz.sandbox.faults import Source
from boz.sandbox.invented.bulletins import extended_columns, three_hours
from boz.sandbox.observations import raw_report
from boz.sandbox.places import BY_CLI_SITE, BY_STATION, Place
from boz.sandbox.recordings.loader import RecordedObservation
from boz.sandbox.sky import DELAY
from boz.sandbox.wire import Handler, WireError, base_address, endpoint, query_int
from boz.sandbox.world import World

Product = ClimateReport | DailySummary

ASOS_PATH, RETRIEVE_PATH = "/cgi-bin/request/asos.py", "/cgi-bin/afos/retrieve.py"
DAY = dt.timedelta(days=1)
#: Without a beginning, the archive is searched this far back.
_SEARCH = dt.timedelta(days=31)
_MAX_PRODUCTS = 9999
#: UNVERIFIED: hours of the bulletins that the archive keeps.
_ARCHIVED_RUNS = frozenset({1, 7, 13, 19})
#: Report types of the archive: five-minute rows, routine reports, specials.
_TYPES = {"HF": 1, "FM-15": 3, "FM-16": 4}
_STATES = {
    "KNYC": "NY", "KMDW": "IL", "KMIA": "FL", "KAUS": "TX", "KDEN": "CO", "KPHL": "PA",
    "KLAX": "CA", "KHOU": "TX", "KATL": "GA", "KBOS": "MA", "KDFW": "TX", "KDCA": "DC",
    "KLAS": "NV", "KMSP": "MN", "KMSY": "LA", "KOKC": "OK", "KPHX": "AZ", "KSAT": "TX",
    "KSEA": "WA", "KSFO": "CA", "KSDF": "KY", "KEWR": "NJ", "KSAN": "CA", "KTTN": "NJ",
}  # fmt: skip
_ALWAYS_MISSING = (
    "low_record", "low_normal", "low_depart", "high_record", "precip", "precip_normal", "snow",
    "snowdepth", "average_sky_cover", "average_wind_speed",
)  # fmt: skip


def routes(world: World) -> list[Route]:
    """Return the routes below ``/iem``."""
    table: list[tuple[str, Handler]] = [
        ("/json/cli.py", _climate_days),
        ("/api/1/nws/afos/list.json", _product_list),
        ("/api/1/nwstext/{product_id}", _product_text),
        (RETRIEVE_PATH, _retrieve),
        (ASOS_PATH, _station_reports),
        ("/cgi-bin/request/mos.py", _bulletin_rows),
        ("/{rest:path}", _unknown),
    ]
    return [
        Route(path, endpoint(world, Source.IEM, handler), methods=["GET"])
        for path, handler in table
    ]


# Climate days ---------------------------------------------------------------------------------


def _climate_days(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    year = query_int(query, "year", low=1900, high=2100, default=now.year) or now.year
    place = _place(world, query.get("station", ""))
    rows: list[dict[str, Any]] = []
    if place is not None:
        start = place.day_start(dt.date(year, 1, 1))
        end = place.day_start(dt.date(year, 12, 31)) + 3 * DAY
        issued = world.sky.reports(place, start, min(end, now))
        # The latest product of a day wins, be it partial or final.
        latest = {report.day: report for report in issued if report.day.year == year}
        rows = [_climate_row(report) for _, report in sorted(latest.items())]
    body = {"results": rows, "generated_at": format_utc(now.replace(microsecond=0))}
    if query.get("fmt", "json") == "csv":
        columns = ["station", "valid", "name", "product", "high", "high_time", "low", "low_time"]
        return _csv(columns, ([row[column] for column in columns] for row in rows))
    return JSONResponse(body)


def _climate_row(report: ClimateReport) -> dict[str, Any]:
    place, normal = report.place, report.normal_max_f
    return {
        "station": place.station,
        "valid": report.day.isoformat(),
        "state": _STATES[place.station],
        "wfo": place.office,
        "link": f"/api/1/nwstext/{report.product_id}",
        "product": report.product_id,
        "name": place.cli_headline,
        "high": report.max_f,
        "high_record_years": None,
        "high_normal": "M" if normal is None else normal,
        "high_depart": "M" if normal is None else report.max_f - normal,
        "high_time": report.max_time_lst or "M",
        "low": "M" if report.min_f is None else report.min_f,
        "low_time": report.min_time_lst or "M",
        "low_record_years": None,
        **dict.fromkeys(_ALWAYS_MISSING, "M"),
    }


# Texts ----------------------------------------------------------------------------------------


def _product_list(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    start = _moment(query, "date", now.replace(hour=0, minute=0, second=0, microsecond=0))
    end = min(start + DAY - dt.timedelta(seconds=1), now)
    base = base_address(request)
    rows = [
        {
            "index": index,
            "entered": format_utc(item.issued_at),
            "pil": item.pil,
            "product_id": item.product_id,
            "cccc": item.place.cli_office,
            "count": 1,
            "link": f"{base}/p.php?pid={item.product_id}",
            "text_link": f"{base}/api/1/nwstext/{item.product_id}",
        }
        for index, item in enumerate(_products(world, query.get("pil", ""), start, end))
    ]
    return JSONResponse({"data": rows})


def _product_text(world: World, request: Request, now: dt.datetime) -> Response:
    product_id = request.path_params["product_id"]
    try:
        issued_at = dt.datetime.strptime(product_id[:12], "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        raise WireError(422, "bad_request", f"{product_id!r} is no product.") from None
    if issued_at <= now:
        for item in _products(world, product_id.rpartition("-")[2], issued_at, issued_at):
            if item.product_id == product_id:
                return PlainTextResponse(_archived(item))
    raise WireError(404, "not_found", "Product not found.")


def _retrieve(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    pils = [name.strip().upper() for name in query.get("pil", "").split(",")]
    if not all(3 <= len(name) <= 6 for name in pils):
        raise WireError(422, "bad_request", "pil must be names of 3 to 6 characters.")
    if query.get("fmt", "text") != "text":
        raise WireError(422, "bad_request", "The sandbox serves fmt=text only.")
    limit = query_int(query, "limit", low=1, high=_MAX_PRODUCTS, default=1)
    end = min(_moment(query, "edate", now), now)
    start = _moment(query, "sdate", end - _SEARCH)
    found = sorted(
        (item for pil in pils for item in _products(world, pil, start, end)),
        key=lambda item: (item.issued_at, item.product_id),
        reverse=query.get("order", "desc") == "desc",
    )[:limit]
    if not found:
        names = ",".join(f"{pil:<6}" for pil in pils)
        return PlainTextResponse(f"ERROR: Could not Find: {names}")
    return PlainTextResponse("".join(f"\001\n{_archived(item)}\n\003\n" for item in found))


def _products(world: World, pil: str, start: dt.datetime, end: dt.datetime) -> Sequence[Product]:
    """Return the products of a name issued in a period, oldest first."""
    place = BY_CLI_SITE.get(pil[3:])
    if place is None or place not in world.sky.places or end < start:
        return ()
    if pil.startswith("CLI"):
        return world.sky.reports(place, start, end)
    return world.sky.summaries(place, start, end) if pil.startswith("DSM") else ()


def _archived(item: Product) -> str:
    """Return a text as the archive keeps it: a sequence number instead of ``000``."""
    body = item.text().lstrip("\n")
    return f"{item.issued_at.minute * 13 % 900 + 100} \n{body.partition(chr(10))[2]}"


# Station reports and bulletins ------------------------------------------------------------------


def _station_reports(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    stations = _several(query, "station")
    columns = [name for name in _several(query, "data") if name in _COLUMNS] or ["tmpf"]
    types = {int(name) for name in _several(query, "report_type") if name.isdecimal()}
    hours = query_int(query, "hours", low=1, high=24 * 400, default=None)
    if hours is None:
        start, end = _moment(query, "sts", None), _moment(query, "ets", None)
    else:
        start, end = now - dt.timedelta(hours=hours), now
    missing = {"M": "M", "null": "null", "empty": ""}.get(query.get("missing", "M"))
    if missing is None:
        raise WireError(422, "bad_request", "missing must be M, null or empty.")
    rows = []
    for name in stations:
        place = _place(world, name)
        if place is None:
            continue
        last = min(end - dt.timedelta(seconds=1), now - DELAY)
        for item in world.sky.observations(place, start, last, five_minute=not types or 1 in types):
            if not types or _TYPES[item.kind] in types:
                values = (_COLUMNS[column](item) for column in columns)
                rows.append(
                    [
                        place.station[1:],
                        f"{item.observed_at:%Y-%m-%d %H:%M}",
                        *(missing if value is None else value for value in values),
                    ]
                )
    return _csv(["station", "valid", *columns], rows)


def _fahrenheit(item: RecordedObservation) -> str | None:
    """Return the temperature; five-minute rows have it in their text only."""
    return None if item.tgroup_c is None else f"{item.tgroup_c * 1.8 + 32:.2f}"


_COLUMNS: dict[str, Callable[[RecordedObservation], str | None]] = {
    "tmpf": _fahrenheit,
    "dwpf": lambda item: None if item.dew_c is None else f"{item.dew_c * 1.8 + 32:.2f}",
    "metar": lambda item: raw_report(item).partition(" ")[2],
}


def _bulletin_rows(world: World, request: Request, now: dt.datetime) -> Response:
    query = request.query_params
    kind = query.get("model", "").upper()
    if kind not in ("NBS", "NBE"):
        raise WireError(422, "bad_request", "The sandbox has the models NBS and NBE.")
    start, end = _moment(query, "sts", None), _moment(query, "ets", None)
    # Unlike elsewhere, three letters find nothing here.
    place = BY_STATION.get(query.get("station", "").upper())
    rows = [] if place is None else _rows_of_runs(world, kind, place, start, min(end, now), now)
    if query.get("format", "csv") == "json":
        return PlainTextResponse(json.dumps(rows))
    columns = ["runtime", "ftime", "model", "tmp", "tsd", "txn", "xnd", "station"]
    return _csv(columns, ([row[column] for column in columns] for row in rows))


def _rows_of_runs(
    world: World, kind: str, place: Place, start: dt.datetime, end: dt.datetime, now: dt.datetime
) -> list[dict[str, Any]]:
    rows = []
    run = start.replace(minute=0, second=0, microsecond=0)
    while run <= end:
        if run >= start and run.hour in _ARCHIVED_RUNS:
            block = world.sky.bulletin_block(kind.lower(), run, place, now)
            if block is not None:
                rows += _rows_of_block(kind, place, run, block)
        run += dt.timedelta(hours=1)
    return rows


def _rows_of_block(kind: str, place: Place, run: dt.datetime, text: str) -> list[dict[str, Any]]:
    """Return the rows of one station's block of a bulletin file."""
    width, label = (4, 6) if kind == "NBE" else (3, 5)
    read = {
        line[1:4]: [
            line[label + number * width : label + (number + 1) * width].strip(" |")
            for number in range((len(line) - label) // width)
        ]
        for line in text.split("\n")
    }
    start = int(run.timestamp())
    columns = extended_columns(start) if kind == "NBE" else three_hours(start)
    return [
        {
            "runtime": f"{run:%Y-%m-%d %H:%M:%S}",
            "ftime": f"{dt.datetime.fromtimestamp(column, tz=UTC):%Y-%m-%d %H:%M:%S}",
            "model": kind,
            "tmp": int(read["TMP"][number]),
            "tsd": int(read["TSD"][number]),
            "txn": _maybe(read["TXN"], number),
            "xnd": _maybe(read["XND"], number),
            "station": place.station,
        }
        for number, column in enumerate(columns)
    ]


def _maybe(values: Sequence[str], number: int) -> float | None:
    text = values[number] if number < len(values) else ""
    return float(text) if text else None


# Parameters -----------------------------------------------------------------------------------


def _place(world: World, name: str) -> Place | None:
    """Return the place of a station by its four letters or the last three."""
    place = BY_STATION.get(name.upper()) or BY_STATION.get(f"K{name.upper()}")
    return place if place in world.sky.places else None


def _several(query: QueryParams, name: str) -> list[str]:
    """Return a parameter that may be repeated and hold commas."""
    return [part for value in query.getlist(name) for part in value.split(",") if part]


def _moment(query: Mapping[str, str], name: str, default: dt.datetime | None) -> dt.datetime:
    """Return a time parameter; without a zone it is UTC."""
    text = query.get(name)
    if not text:
        if default is None:
            raise WireError(422, "bad_request", f"{name} is missing.")
        return default
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise WireError(422, "bad_request", f"{name} must be a time, was {text!r}.") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return PlainTextResponse(text.getvalue())


def _unknown(world: World, request: Request, now: dt.datetime) -> Response:
    raise WireError(404, "not_found", f"The sandbox does not serve {request.url.path}.")
