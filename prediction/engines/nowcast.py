"""Only what was reached today and how much the high usually still rises from there."""

from __future__ import annotations

from boz.core.errors import DataUnavailable
from prediction.domain.nowcast import condition_on_running_max, remaining_rise_pmf
from prediction.engines.base import (
    EngineForecast,
    EngineKind,
    Inputs,
    Parameters,
    ReachedMaximum,
    require_temperature,
)
from prediction.engines.past import Past


class NowcastEngine:
    """The running maximum plus the usual rise left at this hour."""

    name = "nowcast"
    version = 1
    kind = EngineKind.MODEL

    def fit(self, past: Past) -> Parameters | None:
        """Learn nothing: the rise left is tabulated."""
        return None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the high from today's observations alone."""
        reached = inputs.reached
        if reached is None or reached.hour_lst is None:
            raise DataUnavailable(
                f"No observation of {inputs.station_code} on {inputs.climate_day} is known.",
                {"station": inputs.station_code, "climate_day": inputs.climate_day},
            )
        low, best = _bound_and_estimate(reached)
        pmf = remaining_rise_pmf(
            running_max_f=best,
            hour_lst=reached.hour_lst,
            evening_group_included=reached.evening_group_included,
            lower_bound_f=low,
        )
        return EngineForecast.of(
            pmf,
            sources=("observations",),
            note=(
                f"At least {low}° was reached by {_clock(reached.hour_lst)} standard time; "
                "the usual rise from there was added."
            ),
        )


def conditioned(forecast: EngineForecast, inputs: Inputs) -> EngineForecast:
    """Return a forecast that knows what was already reached; dead degrees become exactly zero."""
    reached = inputs.reached
    if reached is None:
        return forecast
    low, best = _bound_and_estimate(reached)
    if reached.hour_lst is None:
        pmf = forecast.pmf.truncated_below(low)
    else:
        pmf = condition_on_running_max(
            forecast.pmf,
            lower_bound_f=low,
            running_max_f=best,
            hour_lst=reached.hour_lst,
            evening_group_included=reached.evening_group_included,
        )
    return EngineForecast.of(
        pmf,
        spread=forecast.spread,
        sources=(*forecast.sources, f"at least {low}° reached"),
        missing=forecast.missing,
        n_train=forecast.n_train,
        weight_present=forecast.weight_present,
        note=f"{forecast.note} At least {low}° was already reached.",
        parts=forecast.parts,
    )


def _clock(hour: float) -> str:
    minutes = round(60 * hour)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _bound_and_estimate(reached: ReachedMaximum) -> tuple[int, int]:
    low = int(require_temperature(reached.low_f, name="running maximum"))
    if reached.estimate_f is None:
        return low, low
    return low, int(require_temperature(reached.estimate_f, name="running maximum"))
