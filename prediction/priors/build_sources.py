"""Fits the pooled prior of the day-ahead regressions and writes ``sources.json``.

    python -m prediction.priors.build_sources FILE... [--output sources.json]

Files are recognised by their names; ``PROVENANCE.md`` says what each is and where it is from:
``nws_city_forecasts_2021``, ``multi_source_forecast_changes_2026``, ``nws_forecast_changes_2026``,
``ndfd_ny_evening`` and ``daily_highs``, all ``.csv.gz``. Only fitted numbers leave this script.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import gzip
import hashlib
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr

from boz.core.clock import UTC
from prediction.domain.arrays import FloatArray
from prediction.domain.emos_regression import fit_regressions, regressions
from prediction.domain.gaussian_scores import crps_gaussian
from prediction.domain.harmonics import harmonics
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon

OUTPUT = Path(__file__).with_name("sources.json")
CITIES = "nws_city_forecasts_2021"
MODELS = "multi_source_forecast_changes_2026"
NWS = "nws_forecast_changes_2026"
NEW_YORK = "ndfd_ny_evening"
HIGHS = "daily_highs"

#: Column of the city table and the lead of its forecasts, hours to the day's end.
COLUMNS = {
    Horizon.EARLY: ("fc_hi_m2_PM", 52.0),
    Horizon.EVENING: ("fc_hi_m1_PM", 28.0),
    Horizon.MORNING: ("fc_hi_d0_AM", 18.5),
}
#: A forecast this far off is an error of the table, not of the forecast.
WORST_ERROR_F = 25.0
#: Days on which a difference between models must be known before it counts half.
HALF_WAY_DAYS = 8.0
#: The sources of the sparse table that the product also has.
RAW_MODELS = {
    "ECMWF": "ecmwf-ifs",
    "Ensemble ECMWF": "ecmwf-ens",
    "GFS": "gfs",
    "Ensemble GFS": "gefs",
    "ICON": "icon",
    "Ensemble ICON": "icon-eps",
    "Canadian GEM": "gem",
    "UKMO": "ukmo",
}
#: Local standard time of the cities of the sparse tables, hours from UTC.
OFFSETS = {"NY": -5, "CHI": -6, "MIA": -5, "DEN": -7, "LAX": -8, "PHIL": -5, "ATL": -5}
OFFSETS |= {"DAL": -6, "DC": -5, "LV": -8, "MIN": -6, "OKC": -6, "SATX": -6, "SFO": -8}
#: An as-of forecast older than this at the reference moment is left out, hours.
OLDEST_HOURS = 30.0

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Errors:
    """Observed minus forecast, °F, with the day and the city of each."""

    error_f: FloatArray
    days: np.ndarray
    cities: np.ndarray


def main(arguments: list[str] | None = None) -> int:
    """Fit, check on cities that were left out, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args(arguments)
    tables = {path.name.removesuffix(".csv.gz"): read(path) for path in options.files}
    missing = {CITIES, MODELS, NWS, NEW_YORK, HIGHS} - set(tables)
    if missing:
        parser.error(f"missing tables: {', '.join(sorted(missing))}")
    document = build(tables)
    document["files"] = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(options.files)
    }
    options.output.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    for line in report(document):
        sys.stdout.write(line + "\n")
    return 0


