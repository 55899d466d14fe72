"""The classic consensus: fixed weights on the raw highs of five services, nothing learned."""

from __future__ import annotations

import math

from boz.core.errors import DataUnavailable
from prediction.constants import NWS_SOURCES, WEIGHTED_MEAN_ENGINE
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.errors_model import prior_sd_f
from prediction.engines.base import EngineForecast, EngineKind, Inputs, KnownForecast, Parameters
from prediction.engines.heard import Heard, absences, heard, raise_nothing
from prediction.engines.past import Past

#: Service, its weight, and the sources it is read from: the first that was heard.
CONSENSUS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    ("NWS", 0.35, NWS_SOURCES),
    ("ECMWF", 0.30, ("ecmwf-ifs", "ecmwf-ens")),
    ("GFS", 0.20, ("gfs", "gefs")),
    ("ICON", 0.10, ("icon", "icon-eps")),
    ("GEM", 0.05, ("gem", "geps")),
)

#: Rise of the spread, as a share of it, were all weight missing; in proportion when some is.
MISSING_SHARE = 0.15


class WeightedMeanEngine:
    """A Gaussian around the weighted mean, its spread that of city forecasts at this lead.

    The services share most of their errors, so averaging them does not divide the spread; their
    disagreement is added to it, and those that are silent widen it by their weight.
    """

    name = WEIGHTED_MEAN_ENGINE
    version = 1
    kind = EngineKind.MODEL

    def fit(self, past: Past) -> Parameters | None:
        """Learn nothing: the weights are fixed."""
        return None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the consensus on whole degrees."""
        found = heard(inputs)
        members = _members(found)
        if not found.forecasts:
            raise_nothing(inputs, found)
        if not members:
            raise DataUnavailable(
                f"None of the five services spoke for {inputs.station_code} on "
                f"{inputs.climate_day}.",
                {"station": inputs.station_code, "climate_day": inputs.climate_day},
            )
        total = math.fsum(weight for weight, _ in members)
        mean = math.fsum(weight * forecast.high_f for weight, forecast in members) / total
        squares = [weight * (forecast.high_f - mean) ** 2 for weight, forecast in members]
        own = [weight * _sd_f(forecast, inputs) ** 2 for weight, forecast in members]
        between = math.fsum(squares) / total
        sd = math.sqrt(math.fsum(own) / total + between) * (1.0 + MISSING_SHARE * (1.0 - total))
        return EngineForecast.of(
            gaussian_pmf(mean_f=mean, sd_f=sd),
            spread=math.sqrt(between) if len(members) > 1 else None,
            sources=tuple(forecast.source for _, forecast in members),
            missing=(*absences(inputs, frozenset()), *_silent(members), *found.refused),
            weight_present=min(1.0, total),
            note="Fixed weights on the raw highs of five services, with the usual spread.",
        )


def _members(found: Heard) -> list[tuple[float, KnownForecast]]:
    chosen = [(weight, found.first_of(sources)) for _, weight, sources in CONSENSUS]
    return [(weight, forecast) for weight, forecast in chosen if forecast is not None]


def _silent(members: list[tuple[float, KnownForecast]]) -> list[str]:
    spoken = {forecast.source for _, forecast in members}
    return [
        f"{service} did not speak."
        for service, _, sources in CONSENSUS
        if not spoken.intersection(sources)
    ]


def _sd_f(forecast: KnownForecast, inputs: Inputs) -> float:
    return prior_sd_f(lead_hours=forecast.lead_hours, month=inputs.climate_day.month)
