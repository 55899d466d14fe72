"""Fits the shipped model of the remaining rise, or measures it on days it has not seen.

    python -m prediction.priors.build_remaining_rise metar.csv.gz daily_highs.csv.gz
    python -m prediction.priors.build_remaining_rise metar.csv.gz daily_highs.csv.gz \
        --test-from 2024-01-01

The first writes ``remaining_rise.json`` beside this file; the second fits on the days before the
date, scores the days from it on and writes nothing but its table.

Columns read: ``station, utc, temp_c, tgroup_c, max6h_c`` and ``station, date, high_f``.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from prediction.domain.day_so_far import Reading, usual_high
from prediction.domain.rise_fit import PastDay, fit_rise_model, fit_station_effect
from prediction.priors.measure_remaining_rise import table
from weather.domain.temperature import IntervalF, interval_of_tenths, interval_of_whole_celsius

TARGET = Path(__file__).parent / "remaining_rise.json"
#: Hours from UTC to standard time.
STANDARD_OFFSETS = {"KATL": -5, "KDAL": -6, "KLGA": -5, "KMIA": -5, "KORD": -6}
#: Stations of the second kind have no official high in the file: the highest of their own groups
#: and readings stands for it.
OWN_MAXIMUM = ("KDAL", "KLGA")
#: Cities that settle on one of these thermometers, and whose effect is shipped.
CITIES = {"ATL": "KATL", "MIA": "KMIA"}
#: Days with fewer reports say nothing of their maximum.
FEWEST_REPORTS = 20
#: The group that ends a few minutes before six o'clock began a few minutes before midnight.
_FIRST_GROUP_HOUR = 5.8


def read_days(metar: Path, highs: Path) -> list[PastDay]:
    """Return the days of the known stations that have enough reports and a high."""
    readings = _readings(metar)
    official = _official_highs(highs)
    for place, found in readings.items():
        if place[0] in OWN_MAXIMUM and len(found) >= FEWEST_REPORTS:
            official[place] = own_maximum(found)
    by_station: dict[str, dict[dt.date, int]] = defaultdict(dict)
    for (station, day), high in official.items():
        by_station[station][day] = high
    return [
        PastDay(
            station,
            day,
            tuple(found),
            official[station, day],
            usual_high(by_station[station], climate_day=day),
        )
        for (station, day), found in sorted(readings.items())
        if (station, day) in official
    ]


def own_maximum(readings: Sequence[Reading]) -> int:
    """Return the highest that groups and readings of a day prove, whole °F."""
    groups = [
        item.max_6h_f
        for item in readings
        if item.max_6h_f is not None and item.hour_lst >= _FIRST_GROUP_HOUR
    ]
    return max([*groups, *(item.low_f for item in readings)])


def _readings(metar: Path) -> dict[tuple[str, dt.date], list[Reading]]:
    readings: dict[tuple[str, dt.date], list[Reading]] = defaultdict(list)
    with gzip.open(metar, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            station = row["station"]
            if station in STANDARD_OFFSETS:
                day, reading = _reading(row, STANDARD_OFFSETS[station])
                if reading is not None:
                    readings[station, day].append(reading)
    return readings


def _official_highs(highs: Path) -> dict[tuple[str, dt.date], int]:
    with gzip.open(highs, "rt", encoding="utf-8") as lines:
        return {
            (row["station"], dt.date.fromisoformat(row["date"])): int(row["high_f"])
            for row in csv.DictReader(lines)
        }


def _reading(row: dict[str, str], offset_hours: int) -> tuple[dt.date, Reading | None]:
    at = dt.datetime.fromisoformat(row["utc"]).replace(tzinfo=UTC)
    local = at + dt.timedelta(hours=offset_hours)
    interval = _interval(row)
    if interval is None:
        return local.date(), None
    group = interval_of_tenths(_tenths(row["max6h_c"])).low_f if row["max6h_c"] else None
    hour = local.hour + local.minute / 60.0
    try:
        return local.date(), Reading(hour, interval.low_f, interval.high_f, group)
    except InvalidDataError:
        return local.date(), None


def _interval(row: dict[str, str]) -> IntervalF | None:
    if row["tgroup_c"]:
        return interval_of_tenths(_tenths(row["tgroup_c"]))
    if row["temp_c"]:
        return interval_of_whole_celsius(round(float(row["temp_c"])))
    return None


def _tenths(temp_c: str) -> int:
    return round(10.0 * float(temp_c))


def shipped(days: Sequence[PastDay]) -> dict[str, object]:
    """Return what is shipped: the model and the effects of the cities it knows."""
    model = fit_rise_model(days)
    effects = {
        city: fit_station_effect(model, [day for day in days if day.station == station])
        for city, station in sorted(CITIES.items())
    }
    return {
        "model": model.as_json(),
        "stations": {city: effect.as_json() for city, effect in effects.items()},
    }


def main(arguments: Sequence[str]) -> None:
    """Run with the arguments of a command line."""
    parser = argparse.ArgumentParser(description="Fit the shipped model of the remaining rise.")
    parser.add_argument("metar", type=Path, help="Station reports, gzip CSV.")
    parser.add_argument("highs", type=Path, help="Official daily highs, gzip CSV.")
    parser.add_argument("--test-from", type=dt.date.fromisoformat, help="First day not fitted.")
    options = parser.parse_args(arguments)
    days = read_days(options.metar, options.highs)
    if options.test_from is not None:
        sys.stdout.write(table(days, test_from=options.test_from, unscored=OWN_MAXIMUM))
        return
    TARGET.write_text(json.dumps(shipped(days), separators=(",", ":")) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(days)} days -> {TARGET.name}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
