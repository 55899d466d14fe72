"""Only what was reached today and how far the high usually still ends above it."""

from __future__ import annotations

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.constants import NOWCAST_ENGINE
from prediction.domain.day_so_far import DayState, day_state, usual_high
from prediction.domain.nowcast import condition_on_day
from prediction.domain.remaining_rise import StationEffect, rise_pmf
from prediction.domain.rise_fit import fit_station_effect
from prediction.engines.base import (
    EngineForecast,
    EngineKind,
    Inputs,
    Parameters,
    ReachedMaximum,
    reading_parameters,
    require_temperature,
)
from prediction.engines.past import Past
from prediction.priors.remaining_rise import shipped_rise_model, shipped_station_effect


class NowcastEngine:
    """The running maximum plus the rise that the signs of the day leave."""

    name = NOWCAST_ENGINE
    version = 2
    kind = EngineKind.MODEL

    def fit(self, past: Past) -> Parameters | None:
        """Return how the station differs from the shipped model; None without days of its own."""
        if not past.days:
            return None
        effect = fit_station_effect(shipped_rise_model(), past.days)
        return {"station_effect": effect.as_json()}

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the high from today's observations alone."""
        state = _state(inputs)
        if state is None or state.hour_lst is None:
            raise DataUnavailable(
                f"No observation of {inputs.station_code} on {inputs.climate_day} is known.",
                {"station": inputs.station_code, "climate_day": inputs.climate_day},
            )
        pmf = rise_pmf(shipped_rise_model(), state, station_effect=_effect(inputs))
        return EngineForecast.of(
            pmf,
            sources=("observations",),
            note=(
                f"At least {state.low_f}° was reached by {_clock(state.hour_lst)} standard time; "
                "the rise usual on such a day was added."
            ),
        )


def conditioned(forecast: EngineForecast, inputs: Inputs) -> EngineForecast:
    """Return a forecast that knows the day so far; dead degrees become exactly zero.

    A learned effect that cannot be read silences the nowcast itself; here the shipped one stands in
    for it, since what was reached must be heeded whatever else fails.
    """
    state = _state(inputs)
    if state is None:
        return forecast
    missing = forecast.missing
    try:
        effect = _effect(inputs)
    except InvalidDataError as error:
        effect = shipped_station_effect(inputs.station_code)
        missing = tuple(dict.fromkeys((*missing, error.message)))
    pmf = condition_on_day(
        forecast.pmf, state=state, model=shipped_rise_model(), station_effect=effect
    )
    return EngineForecast.of(
        pmf,
        spread=forecast.spread,
        sources=(*forecast.sources, f"at least {state.low_f}° reached"),
        missing=missing,
        n_train=forecast.n_train,
        weight_present=forecast.weight_present,
        note=f"{forecast.note} At least {state.low_f}° was already reached.",
        parts=forecast.parts,
    )


def _state(inputs: Inputs) -> DayState | None:
    """Return the day so far; the proven maximum stands, the reports say how it came about."""
    if inputs.reached is None:
        return None
    low, best = _bound_and_estimate(inputs.reached)
    if not inputs.readings:
        return DayState(
            low_f=low,
            estimate_f=max(low, best),
            hour_lst=inputs.reached.hour_lst,
            afternoon_covered=inputs.reached.evening_group_included,
        )
    return day_state(
        inputs.readings,
        climate_day=inputs.climate_day,
        low_f=low,
        estimate_f=best,
        afternoon_covered=inputs.reached.evening_group_included,
        start_covered=inputs.reached.start_included,
        usual_high_f=usual_high(dict(inputs.official_highs), climate_day=inputs.climate_day),
    )


def _effect(inputs: Inputs) -> StationEffect | None:
    """Return what is known of the station: learned or shipped, whichever saw more days."""
    shipped = shipped_station_effect(inputs.station_code)
    stored = inputs.parameters.get(NOWCAST_ENGINE)
    if stored is None:
        return shipped
    with reading_parameters(NOWCAST_ENGINE):
        learned = StationEffect.from_json(stored["station_effect"])
    return learned if shipped is None or learned.n_days >= shipped.n_days else shipped


def _clock(hour: float) -> str:
    minutes = round(60 * hour)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _bound_and_estimate(reached: ReachedMaximum) -> tuple[int, int]:
    low = int(require_temperature(reached.low_f, name="running maximum"))
    if reached.estimate_f is None:
        return low, low
    return low, int(require_temperature(reached.estimate_f, name="running maximum"))
