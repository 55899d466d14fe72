"""Build the recordings from the research data set: ``python -m boz.sandbox.recordings.build``.

Only sources under the MIT licence or in the public domain are read. The output is
deterministic: the same source gives the same bytes, and PROVENANCE.md records their hashes.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import gzip
import hashlib
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

CITIES = ("NY", "MIA")
FIRST_DAY, LAST_DAY = "2024-11-14", "2024-12-16"
FIRST_HIGH = "2024-07-01"
LAST_FORECAST = "2024-12-17"
#: Hours (UTC) whose :5x report carries the 6-hour maximum group.
SYNOPTIC_REPORT_HOURS = (5, 11, 17, 23)

Row = dict[str, str]

#: What the three issuances for Miami 2024-11-27 said; the exchange settled on the second.
CLIMATE_REPORTS = (
    "product_id,station,date,issued_utc,valid_as_of,max_f,max_time_lst",
    "202411272125-KMFL-CDUS42-CLIMIA,KMIA,2024-11-27,2024-11-27T21:25:00Z,0400 PM,81,",
    "202411280932-KMFL-CDUS42-CLIMIA,KMIA,2024-11-27,2024-11-28T09:32:00Z,,84,4:18 AM",
    "202411281356-KMFL-CDUS42-CLIMIA,KMIA,2024-11-27,2024-11-28T13:56:00Z,,81,",
)

_MIT = "cpratim/Kalshi-Weather-Trading @ f0b5bf5, data/kalshi"
_PROVENANCE = {
    "markets.csv.gz": (
        _MIT,
        "MIT",
        "Every bracket of both cities' ladders. Dropped: the rung number, and the later GHCN high "
        "(the value the exchange settled on is kept, also where it differs).",
    ),
    "trades.csv.gz": (
        _MIT,
        "MIT",
        "Every public trade of those brackets, in the order of the source. `market` is the row "
        "number in markets.csv.gz, from 0. City and day follow from it. Nothing is dropped.",
    ),
    "forecasts_ny.csv.gz": (
        "ericzzhang27-sys/Kalshi-Weather-Trading @ 11bc4eed, "
        "data/processed/daily_forecast_error_targets.csv",
        "facts issued by the National Weather Service, public domain",
        "NDFD maxima for Central Park as issued the evening before, with their issue times, up to "
        f"{LAST_FORECAST}. Dropped: the observed high beside each forecast, and later days.",
    ),
    "metar_mia.csv.gz": (
        "sanslayr/polymarket-weatherbot @ 5cd4aa1, data/historical_reference",
        "NOAA Integrated Surface Database, public domain",
        "Every METAR and SPECI of KMIA in the month. Dropped: 6-hour maxima outside the :5x report "
        "before 00, 06, 12 and 18Z, or below the temperatures of their own six hours (the value "
        "only, the row is kept).",
    ),
    "highs.csv.gz": (
        "maxz073/kalshi-weather @ 00475cd, neural-net/data",
        "NOAA GHCN daily and National Weather Service, public domain",
        f"Official highs of both stations from {FIRST_HIGH} to {LAST_DAY}. Dropped: all else.",
    ),
    "climate_reports.csv": (
        "National Weather Service Miami, products 202411272125, 202411280932 and "
        "202411281356-KMFL-CDUS42-CLIMIA",
        "National Weather Service, public domain",
        "Issue times and maxima of the three reports for Miami 2024-11-27; the other lines of "
        "their text are not kept.",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Read the source directory, write the recordings and PROVENANCE.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--source", type=Path, required=True, metavar="DIR", help="directory of the research data"
    )
    parser.add_argument(
        "--target",
        type=Path,
        default=Path(__file__).parent,
        metavar="DIR",
        help="where to write (default: beside this script)",
    )
    options = parser.parse_args(argv)
    counts = build(options.source, options.target)
    for name, rows in counts.items():
        sys.stdout.write(f"{name}: {rows} rows\n")
    return 0


def build(source: Path, target: Path) -> dict[str, int]:
    """Write all recordings from ``source`` into ``target`` and return their row counts."""
    markets = [
        row
        for row in _read(source / "kalshi_markets_2024_2025.csv.gz")
        if row["city"] in CITIES and FIRST_DAY <= row["date"] <= LAST_DAY
    ]
    index = {row["ticker"]: number for number, row in enumerate(markets)}
    files = {
        "markets.csv.gz": _market_lines(markets),
        "trades.csv.gz": _trade_lines(source / "kalshi_trades_2024_2025.csv.gz", index),
        "forecasts_ny.csv.gz": _forecast_lines(source / "ndfd_ny_evening.csv.gz"),
        "metar_mia.csv.gz": _metar_lines(source / "metar_mia_2024_11.csv.gz"),
        "highs.csv.gz": _high_lines(source / "daily_highs.csv.gz"),
        "climate_reports.csv": list(CLIMATE_REPORTS),
    }
    for name, lines in files.items():
        _write(target / name, lines)
    counts = {name: len(lines) - 1 for name, lines in files.items()}
    (target / "PROVENANCE.md").write_text(_provenance(target, counts), encoding="utf-8")
    return counts


def _read(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, lines: Iterable[str]) -> None:
    content = ("\n".join(lines) + "\n").encode()
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        # A fixed time and no file name in the header: the same rows are the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
            stream.write(content)
        content = buffer.getvalue()
    path.write_bytes(content)


def _whole(text: str) -> str:
    number = float(text)
    if not number.is_integer():
        raise ValueError(f"expected a whole number, was {text!r}")
    return str(int(number))


def _market_lines(rows: list[Row]) -> list[str]:
    lines = [
        "event_ticker,ticker,city,station,date,lo_f,hi_f,subtitle,open_time,close_time,"
        "result,settle_high_f,volume"
    ]
    for row in rows:
        if row["settle_source"] != "kalshi_expiration_value":
            raise ValueError(f"{row['ticker']}: no value settled by the exchange")
        low, high = (_whole(row[name]) if row[name] else "" for name in ("lo_f", "hi_f"))
        result = {"1": "yes", "0": "no"}[row["won"]]
        lines.append(
            f"{row['event_ticker']},{row['ticker']},{row['city']},{row['station']},{row['date']},"
            f"{low},{high},{row['subtitle']},{row['open_time']},{row['close_time']},"
            f"{result},{_whole(row['settle_high_f'])},{_whole(row['volume'])}"
        )
    return lines


def _trade_lines(path: Path, index: dict[str, int]) -> list[str]:
    lines = ["market,utc,yes_price_c,contracts,taker_side"]
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            number = index.get(row["ticker"])
            if number is not None:
                lines.append(
                    f"{number},{row['utc']}Z,{row['yes_price_c']},{row['contracts']},"
                    f"{row['taker_side']}"
                )
    return lines


def _forecast_lines(path: Path) -> list[str]:
    lines = ["city,date,issue_utc,high_f"]
    for row in _read(path):
        if row["date"] <= LAST_FORECAST:
            issued = row["issue_utc"].replace("Z", ":00Z")
            lines.append(f"{row['city']},{row['date']},{issued},{_whole(row['ndfd_high_f'])}")
    return lines


def _metar_lines(path: Path) -> list[str]:
    header = "station,utc,type,temp_c,tgroup_c,max6h_c,dew_c,wind_dir,wind_ms,ceil_m,slp_hpa"
    names, lines = header.split(","), [header]
    seen: list[tuple[dt.datetime, float]] = []
    for row in _read(path):
        moment = dt.datetime.fromisoformat(row["utc"] + "+00:00")
        seen.append((moment, float(row["tgroup_c"] or row["temp_c"])))
        if row["max6h_c"] and not _six_hour_maximum_is_sound(row, seen):
            row["max6h_c"] = ""
        row["utc"] += "Z"
        lines.append(",".join(row[name] for name in names))
    return lines


def _six_hour_maximum_is_sound(row: Row, seen: list[tuple[dt.datetime, float]]) -> bool:
    moment = dt.datetime.fromisoformat(row["utc"] + "+00:00")
    if moment.hour not in SYNOPTIC_REPORT_HOURS or moment.minute < 50:
        return False
    # Specials report whole degrees, which may round up by half a degree.
    start = moment - dt.timedelta(hours=6)
    return all(float(row["max6h_c"]) >= temp - 0.5 for stamp, temp in seen if stamp > start)


def _high_lines(path: Path) -> list[str]:
    lines = ["city,station,date,high_f"]
    for row in _read(path):
        if row["city"] in CITIES and FIRST_HIGH <= row["date"] <= LAST_DAY:
            lines.append(f"{row['city']},{row['station']},{row['date']},{_whole(row['high_f'])}")
    return lines


def _provenance(target: Path, counts: dict[str, int]) -> str:
    parts = [
        "# Provenance of the recordings",
        "",
        "Written by `python -m boz.sandbox.recordings.build --source DIR`; do not edit. Times are "
        "UTC, prices cents of a one-dollar contract, temperatures whole °F (METAR: °C), blank is "
        f"missing. New York and Miami, climate days {FIRST_DAY} to {LAST_DAY}. "
        "Licence texts: LICENSE-recordings.md.",
        "",
        "Miami 2024-11-27 was settled at 84 °F by the exchange while the final climate report "
        "(and GHCN) says 81 °F; both are kept as they happened.",
        "",
        "| file | rows | sha256 |",
        "|---|---|---|",
    ]
    for name, rows in counts.items():
        digest = hashlib.sha256((target / name).read_bytes()).hexdigest()
        parts.append(f"| {name} | {rows} | {digest} |")
    for name, (origin, licence, kept) in _PROVENANCE.items():
        parts += ["", f"## {name}", "", f"- Source: {origin}", f"- Licence: {licence}", f"- {kept}"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
