"""Assembles once, as of a moment, everything that the engines may know about climate days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from boz.core.clock import require_utc
from prediction.constants import CLIMATOLOGY_WINDOW
from prediction.engines.base import Inputs, KnownForecast, ReachedMaximum
from prediction.models import EngineFit
from prediction.services.fits import FitsOf, latest_fits
from prediction.services.market_views import Ladder, MarketReads, ladders_of
from prediction.services.readings import HOUR, hour_lst, readings_of
from weather.models import Forecast, Station
from weather.selectors import (
    ForecastsByAge,
    RunningMaximum,
    forecasts_of_days_by_age,
    official_highs_by_station,
    running_maximum,
    spread_inside_f,
)

#: A station and one of its climate days.
Wanted = tuple[Station, dt.date]


@dataclass(frozen=True, slots=True)
class Known:
    """The engines' inputs, with what the prediction's record also refers to.

    Attributes:
        inputs: What the engines are given.
        fits: The fits whose parameters are in there, by engine.
        ladder: The proven ladder of the day's event; None when there is none.
        running_maximum: The day so far, with its evidence.
    """

    inputs: Inputs
    fits: Mapping[str, EngineFit]
    ladder: Ladder | None
    running_maximum: RunningMaximum | None


class InputReads:
    """What was known of many stations and days at one moment, read together.

    The answer for a day is the same whatever else is asked for. Nothing later than ``as_of`` is
    read.
    """

    def __init__(self, wanted: Sequence[Wanted], *, as_of: dt.datetime) -> None:
        """Read what all days share; the number of queries does not grow with the days."""
        self._as_of = require_utc(as_of, name="as_of")
        stations = list({station.pk: station for station, _ in wanted}.values())
        self._ladders = ladders_of(wanted, as_of=self._as_of)
        self._markets = MarketReads(self._ladders.values(), as_of=self._as_of)
        self._forecasts = forecasts_of_days_by_age(wanted=wanted, as_of=self._as_of)
        self._fits: dict[int, FitsOf] = latest_fits(stations=stations, as_of=self._as_of)
        first_day = min((day for _, day in wanted), default=None)
        self._highs: dict[int, dict[dt.date, int]] = {}
        if first_day is not None:
            self._highs = official_highs_by_station(
                stations=stations, as_of=self._as_of, since=first_day - CLIMATOLOGY_WINDOW
            )

    def known(self, station: Station, climate_day: dt.date) -> Known:
        """Return everything known about one of the days asked for.

        Raises:
            InvalidDataError: If what was reported cannot be true.
        """
        start, end = station.climate_day_bounds(climate_day)
        fits = self._fits[station.pk]
        forecasts = self._forecasts[station.pk, climate_day]
        maximum = self._running_maximum(station, climate_day, start=start)
        ladder = self._ladders.get((station.pk, climate_day))
        inputs = Inputs(
            station_code=station.code,
            climate_day=climate_day,
            as_of=self._as_of,
            lead_hours=_whole_hours(end - self._as_of),
            forecasts=_known_forecasts(forecasts, end=end),
            stale=tuple(sorted(item.source.code for item in forecasts.stale)),
            official_highs=self._official_highs(station, climate_day),
            reached=_reached(maximum, start=start),
            readings=() if maximum is None else readings_of(maximum.readings, start=start),
            market=None if ladder is None else self._markets.view(ladder),
            parameters={engine: fit.parameters for engine, fit in fits.items()},
        )
        return Known(inputs=inputs, fits=fits, ladder=ladder, running_maximum=maximum)

    def _official_highs(
        self, station: Station, climate_day: dt.date
    ) -> tuple[tuple[dt.date, int], ...]:
        oldest = climate_day - CLIMATOLOGY_WINDOW
        highs = self._highs[station.pk]
        return tuple(sorted((d, high) for d, high in highs.items() if oldest <= d < climate_day))

    def _running_maximum(
        self, station: Station, climate_day: dt.date, *, start: dt.datetime
    ) -> RunningMaximum | None:
        # Nothing is reported of a day that has not begun.
        if self._as_of < start:
            return None
        return running_maximum(station=station, climate_day=climate_day, as_of=self._as_of)


def _known_forecasts(forecasts: ForecastsByAge, *, end: dt.datetime) -> tuple[KnownForecast, ...]:
    known = [_known_forecast(forecast, end=end) for forecast in forecasts.fresh]
    return tuple(sorted(known, key=lambda item: item.source))


def _known_forecast(forecast: Forecast, *, end: dt.datetime) -> KnownForecast:
    return KnownForecast(
        source=forecast.source.code,
        high_f=forecast.high_f,
        issued_at=forecast.issued_at,
        lead_hours=_whole_hours(end - forecast.issued_at),
        sd_f=spread_inside_f(stated_f=forecast.sd_f, members_f=forecast.member_highs_f),
        quantiles_f=tuple((float(level), float(temp)) for level, temp in forecast.quantiles_f),
    )


def _reached(maximum: RunningMaximum | None, *, start: dt.datetime) -> ReachedMaximum | None:
    if maximum is None:
        return None
    newest = maximum.observed_until
    return ReachedMaximum(
        low_f=maximum.low_f,
        hour_lst=None if newest is None else hour_lst(newest, start=start),
        estimate_f=maximum.high_f,
        evening_group_included=maximum.is_afternoon_covered,
        start_included=maximum.is_start_covered,
    )


def _whole_hours(span: dt.timedelta) -> int:
    return max(0, span // HOUR)
