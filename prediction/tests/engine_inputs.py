"""Inputs and pasts for the tests of engines: New York, 20 November 2024, 10 in the morning."""

from __future__ import annotations

import datetime as dt
import functools
import json

import numpy as np

from boz.core.schemas import Bracket
from prediction.constants import IDR_ENGINE
from prediction.domain.day_so_far import Reading
from prediction.domain.horizons import Horizon
from prediction.engines import ENGINES
from prediction.engines.base import Inputs, KnownForecast, MarketView, Parameters, ReachedMaximum
from prediction.engines.past import Past, PastCase, PastForecast, ScoredBelief

DAY = dt.date(2024, 11, 20)
DAY_END = dt.datetime(2024, 11, 21, 5, tzinfo=dt.UTC)
AS_OF = DAY_END - dt.timedelta(hours=14)
HIGHS = tuple((DAY - dt.timedelta(days=age), 50 + age % 9) for age in range(90, 0, -1))
LADDER = (
    Bracket(high_f=51),
    Bracket(low_f=52, high_f=53),
    Bracket(low_f=54, high_f=55),
    Bracket(low_f=56, high_f=57),
    Bracket(low_f=58, high_f=59),
    Bracket(low_f=60),
)
PRICES = (0.05, 0.15, 0.30, 0.30, 0.15, 0.05)
PERCENTILES = ((0.1, 53.0), (0.25, 55.0), (0.5, 56.0), (0.75, 58.0), (0.9, 59.0))
READINGS = tuple(
    Reading(hour_lst=float(hour), low_f=38 + hour, high_f=38 + hour) for hour in range(1, 11)
)
DAY_AHEAD = ("emos_slow", "emos_fast", "nbm_percentiles", "weighted_mean")


def forecast(source: str = "nws-grid", high_f: float = 55.0, lead_hours: int = 20, **changes):
    issued = DAY_END - dt.timedelta(hours=lead_hours)
    return KnownForecast(source, high_f, issued, lead_hours, **changes)


FORECASTS = (
    forecast("ecmwf-ens", 54.5, 26, sd_f=1.6),
    forecast("gfs", 55.0, 22),
    forecast("nbm-nbp", 56.0, 20, sd_f=2.2, quantiles_f=PERCENTILES),
    forecast("nws-grid", 57.0, 20),
)


def full_inputs(**changes) -> Inputs:
    known = {
        "station_code": "NY",
        "climate_day": DAY,
        "as_of": AS_OF,
        "lead_hours": 14,
        "forecasts": FORECASTS,
        "official_highs": HIGHS,
        "reached": ReachedMaximum(low_f=48, hour_lst=10.0),
        "readings": READINGS,
        "market": MarketView(LADDER, PRICES),
    }
    parameters = {**yardstick(), **changes.pop("parameters", {})}
    return Inputs(**{**known, **changes}, parameters=parameters)


def night_before(**changes) -> Inputs:
    """Return inputs without observations, seen from 21 LST of the evening before."""
    known = {
        "as_of": DAY_END - dt.timedelta(hours=27),
        "lead_hours": 27,
        "forecasts": (forecast("nbm-nbp", 55.0, 30), forecast("nws-grid", 55.0, 28)),
        "reached": None,
        "readings": (),
        "market": None,
    }
    return full_inputs(**{**known, **changes})


def without_everything() -> Inputs:
    return full_inputs(forecasts=(), official_highs=(), reached=None, readings=(), market=None)


#: How much too warm each source was in the past of these tests, °F.
BIASES = {"ecmwf-ens": -1.5, "gfs": -1.0, "nbm-nbp": 0.2, "nws-grid": 0.8}


def agreeing(lead_hours: int = 28, *, high_f: float = 55.0) -> tuple[KnownForecast, ...]:
    """Return forecasts that agree once their biases are taken off."""
    return tuple(forecast(name, high_f + bias, lead_hours) for name, bias in BIASES.items())


def cases(days: int = 150, *, biases: dict[str, float] | None = None, seed: int = 3):
    """Return finished days on which each source erred by its bias and a Gaussian."""
    known = biases or BIASES
    rng = np.random.default_rng(seed)
    found = []
    for age in range(days, 0, -1):
        day = DAY - dt.timedelta(days=age)
        truth = 55 + 8 * np.sin(age / 9) + rng.normal(0, 3)
        shared = rng.normal(0, 1.5)
        for horizon, lead in ((Horizon.EVENING, 28.0), (Horizon.MORNING, 18.0)):
            said = tuple(
                PastForecast(
                    source, round(float(truth + bias + shared + rng.normal(0, 1)), 1), lead
                )
                for source, bias in sorted(known.items())
            )
            found.append(PastCase(day, horizon, said, round(truth)))
    return tuple(found)


def scored(
    days: int = 120,
    *,
    station: str = "NY",
    horizon: Horizon = Horizon.MORNING,
    crps: dict[str, float] | None = None,
    seed: int = 5,
    ranks=None,
    **changes,
):
    """Return scored days; ``crps`` is each engine's mean loss, ``ranks`` those in the mixture."""
    losses = crps or dict.fromkeys(DAY_AHEAD, 1.4)
    rng = np.random.default_rng(seed)
    found_at = rng.uniform(size=days) if ranks is None else ranks
    found = []
    for index in range(days):
        difficulty = rng.uniform(0.5, 1.5)
        model = rng.dirichlet(np.full(6, 2.0))
        known = {
            "station_code": station,
            "climate_day": DAY - dt.timedelta(days=days - index),
            "horizon": horizon,
            "crps_f": tuple(
                sorted(
                    (name, loss * difficulty + rng.normal(0, 0.1)) for name, loss in losses.items()
                )
            ),
            "mixture_rank": (
                max(0.0, float(found_at[index]) - 0.01),
                min(1.0, float(found_at[index]) + 0.01),
            ),
            "ladder": LADDER,
            "model": tuple(model / model.sum()),
            "market": PRICES,
            "outcome": int(rng.choice(6, p=PRICES)),
        }
        found.append(ScoredBelief(**{**known, **changes}))
    return tuple(found)


def past(**changes) -> Past:
    known = {"station_code": "NY", "as_of": AS_OF, "target_day": DAY}
    return Past(**{**known, **changes})


@functools.cache
def yardstick() -> dict[str, Parameters]:
    """Return what the one engine without a shipped prior has learned, so that it always speaks."""
    fitted = ENGINES[IDR_ENGINE].fit(past(cases=cases(250)))
    return {IDR_ENGINE: json.loads(json.dumps(fitted))}


@functools.cache
def learned() -> dict[str, Parameters]:
    """Return what every engine learns from a year-like past, after a trip through JSON."""
    known = past(cases=cases(), scored=scored())
    fits = {name: engine.fit(known) for name, engine in ENGINES.items()}
    return {name: json.loads(json.dumps(fit)) for name, fit in fits.items() if fit is not None}
