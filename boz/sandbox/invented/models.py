"""Invented forecasts: the truth with a bias and an error that grows with lead.

The error of a model is a sum of sines over valid time whose phases drift from run to run, so that
neighbouring runs err alike, and every hour of every run can be computed without the others.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass

import numpy as np

from boz.core.clock import UTC
from boz.sandbox.invented.thermometer import DAY, HOUR, Thermometer, generator
from boz.sandbox.places import Place
from boz.sandbox.recordings.loader import IntArray
from boz.sandbox.sky import FloatArray, ModelRun

#: Periods of an error in hours, and how far its phases drift from one run's hour to the next.
_ERROR_HOURS = np.array([17.0, 29.0, 47.0, 71.0, 113.0, 190.0])
_DRIFT_PER_HOUR = np.array([0.011, 0.023, 0.017, 0.031, 0.013, 0.019])
_AMPLITUDE = np.sqrt(2 / len(_ERROR_HOURS))
#: Of an ensemble's error, this part is common to all its members.
_COMMON = 0.6
#: The HRRR reaches farther at every sixth hour.
_LONG_RUN_HOURS = 6


@dataclass(frozen=True, slots=True)
class Model:
    """How a model runs and errs.

    Args:
        interval_hours: Time between runs.
        lag: From a run's start until everybody can have it.
        horizon_hours: How far a run reaches.
        long_horizon_hours: How far the runs of every sixth hour reach, when farther.
        skill: 1 is usual; less is better.
    """

    name: str
    interval_hours: int
    lag: dt.timedelta
    horizon_hours: int
    members: int = 1
    long_horizon_hours: int = 0
    skill: float = 1.0


def _model(name: str, interval: int, lag_minutes: int, horizon: int, **more: float) -> Model:
    members, long_horizon = int(more.get("members", 1)), int(more.get("long_horizon", 0))
    lag = dt.timedelta(minutes=lag_minutes)
    return Model(name, interval, lag, horizon, members, long_horizon, more.get("skill", 1.0))


#: The grids of the weather service; no name of Open-Meteo.
NWS = "nws"
#: The text bulletins of the National Blend.
BLEND = "blend"

FORECAST_MODELS = (
    _model("ncep_hrrr_conus", 1, 80, 18, long_horizon=48, skill=0.9),
    _model("ncep_nbm_conus", 1, 85, 264, skill=0.8),
    _model("ncep_gfs_global", 6, 290, 384),
    _model("ecmwf_ifs025", 6, 430, 360, skill=0.85),
    _model("ecmwf_aifs025_single", 6, 400, 360, skill=0.85),
    _model("dwd_icon_global", 6, 250, 180, skill=0.95),
    _model("cmc_gem_gdps", 12, 330, 240, skill=1.1),
    _model("ukmo_global_deterministic_10km", 6, 400, 168),
)
ENSEMBLE_MODELS = (
    _model("ncep_gefs025", 6, 420, 240, members=31),
    _model("ecmwf_ifs025_ensemble", 6, 480, 360, members=51, skill=0.85),
    _model("ecmwf_aifs025_ensemble", 6, 450, 360, members=51, skill=0.85),
    _model("icon_global_eps", 6, 330, 180, members=40),
    _model("gem_global_ensemble", 12, 480, 384, members=21, skill=1.1),
)
MODELS = {
    model.name: model
    for model in (
        *FORECAST_MODELS,
        *ENSEMBLE_MODELS,
        _model(NWS, 3, 20, 240, skill=0.8),
        _model(BLEND, 1, 77, 288, skill=0.8),
    )
}


class Forecasts:
    """What every model says; °F."""

    def __init__(self, thermometer: Thermometer) -> None:
        """Err around a thermometer's truth."""
        self._thermometer = thermometer
        self._bias = functools.cache(self._draw_bias)
        self._phases = functools.cache(self._draw_phases)

    def run(self, name: str, now: dt.datetime) -> ModelRun | None:
        """Return the newest run of a model that is out by ``now``; None for an unknown model."""
        model = MODELS.get(name)
        if model is None:
            return None
        started = dt.datetime.fromtimestamp(_newest(model, now), tz=UTC)
        return ModelRun(
            started_at=started,
            available_at=started + model.lag,
            interval=dt.timedelta(hours=model.interval_hours),
            horizon=dt.timedelta(hours=model.horizon_hours),
        )

    def hours(
        self, name: str, place: Place, valid: IntArray, now: dt.datetime, *, days_before: int = 0
    ) -> FloatArray | None:
        """Return members by hours; see :meth:`boz.sandbox.sky.Sky.model_hours`."""
        model = MODELS.get(name)
        if model is None:
            return None
        newest = _newest(model, now)
        step = model.interval_hours * HOUR
        wanted = (
            np.minimum(valid - days_before * DAY, newest)
            if not days_before
            else (valid - days_before * DAY)
        )
        runs = wanted // step * step
        reach = np.full(len(valid), model.horizon_hours * HOUR)
        if model.long_horizon_hours:
            long_step = _LONG_RUN_HOURS * HOUR
            is_far = valid - runs > reach
            runs = np.where(is_far, runs // long_step * long_step, runs)
            reach = np.where(is_far, model.long_horizon_hours * HOUR, reach)
        said = self.at(model, place, valid, runs)
        said[:, (valid - runs > reach) | (runs > newest)] = np.nan
        return said

    def at(self, model: Model, place: Place, valid: IntArray, runs: IntArray) -> FloatArray:
        """Return members by hours as each run says them, whatever its reach."""
        lead_hours = np.maximum(valid - runs, 0) / HOUR
        size = spread(model, lead_hours)
        angles = (
            np.multiply.outer(valid / HOUR, 2 * np.pi / _ERROR_HOURS)
            + np.multiply.outer(runs / HOUR, _DRIFT_PER_HOUR)
        )  # fmt: skip
        phases = self._phases(model, place)
        waves = _AMPLITUDE * (np.cos(phases) @ np.sin(angles).T + np.sin(phases) @ np.cos(angles).T)
        truth = self._thermometer.temperature(place, valid) + self._bias(model, place)
        if model.members == 1:
            return np.asarray(truth + size * waves)
        own = np.sqrt(1 - _COMMON**2)
        return np.asarray(truth + size * (_COMMON * waves[0] + own * waves))

    def _draw_bias(self, model: Model, place: Place) -> float:
        random = generator(self._thermometer.seed, model.name, place.station, "bias")
        return float(random.normal(0, 0.7))

    def _draw_phases(self, model: Model, place: Place) -> FloatArray:
        random = generator(self._thermometer.seed, model.name, place.station)
        return random.uniform(0, 2 * np.pi, (model.members, len(_ERROR_HOURS)))


def spread(model: Model, lead_hours: FloatArray) -> FloatArray:
    """Return the standard deviation of a model's error in °F at a lead."""
    return np.asarray(model.skill * (0.7 + 0.33 * np.sqrt(lead_hours)))


def _newest(model: Model, now: dt.datetime) -> int:
    """Return the start of the newest run out by ``now``, Unix seconds."""
    step = model.interval_hours * HOUR
    return int((now - model.lag).timestamp()) // step * step
