"""Worded forecasts of the NWS: the high of a climate day from half days and from hours.

A daytime period runs from 06:00 to 18:00 civil time and its temperature is the day's high; its
civil date is the climate day, in summer as in winter. The running day's period is cut at the
present hour: once it has lost the noon, nothing says that its temperature still is the day's high.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from boz.core.clock import standard_day, standard_day_bounds
from weather.domain.grid import DayForecast, GridValue, day_forecasts, hourly, in_fahrenheit

#: Hours of local standard time that a daytime period must span to give a day's high. A whole one
#: lasts to 18:00 civil time, which is 17:00 standard time in summer.
NEEDED = (dt.timedelta(hours=12), dt.timedelta(hours=17))


@dataclass(frozen=True, slots=True)
class ForecastPeriod:
    """A period as it was sent.

    Args:
        start: Inclusive, UTC.
        end: Exclusive, UTC.
        is_daytime: Whether the temperature is a high; in an hourly forecast without meaning.
        value: Temperature in ``unit``.
        unit: ``degF`` or ``degC``, with or without the name of its vocabulary.
    """

    start: dt.datetime
    end: dt.datetime
    is_daytime: bool
    value: float
    unit: str | None


def daytime_maxima(
    periods: Iterable[ForecastPeriod], *, offset: dt.timedelta
) -> tuple[GridValue, ...]:
    """Return the highs of the daytime periods that span their day's afternoon, in °F.

    Args:
        periods: A forecast by half days.
        offset: Fixed offset of local standard time from UTC.

    Raises:
        InvalidDataError: If a temperature has no known unit or cannot be true.
    """
    return tuple(
        _in_fahrenheit(period, what="A forecast maximum")
        for period in periods
        if period.is_daytime and _spans_afternoon(period, offset=offset)
    )


def hourly_temperatures(periods: Iterable[ForecastPeriod]) -> dict[dt.datetime, float]:
    """Return the temperatures of an hourly forecast by hour, in °F.

    Raises:
        InvalidDataError: If a temperature has no known unit or cannot be true.
    """
    values = [_in_fahrenheit(period, what="A forecast temperature") for period in periods]
    return hourly(sorted(values, key=lambda value: value.start))


def period_day_forecasts(
    *,
    by_half_days: Sequence[ForecastPeriod],
    by_hours: Sequence[ForecastPeriod],
    offset: dt.timedelta,
) -> tuple[DayForecast, ...]:
    """Return the forecast high of every climate day that a worded forecast covers.

    The rules are those of the raw grid: the larger of the daytime high and the hours of the
    standard-time day, and hours alone only when the day is whole; see
    :mod:`weather.domain.hourly`.

    Args:
        by_half_days: The forecast by days and nights; may be empty.
        by_hours: The forecast by hours; may be empty.
        offset: Fixed offset of local standard time from UTC.

    Raises:
        InvalidDataError: If a temperature has no known unit or cannot be true, or if the two
            contradict each other.
    """
    return day_forecasts(
        maxima=daytime_maxima(by_half_days, offset=offset),
        hours=hourly_temperatures(by_hours),
        offset=offset,
    )


def _in_fahrenheit(period: ForecastPeriod, *, what: str) -> GridValue:
    value_f = in_fahrenheit(period.value, unit=period.unit, what=what)
    return GridValue(period.start, period.end, value_f)


def _spans_afternoon(period: ForecastPeriod, *, offset: dt.timedelta) -> bool:
    day_start, _ = standard_day_bounds(standard_day(period.start, offset=offset), offset=offset)
    return period.start <= day_start + NEEDED[0] and period.end >= day_start + NEEDED[1]
