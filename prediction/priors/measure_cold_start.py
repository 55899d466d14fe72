"""Measures what the shipped prior saves on a station's first days.

    python -m prediction.priors.measure_cold_start nws_city_forecasts_2021.csv.gz

The regression with the long memory forecasts the same days of 137 cities three times: from the
shipped prior alone, from the last ten finished days, and from all finished days (at least 120).
The prior's four numbers were fitted on the same table, over all its cities.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from boz.core.clock import UTC
from prediction.domain.horizons import Horizon
from prediction.domain.scores import crps_pmf
from prediction.engines.base import Inputs, KnownForecast
from prediction.engines.emos import EMOS_SLOW
from prediction.engines.past import Past, PastCase, PastForecast
from prediction.priors.build_sources import COLUMNS, WORST_ERROR_F, read

SOURCE = "nws-grid"
HORIZON = Horizon.EVENING
FEW_DAYS = 10
LONG_DAYS = 120
#: Every so many days of each city are forecast.
EVERY = 9
ONE_DAY = dt.timedelta(days=1)


def main(arguments: list[str] | None = None) -> int:
    """Read, walk, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    scores = np.array(
        [row for cases in _cities(options.file) for row in _scores(cases)], dtype=np.float64
    )
    prior, few, all_days = scores.mean(axis=0)
    sys.stdout.write(
        f"days {len(scores)}; CRPS with the prior alone {prior:.3f}, with {FEW_DAYS} days "
        f"{few:.3f}, with all days {all_days:.3f}: {few / all_days:.3f} times as high\n"
    )
    return 0


def _cities(path: Path) -> list[list[PastCase]]:
    column, lead = COLUMNS[HORIZON]
    cities: dict[str, list[PastCase]] = defaultdict(list)
    for row in read(path):
        if not row[column] or not row["obs_hi_next_AM"]:
            continue
        high, observed = float(row[column]), round(float(row["obs_hi_next_AM"]))
        if abs(high - observed) <= WORST_ERROR_F:
            day = dt.date.fromisoformat(row["date"])
            said = (PastForecast(SOURCE, high, lead),)
            cities[row["city"]].append(PastCase(day, HORIZON, said, observed))
    return [sorted(cities[name], key=lambda case: case.climate_day) for name in sorted(cities)]


def _scores(cases: Sequence[PastCase]) -> list[tuple[float, float, float]]:
    """Return the CRPS of each forecast day by what was learned from, °F."""
    found = []
    for index in range(LONG_DAYS + 1, len(cases), EVERY):
        target = cases[index]
        # The official high of the day before is not known on its evening.
        known = [case for case in cases[:index] if case.climate_day < target.climate_day - ONE_DAY]
        found.append((_crps(target, ()), _crps(target, known[-FEW_DAYS:]), _crps(target, known)))
    return found


def _crps(target: PastCase, known: Sequence[PastCase]) -> float:
    day = target.climate_day
    end = dt.datetime.combine(day + ONE_DAY, dt.time(6), tzinfo=UTC)
    as_of = end - dt.timedelta(hours=27)
    past = Past(station_code="CITY", as_of=as_of, target_day=day, cases=tuple(known))
    learned = EMOS_SLOW.fit(past) if known else None
    said = target.forecasts[0]
    inputs = Inputs(
        station_code="CITY",
        climate_day=day,
        as_of=as_of,
        lead_hours=27,
        forecasts=(
            KnownForecast(
                SOURCE, said.high_f, end - dt.timedelta(hours=said.lead_hours), int(said.lead_hours)
            ),
        ),
        parameters={} if learned is None else {EMOS_SLOW.name: learned},
    )
    return crps_pmf(EMOS_SLOW.predict(inputs).pmf, target.observed_f)


if __name__ == "__main__":
    raise SystemExit(main())
