"""Regressions of the high on all sources, with a short and a long memory.

One regression per horizon; the afternoon speaks with the morning's, since what it knows besides is
the day so far, which is heeded later. Where nothing is learned yet the shipped prior speaks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from boz.core.errors import InvalidDataError
from prediction.constants import EMOS_FAST_ENGINE, EMOS_SLOW_ENGINE, OFFICIAL_SOURCES
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.emos import EmosModel, EmosSettings, GaussianForecast, predict_emos
from prediction.domain.errors_model import MIN_SD_F, prior_sd_f
from prediction.domain.horizons import Horizon
from prediction.engines.base import (
    EngineForecast,
    EngineKind,
    Inputs,
    Parameters,
    reading_parameters,
)
from prediction.engines.emos_fit import fit_horizons, says_spread
from prediction.engines.heard import Heard, absences, awake, heard, raise_nothing
from prediction.engines.past import Past
from prediction.priors.source_prior import reference_lead_hours, source_prior


class EmosEngine:
    """A Gaussian whose mean and spread are linear in the sources."""

    version = 1
    kind = EngineKind.MODEL

    def __init__(self, name: str, *, half_life_days: float) -> None:
        """Name the engine and say how long it remembers."""
        self.name = name
        self.settings = EmosSettings(half_life_days=half_life_days)

    def fit(self, past: Past) -> Parameters | None:
        """Return one regression per horizon that has finished days, held to the shipped prior."""
        return fit_horizons(past, settings=self.settings)

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the high from all sources whose errors are known."""
        everyone = heard(inputs)
        model, leads = self._learned(inputs)
        found = awake(everyone, frozenset() if model is None else frozenset(model.sources))
        if not found.forecasts:
            raise_nothing(inputs, found)
        if model is None or not _knows_any(model, found):
            model, leads = self._prior(inputs, found), {}
        highs = {forecast.source: forecast.high_f for forecast in found.forecasts}
        said = predict_emos(
            model, day=inputs.climate_day.toordinal(), highs=highs, sds=_spreads(found)
        )
        sd = max(MIN_SD_F, said.sd * _age_factor(model, said, leads, found, inputs))
        return EngineForecast.of(
            gaussian_pmf(mean_f=_within_reason(said.mean, inputs), sd_f=sd),
            spread=said.spread if len(said.used) > 1 else None,
            sources=said.used,
            missing=(*absences(inputs, frozenset(said.missing)), *found.refused, *_unknown(said)),
            n_train=model.n_train,
            weight_present=said.weight_present,
            note=_note(model),
        )

    def _learned(self, inputs: Inputs) -> tuple[EmosModel | None, Mapping[str, float]]:
        """Return the fit in force and the lead of each source in it."""
        horizon = fitted_horizon(inputs.horizon).value
        with reading_parameters(self.name):
            parameters = inputs.parameters.get(self.name, {})
            stored = parameters.get("models", {}).get(horizon)
            if stored is None:
                return None, {}
            return EmosModel.from_json(stored), dict(parameters["leads"][horizon])

    def _prior(self, inputs: Inputs, found: Heard) -> EmosModel:
        silent = OFFICIAL_SOURCES.intersection((*inputs.stale, *found.outliers))
        wanted = {forecast.source for forecast in found.forecasts} | silent
        return source_prior(
            wanted, horizon=inputs.horizon, day=inputs.climate_day, settings=self.settings
        )


EMOS_FAST = EmosEngine(EMOS_FAST_ENGINE, half_life_days=45.0)
EMOS_SLOW = EmosEngine(EMOS_SLOW_ENGINE, half_life_days=365.0)


def fitted_horizon(horizon: Horizon) -> Horizon:
    """Return the horizon whose fit speaks at this one."""
    return Horizon.MORNING if horizon is Horizon.AFTERNOON else horizon


def _knows_any(model: EmosModel, found: Heard) -> bool:
    return any(forecast.source in model.sources for forecast in found.forecasts)


def _spreads(found: Heard) -> dict[str, float]:
    """Return the spreads inside the sources; members that are all equal state none."""
    return {
        forecast.source: forecast.sd_f
        for forecast in found.forecasts
        if forecast.sd_f is not None and says_spread(forecast.sd_f)
    }


def _age_factor(
    model: EmosModel,
    said: GaussianForecast,
    leads: Mapping[str, float],
    found: Heard,
    inputs: Inputs,
) -> float:
    """Return how much the spread at the forecasts' ages differs from that at the fit's."""
    month = inputs.climate_day.month
    usual = reference_lead_hours(inputs.horizon)
    weight = dict(zip(model.sources, model.weight, strict=True))
    now = [forecast for forecast in found.forecasts if forecast.source in said.used]
    ratios = [
        weight[forecast.source]
        * prior_sd_f(lead_hours=forecast.lead_hours, month=month)
        / prior_sd_f(lead_hours=leads.get(forecast.source, usual), month=month)
        for forecast in now
    ]
    return math.fsum(ratios) / math.fsum(weight[forecast.source] for forecast in now)


def _within_reason(mean: float, inputs: Inputs) -> float:
    if not -80.0 <= mean <= 140.0:
        raise InvalidDataError(
            f"The regression gives {mean:g} °F, no possible temperature.",
            {"station": inputs.station_code, "climate_day": inputs.climate_day},
        )
    return mean


def _unknown(said: GaussianForecast) -> tuple[str, ...]:
    return tuple(f"{source} waits until its past errors are known." for source in said.ignored)


def _note(model: EmosModel) -> str:
    if model.n_train == 0:
        return (
            "No past errors of this station are known yet, so the pooled spread of city forecasts "
            "was used."
        )
    return (
        "The belief rests on forecasts less their usual bias, with the spread of their past errors."
    )
