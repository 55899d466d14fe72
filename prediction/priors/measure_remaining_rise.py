"""Scores the model of the remaining rise, hour by hour, on days that its fit has not seen."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence

from prediction.domain.remaining_rise import RiseModel, StationEffect, rise_pmf
from prediction.domain.rise_fit import PastDay, fit_rise_model, fit_station_effect, state_at
from prediction.domain.scores import crps_pmf

HOURS = (1, 4, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 24)
_HEAD = "hour    n    CRPS  80 % cover  mean PIT  P(none) seen/forecast  CRPS, stranger\n"


def table(days: Sequence[PastDay], *, test_from: dt.date) -> str:
    """Return one line for each hour.

    CRPS in °F, with the effect that each station's own earlier days show; cover and mean of the
    randomised PIT (.80 and .50 when calibrated); share of days without a rise, and its forecast;
    last, the CRPS of a station that the fit has never seen, each left out in turn.
    """
    train = [day for day in days if day.climate_day < test_from]
    test = [day for day in days if day.climate_day >= test_from]
    stations = sorted({day.station for day in days})
    model = fit_rise_model(train)
    effects = {
        name: fit_station_effect(model, [day for day in train if day.station == name])
        for name in stations
    }
    strangers = {
        name: fit_rise_model([day for day in train if day.station != name]) for name in stations
    }
    lines = [_line(hour, test, model, effects, strangers) for hour in HOURS]
    return _HEAD + "".join(lines)


def _line(
    hour: int,
    days: Sequence[PastDay],
    model: RiseModel,
    effects: dict[str, StationEffect],
    strangers: dict[str, RiseModel],
) -> str:
    draw = random.Random(hour)  # noqa: S311 - ties of a PIT, not a secret
    crps, stranger_crps, pits, seen, forecast = [], [], [], [], []
    for day in days:
        state = state_at(day, hour)
        if state is None:
            continue
        pmf = rise_pmf(model, state, station_effect=effects[day.station])
        crps.append(crps_pmf(pmf, day.high_f))
        stranger = rise_pmf(strangers[day.station], state)
        stranger_crps.append(crps_pmf(stranger, day.high_f))
        pits.append(pmf.cdf(day.high_f - 1) + draw.random() * pmf.at(day.high_f))
        seen.append(float(day.high_f <= state.estimate_f))
        forecast.append(pmf.cdf(state.estimate_f))
    cover = _mean([float(0.1 < pit < 0.9) for pit in pits])
    return (
        f"{hour:4d} {len(crps):5d}  {_mean(crps):.3f}       {cover:.3f}     {_mean(pits):.3f}"
        f"        {_mean(seen):.3f} / {_mean(forecast):.3f}           {_mean(stranger_crps):.3f}\n"
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
