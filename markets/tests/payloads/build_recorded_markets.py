"""Cut the recorded markets down to the excerpt that the tests settle.

    python markets/tests/payloads/build_recorded_markets.py --source DIR

``DIR`` holds ``kalshi_markets_2024_2025.csv.gz``. Taken are whole events: the first of every city
and month, the days around the change of clocks, the warmest and coldest of every city, and those
whose value came from another source than the exchange.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections import defaultdict
from pathlib import Path

NAME = "kalshi_markets_2024_2025"
TARGET = Path(__file__).parent / f"{NAME}_excerpt.csv"
CLOCK_CHANGE = ("2024-11-02", "2024-11-04")

Row = dict[str, str]


def chosen_events(rows: list[Row]) -> set[str]:
    """Return the tickers of the events taken."""
    days: dict[tuple[str, str], Row] = {}
    by_city: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        days.setdefault((row["city"], row["date"][:7]), row)
        by_city[row["city"]].append(row)
    taken = [*days.values()]
    for city_rows in by_city.values():
        taken.append(min(city_rows, key=lambda row: float(row["settle_high_f"])))
        taken.append(max(city_rows, key=lambda row: float(row["settle_high_f"])))
    taken += [row for row in rows if CLOCK_CHANGE[0] <= row["date"] <= CLOCK_CHANGE[1]]
    taken += [row for row in rows if row["settle_source"] != "kalshi_expiration_value"]
    return {row["event_ticker"] for row in taken}


def main() -> None:
    """Write the excerpt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="Directory of the recording.")
    path = parser.parse_args().source / f"{NAME}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["date"])
    events = chosen_events(rows)
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            sorted(
                (row for row in rows if row["event_ticker"] in events),
                key=lambda row: (row["date"], row["city"], row["bracket"]),
            )
        )


if __name__ == "__main__":
    main()
