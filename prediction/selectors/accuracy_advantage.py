"""How the lead over the market grew or shrank as days were settled."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from prediction.domain.horizons import Horizon
from prediction.domain.intervals import day_mean_interval
from prediction.selectors.accuracy import DEFAULT_HORIZON, AccuracyScope, mean_of

#: Before this many days the mean jumps about and its band says nothing.
FIRST_DAYS = 5


@dataclass(frozen=True, slots=True)
class AdvantagePoint:
    """The mean lead in nats from the window's start to a day, with a 95 % band.

    Attributes:
        climate_day: Last day counted.
        days: Days counted.
        advantage: The market's log score less ours, mean of the days: positive is better.
        low: Lower end of the band.
        high: Upper end.
    """

    climate_day: dt.date
    days: int
    advantage: float
    low: float
    high: float


def market_advantage(
    scope: AccuracyScope, *, engine: str, horizon: Horizon = DEFAULT_HORIZON
) -> list[AdvantagePoint]:
    """Return an engine's lead over the market by the log score, one point per settled day.

    Only cases on which the market was scored at the same moment count, and a day's cities are
    averaged first. The band holds at each day by itself, not at all of them together, and takes
    days as independent.
    """
    rows = (
        scope.scored(horizon=horizon, engine=engine)
        .order_by("event__climate_day", "pk")
        .values_list("event__climate_day", "log_score", "market_log_score")
    )
    by_day: dict[dt.date, list[float]] = {}
    for day, ours, market in rows:
        if market is not None:
            by_day.setdefault(day, []).append(market - ours)
    days = list(by_day)
    leads = [mean_of(of_day) for of_day in by_day.values()]
    return [_point(days[:count], leads[:count]) for count in range(FIRST_DAYS, len(days) + 1)]


def _point(days: list[dt.date], leads: list[float]) -> AdvantagePoint:
    interval = day_mean_interval(leads, days)
    return AdvantagePoint(
        climate_day=days[-1],
        days=interval.days,
        advantage=interval.mean,
        low=interval.low,
        high=interval.high,
    )
