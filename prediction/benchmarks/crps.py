"""How fast forecasts are scored and experts weighed: the benchmark ``crps``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from boz.core.benchmarks import Measurement, register_benchmark, timed
from prediction.domain.aggregation import quantile_weight_history
from prediction.domain.arrays import FloatArray
from prediction.domain.ensemble_scores import crps_ensemble
from prediction.domain.gaussian_scores import crps_gaussian

FORECASTS = 1_000_000
MEMBERS = 31
DAYS = 365
LEVELS = np.arange(1, 100) / 100
ENGINES = 10
SEED = 7


def register() -> None:
    """Make the parts known."""
    for part in (_ensembles, _gaussians, _experts):
        register_benchmark("crps", part)


def _ensembles() -> Sequence[Measurement]:
    rng = np.random.default_rng(SEED)
    members = rng.normal(60.0, 4.0, (FORECASTS, MEMBERS))
    observed = rng.normal(60.0, 4.0, FORECASTS)
    seconds = timed(lambda _: crps_ensemble(members, observed))
    measured = Measurement(
        part="ensemble",
        work=f"CRPS of {FORECASTS:,} ensembles of {MEMBERS} members, kernel form",
        amount=FORECASTS,
        unit="forecasts",
        seconds=seconds,
        notes=_compared(members, observed, fastest=min(seconds)),
    )
    return [measured]


def _compared(members: FloatArray, observed: FloatArray, *, fastest: float) -> tuple[str, ...]:
    """Return how an independent implementation does on the same numbers, where there is one."""
    scoringrules = _scoringrules()
    if scoringrules is None:
        return ("scoringrules is not installed: no comparison",)

    def theirs(_: Any) -> FloatArray:
        scores: FloatArray = scoringrules.crps_ensemble(observed, members, estimator="qd")
        return scores

    seconds = min(timed(theirs, runs=2))
    apart = float(np.abs(theirs(None) - crps_ensemble(members, observed)).max())
    return (
        f"scoringrules {scoringrules.__version__} (estimator qd, NumPy): {seconds:.3f} s,"
        f" {seconds / fastest:.1f} times ours; largest difference {apart:.1e}",
    )


def _scoringrules() -> Any:
    """Return the module, or None: only building and testing install it."""
    try:
        return importlib.import_module("scoringrules")
    except ImportError:
        return None


def _gaussians() -> Sequence[Measurement]:
    rng = np.random.default_rng(SEED)
    mean, observed = rng.normal(60.0, 4.0, FORECASTS), rng.normal(60.0, 4.0, FORECASTS)
    sd = rng.gamma(4.0, 0.8, FORECASTS)
    measured = Measurement(
        part="gaussian",
        work=f"CRPS of {FORECASTS:,} Gaussian forecasts",
        amount=FORECASTS,
        unit="forecasts",
        seconds=timed(lambda _: crps_gaussian(mean, sd, observed)),
    )
    return [measured]


def _experts() -> Sequence[Measurement]:
    rng = np.random.default_rng(SEED)
    quantiles = np.sort(rng.normal(60.0, 4.0, (DAYS, LEVELS.size, ENGINES)), axis=1)
    observed = rng.normal(60.0, 4.0, DAYS)
    measured = Measurement(
        part="aggregation",
        work=(
            f"Weights of {ENGINES} engines at {LEVELS.size} quantile levels, learnt online over"
            f" {DAYS} days by the slope of the pinball loss"
        ),
        amount=DAYS,
        unit="days",
        seconds=timed(lambda _: quantile_weight_history(quantiles, observed, LEVELS)),
    )
    return [measured]
