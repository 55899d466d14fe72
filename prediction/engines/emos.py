"""Regressions of the high on all sources, with a short and a long memory."""

from __future__ import annotations

import math

from prediction.constants import EMOS_FAST_ENGINE, EMOS_SLOW_ENGINE
from prediction.domain.distribution import gaussian_pmf
from prediction.domain.errors_model import prior_sd_f
from prediction.engines.base import EngineForecast, EngineKind, Inputs, Parameters
from prediction.engines.heard import absences, awake, heard, raise_nothing
from prediction.engines.past import Past


class EmosEngine:
    """A Gaussian whose mean and spread are linear in the sources."""

    version = 1
    kind = EngineKind.MODEL

    def __init__(self, name: str, *, half_life_days: float) -> None:
        """Name the engine and say how long it remembers."""
        self.name = name
        self.half_life_days = half_life_days

    def fit(self, past: Past) -> Parameters | None:
        """Learn nothing yet."""
        return None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the high from all sources."""
        everyone = heard(inputs)
        found = awake(everyone, frozenset())
        if not found.forecasts:
            raise_nothing(inputs, found)
        month = inputs.climate_day.month
        highs = [forecast.high_f for forecast in found.forecasts]
        mean = math.fsum(highs) / len(highs)
        own = [prior_sd_f(lead_hours=f.lead_hours, month=month) ** 2 for f in found.forecasts]
        between = math.fsum((high - mean) ** 2 for high in highs) / len(highs)
        silent = len(inputs.stale) / (len(inputs.stale) + len(highs))
        sd = math.sqrt(math.fsum(own) / len(own) + between) * (1.0 + 0.15 * silent)
        return EngineForecast.of(
            gaussian_pmf(mean_f=mean, sd_f=sd),
            spread=math.sqrt(between) if len(highs) > 1 else None,
            sources=tuple(forecast.source for forecast in found.forecasts),
            missing=(*absences(inputs, frozenset()), *found.refused),
            weight_present=1.0 - silent,
            note="No past errors of this station are known yet; the pooled spread was used.",
        )


EMOS_FAST = EmosEngine(EMOS_FAST_ENGINE, half_life_days=45.0)
EMOS_SLOW = EmosEngine(EMOS_SLOW_ENGINE, half_life_days=365.0)
