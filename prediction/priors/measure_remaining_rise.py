"""Scores the model of the remaining rise, hour by hour, on days that its fit has not seen."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Sequence

from prediction.domain.discretised import gaussian_pmf
from prediction.domain.distribution import IntegerPmf
from prediction.domain.nowcast import condition_on_day
from prediction.domain.remaining_rise import RiseModel, StationEffect, rise_pmf
from prediction.domain.rise_fit import PastDay, fit_rise_model, fit_station_effect, state_at
from prediction.domain.scores import crps_pmf

#: Spread of the error of the simulated forecast, °F.
SIMULATED_ERROR_F = 2.5
#: Hours whose high a forecast of the daytime is of, and by how much a reading may fall short of it.
DAYTIME_LST = (7.0, 20.0)
SHORT_OF_HIGH_F = 2
USUALLY_SHORT_F = 0.7
HOURS = (1, 4, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 24)
_HEAD = (
    "hour    n    CRPS  80 % cover  mean PIT  P(none) seen/forecast  "
    "stranger's CRPS, cover  pool's       daytime's pool, nights\n"
)


def table(days: Sequence[PastDay], *, test_from: dt.date, unscored: Sequence[str] = ()) -> str:
    """Return one line for each hour.

    CRPS in °F, with the effect that each station's own earlier days show; cover and mean of the
    randomised PIT (.80 and .50 when calibrated); share of days without a rise, and its forecast;
    then CRPS and cover at a station that the fit has never seen, each left out in turn. Stations
    in ``unscored`` are learned from only.

    Last come CRPS and cover of the pool with a simulated forecast, the official high plus a seeded
    Gaussian error of 2.5 °F. No forecasts as they stood then are on file; the simulation shows
    whether the pool is calibrated, not how good a real forecast is. At the end the pool's CRPS with
    one of the daytime's high, on all days and on those whose high was in the night.
    """
    train = [day for day in days if day.climate_day < test_from]
    test = [day for day in days if day.climate_day >= test_from and day.station not in unscored]
    stations = sorted({day.station for day in test})
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
    crps, stranger_crps, pits, stranger_pits, seen, forecast = [], [], [], [], [], []
    pooled_crps, pooled_pits, daytime_crps, night_crps = [], [], [], []
    for day in days:
        state = state_at(day, hour)
        if state is None:
            continue
        pmf = rise_pmf(model, state, station_effect=effects[day.station])
        crps.append(crps_pmf(pmf, day.high_f))
        stranger = rise_pmf(strangers[day.station], state)
        stranger_crps.append(crps_pmf(stranger, day.high_f))
        pits.append(_pit(pmf, day.high_f, draw))
        stranger_pits.append(_pit(stranger, day.high_f, draw))
        said = simulated_forecast(day)
        pooled = condition_on_day(
            said, state=state, model=model, station_effect=effects[day.station]
        )
        pooled_crps.append(crps_pmf(pooled, day.high_f))
        pooled_pits.append(_pit(pooled, day.high_f, draw))
        by_day = condition_on_day(
            simulated_forecast(day, of_f=daytime_high_f(day)),
            state=state,
            model=model,
            station_effect=effects[day.station],
        )
        daytime_crps.append(crps_pmf(by_day, day.high_f))
        if daytime_high_f(day) < day.high_f:
            night_crps.append(daytime_crps[-1])
        seen.append(float(day.high_f <= state.estimate_f))
        forecast.append(pmf.cdf(state.estimate_f))
    return (
        f"{hour:4d} {len(crps):5d}  {_mean(crps):.3f}       {_cover(pits):.3f}     "
        f"{_mean(pits):.3f}        {_mean(seen):.3f} / {_mean(forecast):.3f}        "
        f"{_mean(stranger_crps):.3f} {_cover(stranger_pits):.3f}        "
        f"{_mean(pooled_crps):.3f} {_cover(pooled_pits):.3f}  "
        f"{_mean(daytime_crps):.3f} {_mean(night_crps):.3f}\n"
    )


def daytime_high_f(day: PastDay) -> float:
    """Return the high of the daytime: the official one unless that was in the night."""
    start, end = DAYTIME_LST
    by_day = [item.high_f for item in day.readings if start <= item.hour_lst <= end]
    if not by_day or day.high_f <= max(by_day) + SHORT_OF_HIGH_F:
        return float(day.high_f)
    return max(by_day) + USUALLY_SHORT_F


def simulated_forecast(day: PastDay, *, of_f: float | None = None) -> IntegerPmf:
    """Return a forecast that is honest about its error; the same at each call.

    Args:
        day: The day.
        of_f: What it is of; None for the official high.
    """
    truth = day.high_f if of_f is None else of_f
    draw = random.Random(f"{day.station} {day.climate_day}")  # noqa: S311 - a simulation
    return gaussian_pmf(mean_f=truth + draw.gauss(0.0, SIMULATED_ERROR_F), sd_f=SIMULATED_ERROR_F)


def _pit(pmf: IntegerPmf, high_f: int, draw: random.Random) -> float:
    return pmf.cdf(high_f - 1) + draw.random() * pmf.at(high_f)


def _cover(pits: Sequence[float]) -> float:
    return _mean([float(0.1 < pit < 0.9) for pit in pits])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