def read(path: Path) -> Rows:
    """Return the rows of a gzipped table."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def build(tables: dict[str, Rows]) -> dict[str, Any]:
    """Return everything that is fitted."""
    return {
        "horizons": {horizon.value: _horizon(horizon, tables[CITIES]) for horizon in COLUMNS},
        "raw_models": _raw_models(tables),
        "climate_f": _climate(tables[HIGHS]),
        "new_york_evening": _new_york(tables[NEW_YORK]),
    }


def report(document: dict[str, Any]) -> Iterable[str]:
    """Return the figures worth reading."""
    for horizon, found in document["horizons"].items():
        held = found["held_out"]
        coverage = " ".join(f"{share:.3f}" for share in held["coverage"].values())
        yield (
            f"{horizon}: bias {found['bias_f']:+.2f}, sd {found['sd_f']:.2f}; left-out cities: "
            f"n {held['n']}, MAE {held['mae_f']:.3f}, CRPS {held['crps_f']:.3f}, coverage "
            + coverage
        )
    yield f"raw models: {json.dumps(document['raw_models'])}"
    yield f"New York, evening before: {json.dumps(document['new_york_evening'])}"


def _horizon(horizon: Horizon, rows: Rows) -> dict[str, Any]:
    column, lead = COLUMNS[horizon]
    everything = _city_errors(rows, column)
    names = sorted(set(everything.cities))
    trained = np.isin(everything.cities, names[::2])
    terms = _fit(everything, np.ones(len(trained), dtype=bool))
    return {
        "lead_hours": lead,
        "n": len(everything.error_f),
        "cities": len(names),
        "bias_f": round(-float(terms[0]), 4),
        "sd_f": round(float(terms[1]), 4),
        "sd_cos_f": round(float(terms[2]), 4),
        "sd_sin_f": round(float(terms[3]), 4),
        "held_out": _check(everything, _fit(everything, trained), ~trained),
    }


def _city_errors(rows: Rows, column: str) -> Errors:
    found = [
        (float(row["obs_hi_next_AM"]) - float(row[column]), row["date"], row["city"])
        for row in rows
        if row[column] and row["obs_hi_next_AM"]
    ]
    found = [item for item in found if abs(item[0]) <= WORST_ERROR_F]
    error, day, city = zip(*found, strict=True)
    ordinals = [dt.date.fromisoformat(text).toordinal() for text in day]
    return Errors(np.array(error), np.array(ordinals), np.array(city))


def _fit(errors: Errors, chosen: np.ndarray) -> FloatArray:
    """Return minus bias, then level, cosine and sine of the spread, by minimum CRPS."""
    error, scale = errors.error_f[chosen], _season(errors.days[chosen])
    problem = regressions(np.ones((1, len(error), 1)), scale[None], error[None], minimum=0.5)
    terms: FloatArray = fit_regressions(problem).theta[0]
    return terms


def _season(days: np.ndarray) -> FloatArray:
    return np.concatenate([np.ones((len(days), 1)), harmonics(days, 1)], axis=1)


def _check(errors: Errors, terms: FloatArray, chosen: np.ndarray) -> dict[str, Any]:
    """Score on cities that were left out; coverage by a randomised PIT of whole degrees."""
    error = errors.error_f[chosen] - terms[0]
    sd = _season(errors.days[chosen]) @ terms[1:]
    below, above = ndtr((error - 0.5) / sd), ndtr((error + 0.5) / sd)
    pit = below + np.random.default_rng(1).random(len(error)) * (above - below)
    return {
        "n": len(error),
        "mae_f": round(float(np.abs(error).mean()), 4),
        "crps_f": round(float(crps_gaussian(np.zeros_like(error), sd, error).mean()), 4),
        "coverage": {
            str(level): round(float(np.mean(np.abs(pit - 0.5) < level / 200)), 4)
            for level in (50, 80, 90)
        },
    }


def _raw_models(tables: dict[str, Rows]) -> dict[str, Any]:
    """Compare raw models with the weather service's high at the same moments."""
    official = _as_of(tables[NWS], lambda row: "nws", "nws_high_f")
    models = _as_of(tables[MODELS], lambda row: RAW_MODELS.get(row["source"]), "high_f_fc")
    colder: list[float] = []
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for (source, city, day, horizon), (high, observed) in models.items():
        beside = official.get(("nws", city, day, horizon))
        if beside is not None:
            colder.append(high - beside[0])
            pairs[source].append((high - observed, beside[0] - observed))
    days = len({key[2] for key in models})
    known = days / (days + HALF_WAY_DAYS)
    by_source = {source: _beside(found) for source, found in sorted(pairs.items())}
    wider = [found["sd_f"] / found["official_sd_f"] - 1.0 for found in by_source.values()]
    return {
        "days": days,
        "pairs": len(colder),
        "minus_official_f": round(float(np.median(colder)), 3),
        "bias_beside_official_f": round(known * float(np.median(colder)), 3),
        "sd_beside_official": round(1.0 + known * float(np.median(wider)), 3),
        "by_source": by_source,
    }


def _beside(found: list[tuple[float, float]]) -> dict[str, float]:
    errors = np.array(found)
    return {
        "n": len(found),
        "bias_f": round(float(errors[:, 0].mean()), 2),
        "sd_f": round(float(errors[:, 0].std()), 2),
        "official_bias_f": round(float(errors[:, 1].mean()), 2),
        "official_sd_f": round(float(errors[:, 1].std()), 2),
        "correlation": round(float(np.corrcoef(errors.T)[0, 1]), 2),
    }


def _as_of(rows: Rows, name: Any, column: str) -> dict[tuple[str, str, str, str], Any]:
    """Return source, city, day and horizon: what stood at the reference moment, and the high."""
    told: dict[tuple[str, str, str], list[tuple[float, float, float]]] = defaultdict(list)
    for row in rows:
        source = name(row)
        if source is None or not row[column] or not row["high_f"]:
            continue
        lead = _lead_hours(row["fetched_utc"], row["date"], row["city"])
        told[source, row["city"], row["date"]].append(
            (lead, float(row[column]), float(row["high_f"]))
        )
    standing = {}
    for (source, city, day), found in sorted(told.items()):
        for horizon in COLUMNS:
            reference = REFERENCE_LEAD_HOURS[horizon]
            known = [i for i in found if reference <= i[0] < reference + OLDEST_HOURS]
            if known:
                standing[source, city, day, horizon.value] = min(known)[1:]
    return standing


def _lead_hours(fetched: str, day: str, city: str) -> float:
    start = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), tzinfo=UTC)
    end = start + dt.timedelta(days=1, hours=-OFFSETS[city])
    return (end - dt.datetime.fromisoformat(fetched.replace("Z", "+00:00"))).total_seconds() / 3600


def _climate(rows: Rows) -> list[float]:
    """Return intercept and two harmonics of the official highs of all cities, °F."""
    found = [(dt.date.fromisoformat(row["date"]).toordinal(), float(row["high_f"])) for row in rows]
    days = np.array([day for day, _ in found])
    columns = np.concatenate([np.ones((len(days), 1)), harmonics(days, 2)], axis=1)
    terms, *_ = np.linalg.lstsq(columns, np.array([high for _, high in found]), rcond=None)
    return [round(float(term), 3) for term in terms]


def _new_york(rows: Rows) -> dict[str, float]:
    """Return how the grid forecast did in New York: a check, not a part of the prior."""
    error = np.array([float(row["high_f"]) - float(row["ndfd_high_f"]) for row in rows])
    return {
        "n": len(error),
        "bias_f": round(-float(error.mean()), 3),
        "sd_f": round(math.sqrt(float(error.var())), 3),
        "mae_f": round(float(np.abs(error).mean()), 3),
    }


if __name__ == "__main__":
    raise SystemExit(main())
