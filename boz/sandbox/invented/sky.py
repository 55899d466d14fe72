"""The invented world's weather in the shape that the services ask for."""

from __future__ import annotations

import datetime as dt
import functools

import numpy as np

from boz.core.clock import UTC
from boz.sandbox.climate_report import ClimateReport
from boz.sandbox.daily_summary import DailySummary
from boz.sandbox.invented.bulletins import RUN_HOURS, block, bulletin
from boz.sandbox.invented.models import BLEND, MODELS, NWS, Forecasts
from boz.sandbox.invented.stations import INVENTED, Stations
from boz.sandbox.invented.thermometer import HOUR, Thermometer
from boz.sandbox.places import EVERY_PLACE, Place
from boz.sandbox.recordings.loader import IntArray, RecordedObservation
from boz.sandbox.sky import Bulletin, FloatArray, GridIssue, GridLayer, HourlyIssue, ModelRun

DEFAULT_SEED = 20260715
_GRID_HOURS = 168
#: Windows of the weather service's extremes in hours of standard time: 07 to 20, 19 to 09.
_MAX_WINDOW, _MIN_WINDOW = (7, 13), (19, 14)
_KEPT_BULLETINS = 8
_CELSIUS = "wmoUnit:degC"


class InventedSky:
    """Weather of every station under one seed; see :class:`boz.sandbox.sky.Sky`."""

    derived_from: str | None = INVENTED
    places: tuple[Place, ...] = EVERY_PLACE

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        """Fix the seed; everything is computed when asked for."""
        thermometer = Thermometer(seed)
        self._thermometer = thermometer
        self._stations = Stations(thermometer)
        self._forecasts = Forecasts(thermometer)
        self._file = functools.lru_cache(maxsize=_KEPT_BULLETINS)(
            functools.partial(bulletin, self._forecasts)
        )

    def grid(self, place: Place, now: dt.datetime) -> GridIssue | None:
        """Return the newest raw forecast issued by ``now``."""
        run = self._nws_run(now)
        start = run.started_at
        temps = self._whole_hours(place, run, start, _GRID_HOURS)
        dews, winds = temps - 12 - np.arange(_GRID_HOURS) % 4, _winds(start, _GRID_HOURS)
        layers = {
            "temperature": _run_length(start, temps, _CELSIUS),
            "maxTemperature": self._extremes(place, run, _MAX_WINDOW, is_max=True),
            "minTemperature": self._extremes(place, run, _MIN_WINDOW, is_max=False),
            "dewpoint": _run_length(start, dews, _CELSIUS),
            "relativeHumidity": _run_length(start, 50 + dews % 30, "wmoUnit:percent"),
            "windSpeed": _run_length(start, winds, "wmoUnit:km_h-1"),
            "windGust": _run_length(start, winds + 10, "wmoUnit:km_h-1"),
            "skyCover": _run_length(start, winds * 3, "wmoUnit:percent"),
        }
        return GridIssue(run.available_at, start, _GRID_HOURS, layers)

    def why_no_grid(self, place: Place) -> str:
        """Return why :meth:`grid` has nothing."""
        return "there is a forecast for every grid point of this world"

    def hourly(self, place: Place, now: dt.datetime) -> HourlyIssue | None:
        """Return the newest hourly forecast issued by ``now``."""
        run = self._nws_run(now)
        start = max(run.started_at, now.replace(minute=0, second=0, microsecond=0))
        temps = self._whole_hours(place, run, start, _GRID_HOURS)
        winds = np.rint(_winds(start, _GRID_HOURS) / 1.609)
        return HourlyIssue(
            issued_at=run.available_at,
            start=start,
            temps_f=tuple(temps.tolist()),
            dews_f=tuple((temps - 12).tolist()),
            winds_mph=tuple(winds.astype(int).tolist()),
        )

    def reports(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[ClimateReport, ...]:
        """Return the climate reports issued in ``start..end``, oldest first."""
        return self._stations.reports(place, start, end)

    def summaries(
        self, place: Place, start: dt.datetime, end: dt.datetime
    ) -> tuple[DailySummary, ...]:
        """Return the daily summary messages issued in ``start..end``, oldest first."""
        return self._stations.summaries(place, start, end)

    def observations(
        self, place: Place, start: dt.datetime, end: dt.datetime, *, five_minute: bool = False
    ) -> list[RecordedObservation]:
        """Return the station reports made in ``start..end``, oldest first."""
        return self._stations.observations(place, start, end, five_minute=five_minute)

    def settlement_report(
        self, place: Place, day: dt.date, now: dt.datetime
    ) -> ClimateReport | None:
        """Return the newest report of a day; the company republishes it."""
        issued = self.reports(place, place.day_start(day), now)
        return next((report for report in reversed(issued) if report.day == day), None)

    def model_run(self, model: str, now: dt.datetime) -> ModelRun | None:
        """Return the newest run of a model that is out by ``now``."""
        return self._forecasts.run(model, now)

    def model_hours(
        self, model: str, place: Place, hours: IntArray, now: dt.datetime, *, days_before: int = 0
    ) -> FloatArray | None:
        """Return a model's temperatures; see the protocol."""
        return self._forecasts.hours(model, place, hours, now, days_before=days_before)

    def bulletin(self, kind: str, run: dt.datetime, now: dt.datetime) -> Bulletin | None:
        """Return a bulletin file (``nbp``, ``nbs``, ``nbe``), None before it is published."""
        if not _is_published(kind, run, now):
            return None
        return Bulletin(run + MODELS[BLEND].lag, self._file(kind, run))

    def bulletin_block(
        self, kind: str, run: dt.datetime, place: Place, now: dt.datetime
    ) -> str | None:
        """Return one station's part of a bulletin file, without making the others."""
        return block(self._forecasts, kind, place, run) if _is_published(kind, run, now) else None

    def _nws_run(self, now: dt.datetime) -> ModelRun:
        run = self._forecasts.run(NWS, now)
        assert run is not None  # noqa: S101 - one of our own models
        return run

    def _whole_hours(self, place: Place, run: ModelRun, start: dt.datetime, count: int) -> IntArray:
        """Return the forecast of one run in whole °F for each hour from ``start``."""
        valid = int(start.timestamp()) + HOUR * np.arange(count)
        runs = np.full(count, int(run.started_at.timestamp()))
        said = self._forecasts.at(MODELS[NWS], place, valid, runs)[0]
        return np.rint(said).astype(np.int64)

    def _extremes(
        self, place: Place, run: ModelRun, window: tuple[int, int], *, is_max: bool
    ) -> GridLayer:
        """Return one value per window; the first window begins with the issue."""
        first_hour, length = window
        day = (run.started_at + place.standard_offset).date() - dt.timedelta(days=1)
        last = run.started_at + dt.timedelta(hours=_GRID_HOURS)
        values: list[tuple[dt.datetime, int, float | None]] = []
        while True:
            start = place.day_start(day) + dt.timedelta(hours=first_hour)
            end = start + dt.timedelta(hours=length)
            if end > last:
                return GridLayer(_CELSIUS, tuple(values))
            if end > run.started_at:
                hours = self._whole_hours(place, run, start, length)
                extreme = int(hours.max() if is_max else hours.min())
                begin = max(start, run.started_at)
                left = int((end - begin).total_seconds()) // HOUR
                values.append((begin, left, _celsius(extreme)))
            day += dt.timedelta(days=1)


def _is_published(kind: str, run: dt.datetime, now: dt.datetime) -> bool:
    return run.hour in RUN_HOURS[kind] and run + MODELS[BLEND].lag <= now


def _run_length(start: dt.datetime, values: IntArray, uom: str) -> GridLayer:
    """Return a layer in which equal neighbours are one period."""
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    convert = _celsius if uom == _CELSIUS else float
    return GridLayer(
        uom,
        tuple(
            (start + dt.timedelta(hours=int(first)), int(length), convert(int(values[first])))
            for first, length in zip(starts, lengths, strict=True)
        ),
    )


def _winds(start: dt.datetime, count: int) -> IntArray:
    """Return invented wind speeds in km/h."""
    hours = int(start.replace(tzinfo=UTC).timestamp()) // HOUR + np.arange(count)
    return np.asarray(8 + hours // 3 % 12)


def _celsius(temp_f: int) -> float:
    return (temp_f - 32) / 1.8
