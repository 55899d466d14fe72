"""Only what was reached today and how much the high usually still rises from there."""

from __future__ import annotations

from boz.core.errors import DataUnavailable
from prediction.domain.nowcast import condition_on_running_max, remaining_rise_pmf
from prediction.engines.base import EngineForecast, Inputs, require_temperature


class NowcastEngine:
    """The running maximum plus the usual rise left at this hour."""

    name = "nowcast"

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the high from today's observations alone."""
        reached = inputs.reached
        if reached is None or reached.hour_lst is None:
            raise DataUnavailable(
                f"No observation of {inputs.station_code} on {inputs.climate_day} is known.",
                {"station": inputs.station_code, "climate_day": inputs.climate_day},
            )
        low = int(require_temperature(reached.low_f, name="running maximum"))
        pmf = remaining_rise_pmf(running_max_f=low, hour_lst=reached.hour_lst)
        return EngineForecast.of(
            pmf,
            sources=("observations",),
            note=f"At least {low}° was reached by {reached.hour_lst:.1f} h; usual rise added.",
        )


def conditioned(forecast: EngineForecast, inputs: Inputs) -> EngineForecast:
    """Return a forecast that knows what was already reached; dead degrees become exactly zero."""
    reached = inputs.reached
    if reached is None:
        return forecast
    low = int(require_temperature(reached.low_f, name="running maximum"))
    if reached.hour_lst is None:
        pmf = forecast.pmf.truncated_below(low)
    else:
        pmf = condition_on_running_max(forecast.pmf, lower_bound_f=low, hour_lst=reached.hour_lst)
    return EngineForecast.of(
        pmf,
        spread=forecast.spread,
        sources=(*forecast.sources, f"at least {low}° reached"),
        missing=forecast.missing,
        n_train=forecast.n_train,
        weight_present=forecast.weight_present,
        note=f"{forecast.note} At least {low}° was already reached.",
    )
