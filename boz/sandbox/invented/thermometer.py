"""The invented temperature of a place: seasons, days, passing weather and the noise of minutes.

A sum of sines, so that any moment can be computed without those before it; the seed only moves
their phases.
"""

from __future__ import annotations

import datetime as dt
import functools
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from boz.core.clock import UTC
from boz.sandbox.places import Place
from boz.sandbox.recordings.loader import IntArray
from boz.sandbox.sky import FloatArray

HOUR, DAY = 3600, 86_400
YEAR = 365.2425 * DAY
MINUTES_A_DAY = 1440
#: Warmest moment of the year and of the day (seconds).
_LATE_JULY = 205 * DAY
_AFTERNOON = 15.5 * HOUR
#: Passing weather: periods in days; together about 6 °F up or down.
_WEATHER_DAYS = np.array([2.3, 3.1, 4.3, 5.9, 8.3, 12.7, 17.9])
_WEATHER_F = 6.0
#: Noise of minutes and hours: periods in hours; together about 1 °F.
_NOISE_HOURS = np.array([0.55, 0.9, 1.6, 2.7, 4.9])
_NOISE_F = 0.7
#: Days of minutes kept: a year of every station.
_KEPT_DAYS = 9000

Degrees = npt.NDArray[np.int16]


def generator(seed: int, *parts: str) -> np.random.Generator:
    """Return a generator that depends on nothing but its arguments."""
    return np.random.default_rng([seed, *(zlib.crc32(part.encode()) for part in parts)])


@dataclass(frozen=True, slots=True, eq=False)
class _Phases:
    weather: FloatArray
    noise: FloatArray
    daily_f: float


class Thermometer:
    """The true temperature of every place under one seed; °F."""

    def __init__(self, seed: int) -> None:
        """Fix the seed; everything is computed when asked for."""
        self.seed = seed
        self._phases = functools.cache(self._draw_phases)
        self.minutes = functools.lru_cache(maxsize=_KEPT_DAYS)(self._minutes)

    def temperature(self, place: Place, moments: IntArray | FloatArray) -> FloatArray:
        """Return the temperature at Unix seconds, unrounded."""
        phases = self._phases(place)
        at = moments.astype(np.float64)
        solar = at + place.longitude / 15 * HOUR
        day = np.cos(2 * np.pi * (solar - _AFTERNOON) / DAY)
        # The second harmonic makes mornings rise faster than evenings fall.
        day += 0.15 * np.sin(4 * np.pi * (solar - _AFTERNOON) / DAY)
        noise = _waves(at, _NOISE_HOURS * HOUR, phases.noise, _NOISE_F)
        return np.asarray(self.background(place, at) + phases.daily_f * day + noise)

    def background(self, place: Place, moments: FloatArray) -> FloatArray:
        """Return what days have in common: the season and the passing weather."""
        weather = _waves(moments, _WEATHER_DAYS * DAY, self._phases(place).weather, _WEATHER_F)
        return self.normal(place, moments) + weather

    def normal(self, place: Place, moments: FloatArray) -> FloatArray:
        """Return the mean temperature of the season."""
        mean, swing = _climate(place)
        return mean + swing * np.cos(2 * np.pi * (moments - _LATE_JULY) / YEAR)

    def normal_high(self, place: Place, day: dt.date) -> int:
        """Return the normal maximum of a day in whole °F."""
        noon = place.day_start(day).timestamp() + 12 * HOUR
        return round(float(self.normal(place, np.array([noon]))[0]) + self._phases(place).daily_f)

    def _minutes(self, place: Place, day: dt.date) -> Degrees:
        """Return what the sensor reads at every minute of a UTC day: whole °F, halves upward."""
        start = dt.datetime.combine(day, dt.time(0), tzinfo=UTC).timestamp()
        moments = int(start) + 60 * np.arange(MINUTES_A_DAY)
        return np.floor(self.temperature(place, moments) + 0.5).astype(np.int16)

    def reading(self, place: Place, moment: dt.datetime) -> int:
        """Return the sensor's reading at a minute (UTC)."""
        return int(self.minutes(place, moment.date())[60 * moment.hour + moment.minute])

    def readings(self, place: Place, start: dt.datetime, end: dt.datetime) -> Degrees:
        """Return the readings of every minute in ``start..end`` (UTC), end exclusive."""
        days = [
            self.minutes(place, start.date() + dt.timedelta(days=number))
            for number in range((end.date() - start.date()).days + 1)
        ]
        first = 60 * start.hour + start.minute
        count = int((end - start).total_seconds()) // 60
        return np.concatenate(days)[first : first + count]

    def _draw_phases(self, place: Place) -> _Phases:
        random = generator(self.seed, place.station)
        weather = random.uniform(0, 2 * np.pi, len(_WEATHER_DAYS))
        noise = random.uniform(0, 2 * np.pi, len(_NOISE_HOURS))
        return _Phases(weather, noise, float(random.uniform(8.0, 12.0)))


def _climate(place: Place) -> tuple[float, float]:
    """Return yearly mean and seasonal swing, roughly as latitude, height and ocean have it."""
    mean = 76 - 1.3 * (place.latitude - 25.8) - 4 * place.elevation_m / 1000
    swing = 7 if place.longitude < -117 else 6 + 1.1 * (place.latitude - 25)
    return mean, swing


def _waves(moments: FloatArray, periods: FloatArray, phases: FloatArray, size: float) -> FloatArray:
    """Return a sum of sines with the root mean square ``size / sqrt(2)``."""
    angles = np.multiply.outer(moments, 2 * np.pi / periods) + phases
    return np.asarray(np.sin(angles).sum(axis=-1) * size / np.sqrt(len(periods)))
