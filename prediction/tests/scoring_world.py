"""Invented tables of ladders, highs and station reports for the tests of forecast scoring."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

FIRST_DAY = dt.date(2025, 1, 6)
HOUR = dt.timedelta(hours=1)
#: Standard offset and station of the invented events' cities.
CITIES = {"NY": (-5, "KNYC"), "MIA": (-5, "KMIA"), "CHI": (-6, "KMDW")}
#: Hours from the start of the climate day.
SNAPSHOTS = {"eve21": -3, "am10": 10, "pm14": 14}


def high_of(city: str, day: dt.date) -> int:
    """Return the invented official high: a slow wave with kinks."""
    number = day.toordinal()
    base = {"NY": 41, "MIA": 77, "CHI": 30}.get(city, 50)
    return base + (number * 7 % 11) - 5 + (number // 5 % 4)


def start_of(city: str, day: dt.date) -> dt.datetime:
    offset = CITIES.get(city, (-5, ""))[0]
    return dt.datetime.combine(day, dt.time(0), tzinfo=dt.UTC) - offset * HOUR


def event_rows(city: str, day: dt.date, snapshot: str) -> list[dict[str, str]]:
    """Return the six rows of an event at a snapshot, coldest bracket first."""
    high, number = high_of(city, day), day.toordinal()
    centre = high + number * 3 % 5 - 2
    edges = [(None, centre - 4)]
    edges += [(centre - 3 + 2 * step, centre - 2 + 2 * step) for step in range(4)]
    edges += [(centre + 5, None)]
    sharpness = {"eve21": 1, "am10": 2, "pm14": 4}.get(snapshot, 1)
    weights = [1 + sharpness * 10 // (1 + abs(index - 2)) for index in range(6)]
    moment = start_of(city, day) + SNAPSHOTS.get(snapshot, 0) * HOUR
    rows = []
    for index, (low, top) in enumerate(edges):
        paid = (low is None or high >= low) and (top is None or high <= top)
        rows.append(
            {
                "city": city,
                "date": day.isoformat(),
                "snapshot": snapshot,
                "station": CITIES[city][1],
                "snapshot_utc": moment.strftime("%Y-%m-%dT%H:%MZ"),
                "bracket": str(index + 1),
                "lo_f": "" if low is None else f"{low}.0",
                "hi_f": "" if top is None else f"{top}.0",
                "won": str(int(paid)),
                "settle_high_f": f"{high}.0",
                "mkt_p": f"{weights[index] / sum(weights):.5f}",
                "mkt_p_sum": "1.02",
                "ndfd_high_f": f"{high + number % 3 - 1}.0" if city == "NY" else "",
                "mkt_ok": "1",
            }
        )
    return rows


def ladder_rows(days: int = 6, cities: tuple[str, ...] = ("NY", "MIA")) -> list[dict[str, str]]:
    return [
        row
        for number in range(days)
        for city in cities
        for snapshot in SNAPSHOTS
        for row in event_rows(city, FIRST_DAY + dt.timedelta(days=number), snapshot)
    ]


def history_rows(days: int = 40, cities: tuple[str, ...] = ("NY", "MIA")) -> list[dict[str, str]]:
    """Return highs up to the last of six days, ten days of them after the first."""
    return [
        {
            "city": city,
            "station": CITIES[city][1],
            "date": day.isoformat(),
            "high_f": str(high_of(city, day)),
            "source": "invented",
        }
        for city in cities
        for number in range(-days, 10)
        for day in [FIRST_DAY + dt.timedelta(days=number)]
    ]


def report_rows(days: int = 6) -> list[dict[str, str]]:
    """Return hourly reports of Miami that climb to the official high in the afternoon."""
    rows = []
    for number in range(days):
        day = FIRST_DAY + dt.timedelta(days=number)
        for hour in range(24):
            below = abs(hour - 15) // 2
            temp_c = (high_of("MIA", day) - below - 32) / 1.8
            at = start_of("MIA", day) + (hour - 0.12) * HOUR
            rows.append(
                {
                    "station": "KMIA",
                    "utc": at.strftime("%Y-%m-%dT%H:%M:00"),
                    "type": "FM-15",
                    "temp_c": f"{temp_c:.1f}",
                    "tgroup_c": f"{temp_c:.1f}",
                    "max6h_c": "",
                }
            )
    return rows


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
