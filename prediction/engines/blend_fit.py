"""What the blend learns: weights of its engines, a correction of its spread, market exponents."""

from __future__ import annotations

import math

from prediction.constants import (
    EMOS_FAST_ENGINE,
    EMOS_SLOW_ENGINE,
    NBM_ENGINE,
    PRIMARY_ENGINE,
    WEIGHTED_MEAN_ENGINE,
)
from prediction.domain.horizons import Horizon
from prediction.engines.base import Inputs

#: Weights of the day-ahead engines before any belief of theirs was scored.
PRIOR_WEIGHTS: dict[str, float] = {
    EMOS_SLOW_ENGINE: 0.40,
    EMOS_FAST_ENGINE: 0.24,
    NBM_ENGINE: 0.28,
    WEIGHTED_MEAN_ENGINE: 0.08,
}


def day_ahead_weights(inputs: Inputs, awake: list[str]) -> dict[str, float]:
    """Return the weights in force of the engines that spoke, adding up to one."""
    stored = _stored(inputs, "weights", inputs.horizon)
    weights = PRIOR_WEIGHTS if stored is None else stored
    present = {name: float(weights.get(name, 0.0)) for name in awake}
    total = math.fsum(present.values())
    if total <= 0:
        return dict.fromkeys(awake, 1.0 / len(awake))
    return {name: weight / total for name, weight in present.items()}


def spread_factor(inputs: Inputs) -> float:
    """Return by what the mixture's spread is multiplied; 1 until settled days say otherwise."""
    horizon = Horizon.MORNING if inputs.horizon is Horizon.AFTERNOON else inputs.horizon
    stored = _stored(inputs, "recalibration", horizon)
    return 1.0 if stored is None else float(stored["spread_factor"])


def _stored(inputs: Inputs, key: str, horizon: Horizon) -> dict[str, float] | None:
    found = inputs.parameters.get(PRIMARY_ENGINE, {}).get(key, {}).get(horizon.value)
    return found if isinstance(found, dict) else None
