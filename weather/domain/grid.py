"""Forecast grids of the NWS: validity periods, run-length layers, the high of a climate day.

A layer is a list of values with a period such as ``2026-07-10T12:00:00+00:00/PT13H``. Hourly
layers repeat a value over its period; the maximum-temperature layer gives one value for about
07:00 to 20:00 local standard time, which is not the whole climate day.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from boz.core.clock import parse_utc, standard_day, standard_day_bounds
from boz.core.errors import InvalidDataError
from weather.domain.hourly import daily_maxima, single_series
from weather.domain.temperature import recovered_fahrenheit, require_plausible

HOUR = dt.timedelta(hours=1)
#: Layers of one forecast that differ by more do not describe the same place in the same unit.
LAYER_DISAGREEMENT_F = 30.0
CELSIUS_UNITS = frozenset({"wmoUnit:degC", "unit:degC", "degC"})
FAHRENHEIT_UNITS = frozenset({"wmoUnit:degF", "unit:degF", "degF"})

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,4})M)?(?:(?P<seconds>\d{1,6})S)?)?"
)


@dataclass(frozen=True, slots=True)
class GridValue:
    """A value and the period for which it holds; end exclusive, times in UTC."""

    start: dt.datetime
    end: dt.datetime
    value: float


@dataclass(frozen=True, slots=True)
class DayForecast:
    """What a grid says about one climate day.

    Args:
        window_high_f: From the maximum-temperature layer, None when the day is not in it.
        hourly_high_f: Highest hourly value inside the day, None without any.
    """

    climate_day: dt.date
    high_f: float
    window_high_f: float | None
    hourly_high_f: float | None


def parse_duration(text: str) -> dt.timedelta:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds (``P1DT6H``).

    Raises:
        InvalidDataError: If it is none, or empty; months and years have no fixed length.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InvalidDataError("A period has a length that cannot be read.", {"duration": text})
    parts = {name: int(value) for name, value in match.groupdict().items() if value is not None}
    duration = dt.timedelta(**parts)
    if not duration:
        raise InvalidDataError("A period has no length.", {"duration": text})
    return duration


def parse_valid_time(text: str) -> tuple[dt.datetime, dt.datetime]:
    """Read ``start/duration`` as start (inclusive) and end (exclusive) in UTC.

    Raises:
        InvalidDataError: If either part cannot be read or the start has no zone.
    """
    start_text, slash, duration = text.partition("/")
    try:
        start = parse_utc(start_text)
    except ValueError as error:
        raise InvalidDataError("A period cannot be read.", {"period": text}) from error
    return start, start + (parse_duration(duration) if slash else HOUR)


def layer_values(values: Iterable[tuple[str, float | None]]) -> tuple[GridValue, ...]:
    """Return the values of a layer in time order, without the missing ones."""
    parsed = (
        GridValue(*parse_valid_time(period), value) for period, value in values if value is not None
    )
    return tuple(sorted(parsed, key=lambda item: item.start))


def fahrenheit_layer(
    values: Iterable[tuple[str, float | None]], *, unit: str | None, what: str
) -> tuple[GridValue, ...]:
    """Return a temperature layer in °F to 0.01, refusing a missing unit and absurd values.

    Raises:
        InvalidDataError: If the unit is missing or unknown, or a value cannot be true.
    """
    _require_known(unit, what=what)
    return tuple(
        GridValue(item.start, item.end, in_fahrenheit(item.value, unit=unit, what=what))
        for item in layer_values(values)
    )


def in_fahrenheit(value: float, *, unit: str | None, what: str) -> float:
    """Return a temperature in °F to 0.01.

    Raises:
        InvalidDataError: If the unit is missing or unknown, or the value cannot be true.
    """
    _require_known(unit, what=what)
    temp_f = recovered_fahrenheit(value) if unit in CELSIUS_UNITS else round(value, 2)
    return require_plausible(temp_f, what=what)


def hourly(values: Sequence[GridValue]) -> dict[dt.datetime, float]:
    """Return one value per hour: a period of three hours means the same value three times."""
    hours: dict[dt.datetime, float] = {}
    for item in values:
        moment = item.start
        while moment < item.end:
            hours[moment] = item.value
            moment += HOUR
    return hours


def within_day(
    hours: Mapping[dt.datetime, float], day: dt.date, *, offset: dt.timedelta
) -> list[float]:
    """Return the hourly values that lie in a climate day."""
    start, end = standard_day_bounds(day, offset=offset)
    return [value for moment, value in hours.items() if start <= moment < end]


def day_forecasts(
    *,
    maxima: Sequence[GridValue],
    hours: Mapping[dt.datetime, float],
    offset: dt.timedelta,
) -> tuple[DayForecast, ...]:
    """Return the forecast high of every climate day that the grid covers.

    The high is the largest of the maximum-temperature values whose period lies in the day and of
    the hourly values in the day, which also sees a high outside 07:00 to 20:00. Hours alone make
    no forecast unless the day is whole (see :mod:`weather.domain.hourly`).

    Args:
        maxima: Maximum-temperature layer, °F.
        hours: Hourly temperature, °F.
        offset: Fixed offset of local standard time from UTC.

    Raises:
        InvalidDataError: If the two layers contradict each other.
    """
    windows: dict[dt.date, float] = {}
    for item in maxima:
        day = standard_day(item.start, offset=offset)
        if standard_day(item.end - dt.timedelta(seconds=1), offset=offset) == day:
            windows[day] = max(item.value, windows.get(day, item.value))
    maxima_of_hours = daily_maxima(single_series(hours), offset=offset)
    seen = dict(zip(maxima_of_hours.days, maxima_of_hours.seen_f[0].tolist(), strict=True))
    whole_days = maxima_of_hours.whole_days().keys()
    return tuple(
        _day_forecast(day, windows.get(day), seen.get(day), is_whole=day in whole_days)
        for day in sorted(windows.keys() | whole_days)
    )


def _require_known(unit: str | None, *, what: str) -> None:
    if unit not in CELSIUS_UNITS | FAHRENHEIT_UNITS:
        raise InvalidDataError(
            f"{what} comes without a known unit, so it is not used.", {"unit": unit}
        )


def _day_forecast(
    day: dt.date, window_high: float | None, hourly_high: float | None, *, is_whole: bool
) -> DayForecast:
    """Return the higher of the two; ``is_whole`` says that the hours cover the whole day."""
    if window_high is not None and hourly_high is not None:
        # The hours left of a day may be far cooler than its high; a whole day's may not.
        excess = hourly_high - window_high
        if excess > LAYER_DISAGREEMENT_F or (is_whole and -excess > LAYER_DISAGREEMENT_F):
            raise InvalidDataError(
                f"The forecast for {day} contradicts itself: its maximum is {window_high:g} °F, "
                f"its hourly values reach {hourly_high:g} °F.",
                {"climate_day": day.isoformat(), "maximum_f": window_high, "hourly_f": hourly_high},
            )
    high = max(value for value in (window_high, hourly_high) if value is not None)
    return DayForecast(day, high, window_high, hourly_high)
