"""Take in the worded forecasts of the weather service where its raw grid could not be had.

The forecast by hours is asked for first; where it does not come either, the one by days and nights.
"""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import ClassVar

from boz.core.agents import AgentResult
from boz.core.errors import InvalidDataError, StaleDataError
from boz.core.http import Captured
from weather.clients.nws import GridPoint, NwsClient, PeriodForecast
from weather.domain.grid import DayForecast
from weather.domain.nws_forecasts import ForecastPeriod, period_day_forecasts
from weather.models import Station
from weather.services.forecast_rows import IssuedDay, StationDays, store_forecasts
from weather.services.grid_forecasts import GridForecasts
from weather.services.grid_points import KnownCell, ask_cell, keep_cell
from weather.services.intake import Intake, Task, take_in
from weather.sources import NWS_HOURLY, NWS_PERIODS

WordedAnswer = tuple[PeriodForecast, GridPoint | None]
Ask = Callable[..., PeriodForecast]


def take_in_fallbacks(grids: GridForecasts, *, now: dt.datetime) -> list[AgentResult]:
    """Ask for worded forecasts of the stations that a finished intake of grids missed."""
    if not grids.missed:
        return []
    hourly = HourlyForecasts(now=now, stations=grids.missed)
    results = [take_in([hourly])]
    if hourly.missed:
        results.append(take_in([PeriodForecasts(now=now, stations=hourly.missed)]))
    return results


class _WordedForecasts(Intake[WordedAnswer]):
    """A worded forecast of the grid cells of some stations, one call per station."""

    #: What the service calls it, for people.
    what: ClassVar[str]

    def __init__(
        self, *, now: dt.datetime, stations: Sequence[str], client: NwsClient | None = None
    ) -> None:
        """Prepare for stations by code; ``client`` replaces the ordinary one."""
        super().__init__(now=now)
        self._client = client or NwsClient.from_settings(capture=self.captures)
        found = Station.objects.filter(code__in=stations)
        self._stations = {item.code: item for item in found}
        self._stored = 0
        self._reached: set[str] = set()

    @abstractmethod
    def _ask(self, client: NwsClient) -> Ask:
        """Return the call."""

    @abstractmethod
    def _days(self, periods: Sequence[ForecastPeriod], station: Station) -> Sequence[DayForecast]:
        """Return the days that the periods cover."""

    @property
    def missed(self) -> tuple[str, ...]:
        """Return the stations that are still without, none when the service was silent."""
        if self.run.is_asked and not self.run.silence.was_heard:
            return ()
        return tuple(code for code in self._stations if code not in self._reached)

    def tasks(self, stack: ExitStack) -> Sequence[Task[WordedAnswer]]:
        """Plan one call per station."""
        client = stack.enter_context(self._client)
        ask = self._ask(client)
        return [
            Task(
                code,
                partial(_fetch, KnownCell.of(station), ask=ask, client=client, now=self.now),
                (code,),
            )
            for code, station in self._stations.items()
        ]

    def store(
        self, task: Task[WordedAnswer], answer: WordedAnswer, captured: Sequence[Captured]
    ) -> int:
        """Write the days that are whole and not over, once per issuance."""
        forecast, point = answer
        station = self._stations[task.subject]
        keep_cell(station, point, now=self.now)
        periods = forecast.periods()
        self.run.count_values(seen=len(forecast.items), missing=len(forecast.items) - len(periods))
        issued = [
            IssuedDay(climate_day=day.climate_day, high_f=day.high_f, issued_at=forecast.issued_at)
            for day in self._coming_days(periods, station, issued_at=forecast.issued_at)
        ]
        evidence = captured[-1] if captured else None
        stored = store_forecasts([StationDays(station, issued, evidence)], run=self.run)
        self._stored += stored
        self._reached.add(station.code)
        return stored

    def done(self) -> dict[str, int]:
        """Return new rows, and the stations whose forecast came in this way."""
        return {"forecasts": self._stored, "fallback_stations": len(self._reached)}

    def _coming_days(
        self, periods: Sequence[ForecastPeriod], station: Station, *, issued_at: dt.datetime
    ) -> list[DayForecast]:
        context = {"issued_at": issued_at.isoformat()}
        days = self._days(periods, station)
        if not days:
            raise InvalidDataError(
                f"The forecast {self.what} for {station.name} covers no whole day.", context
            )
        coming = [day for day in days if day.climate_day >= station.climate_day(self.now)]
        if not coming:
            raise StaleDataError(
                f"The latest forecast {self.what} for {station.name} is for days that are over.",
                context,
            )
        return coming


class HourlyForecasts(_WordedForecasts):
    """The forecast by hours; a day of standard time counts when it is whole."""

    source_code = NWS_HOURLY
    what = "by hours"

    def _ask(self, client: NwsClient) -> Ask:
        return client.hourly_forecast

    def _days(self, periods: Sequence[ForecastPeriod], station: Station) -> Sequence[DayForecast]:
        return period_day_forecasts(
            by_half_days=(), by_hours=periods, offset=station.standard_offset
        )


class PeriodForecasts(_WordedForecasts):
    """The forecast by days and nights; a day counts when its daytime is not cut."""

    source_code = NWS_PERIODS
    what = "by half days"

    def _ask(self, client: NwsClient) -> Ask:
        return client.period_forecast

    def _days(self, periods: Sequence[ForecastPeriod], station: Station) -> Sequence[DayForecast]:
        return period_day_forecasts(
            by_half_days=periods, by_hours=(), offset=station.standard_offset
        )


def _fetch(cell: KnownCell, *, ask: Ask, client: NwsClient, now: dt.datetime) -> WordedAnswer:
    def ask_point(point: GridPoint) -> PeriodForecast:
        return ask(grid_id=point.grid_id, grid_x=point.grid_x, grid_y=point.grid_y)

    return ask_cell(cell, ask_point, client=client, now=now)
