"""What the blend learns: weights of its engines, a correction of its mixture, market exponents.

Weights come from the station's own scored days by online aggregation that starts from fixed prior
weights. The correction follows the ranks of its highs in the mixture before any correction. The
exponents of the pool with the market come from all stations, since ladders are few and every one is
a draw of its own.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from prediction.constants import PRIMARY_ENGINE
from prediction.domain.aggregation import aggregate_experts
from prediction.domain.horizons import Horizon
from prediction.domain.pooling import PoolRound, fit_pool
from prediction.domain.recalibration.spread_and_shape import SpreadAndShape, fit_spread_and_shape
from prediction.engines.base import Parameters, reading_parameters
from prediction.engines.mixture import PRIOR_WEIGHTS
from prediction.engines.past import Past, ScoredBelief

#: Under this many scored days an engine keeps its prior weight.
MIN_DAYS_OF_WEIGHT = 10
#: How many scored days the prior weights are worth.
PRIOR_DAYS_OF_WEIGHT = 60.0
#: Horizons that are corrected by their own ranks; the afternoon starts from the forecasts of the
#: morning and so goes on using the correction of the morning.
CORRECTED = (Horizon.EARLY, Horizon.EVENING, Horizon.MORNING)
#: Mean correlation of the errors of city forecasts of one day over all pairs of 137 cities
#: (January to October 2021, evening before): ladders of one day are nearly separate draws.
SAME_DAY_CORRELATION = 0.06


def fit_blend(past: Past) -> Parameters | None:
    """Return weights, corrections and exponents by horizon; None when nothing was ever scored.

    Raises:
        InvalidDataError: If a score or a ladder cannot be true.
    """
    own = [item for item in past.scored if item.station_code == past.station_code]
    parameters: dict[str, Any] = {
        "weights": _by_horizon(own, _weights),
        "recalibration": {
            horizon: found
            for horizon, found in _by_horizon(own, _recalibration).items()
            if found is not None
        },
        "pool": _by_horizon(past.scored, _exponents),
    }
    return parameters if any(parameters.values()) else None


def engine_weights(
    parameters: Parameters, horizon: Horizon, awake: Sequence[str]
) -> dict[str, float]:
    """Return the weights in force of the engines that spoke, adding up to one.

    Args:
        parameters: What the blend learned; empty when nothing yet.
        horizon: Class of lead and hour.
        awake: Day-ahead engines that spoke, at least one.
    """
    with reading_parameters(PRIMARY_ENGINE):
        weights = parameters.get("weights", {}).get(horizon.value, PRIOR_WEIGHTS)
        present = {name: float(weights.get(name, 0.0)) for name in awake}
    total = math.fsum(present.values())
    if not total > 0:
        return dict.fromkeys(awake, 1.0 / len(awake))
    return {name: weight / total for name, weight in present.items()}


def correction(parameters: Parameters, horizon: Horizon) -> SpreadAndShape:
    """Return the correction of the mixture; it changes nothing until settled days say otherwise."""
    own = Horizon.MORNING if horizon is Horizon.AFTERNOON else horizon
    with reading_parameters(PRIMARY_ENGINE):
        stored = parameters.get("recalibration", {}).get(own.value)
        return SpreadAndShape() if stored is None else SpreadAndShape.from_json(stored)


def _by_horizon(scored: Sequence[ScoredBelief], learn: Any) -> dict[str, Any]:
    """Return what is learned from each horizon that has scored days, oldest day first."""
    found: dict[str, Any] = {}
    for horizon in Horizon:
        chosen = [item for item in scored if item.horizon is horizon]
        if chosen:
            chosen.sort(key=lambda item: (item.climate_day, item.station_code))
            found[horizon.value] = learn(chosen)
    return found


def _weights(scored: Sequence[ScoredBelief]) -> dict[str, float]:
    """Return the weight of every day-ahead engine; one seldom scored keeps its prior weight.

    Aggregation follows the best engine soon, also where engines differ by chance only, so that what
    it says counts as its days against those that the prior is worth.
    """
    losses = [dict(item.crps_f) for item in scored]
    days = Counter(name for item in losses for name in item)
    names = tuple(name for name in PRIOR_WEIGHTS if days[name] >= MIN_DAYS_OF_WEIGHT)
    weights = dict(PRIOR_WEIGHTS)
    if not names:
        return weights
    learned = aggregate_experts(
        names,
        np.array([[item.get(name, math.nan) for name in names] for item in losses]),
        prior=[PRIOR_WEIGHTS[name] for name in names],
    )
    trust = len(scored) / (len(scored) + PRIOR_DAYS_OF_WEIGHT)
    share = math.fsum(PRIOR_WEIGHTS[name] for name in names)
    for name, weight in zip(names, learned.weights, strict=True):
        weights[name] += trust * (share * float(weight) - PRIOR_WEIGHTS[name])
    return weights


def _recalibration(scored: Sequence[ScoredBelief]) -> dict[str, Any] | None:
    """Return the correction that ranks in the uncorrected mixture ask for; None for too few."""
    ranks = [
        item.mixture_rank
        for item in scored
        if item.horizon in CORRECTED and item.mixture_rank is not None
    ]
    found = fit_spread_and_shape([below for below, _ in ranks], [upto for _, upto in ranks])
    return None if found is None else found.as_json()


def _exponents(scored: Sequence[ScoredBelief]) -> dict[str, Any]:
    ladders = [item for item in scored if item.market is not None]
    count = Counter(item.climate_day for item in ladders)
    rounds = [
        PoolRound(
            model=item.model,
            market=item.market,
            outcome=item.outcome,
            weight=1.0 / (1.0 + SAME_DAY_CORRELATION * (count[item.climate_day] - 1)),
        )
        for item in ladders
        if item.market is not None
    ]
    return fit_pool(rounds).as_json()
