"""Which scored beliefs a question about accuracy is asked of; every read is as of a moment."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max, QuerySet

from boz.core.errors import InvalidDataError
from prediction.constants import MIN_DAYS_FOR_VERDICT
from prediction.domain.horizons import Horizon
from prediction.domain.intervals import Interval, day_block_interval
from prediction.models import Verification
from weather.models import Station

#: Windows that are offered, in days.
WINDOWS_DAYS = (30, 90, 365)
DEFAULT_WINDOW_DAYS = 90
#: Scores at 10:00 local standard time come first: after it a forecast may have seen the peak.
DEFAULT_HORIZON = Horizon.MORNING


@dataclass(frozen=True, slots=True)
class AccuracyScope:
    """Whose finished days are looked at, and until when.

    Attributes:
        as_of: What was scored or reported later is not seen.
        window_days: Climate days that count, up to ``last_day``.
        station: Only this one; None for all.
        last_day: Where the window ends; None for the day before that of ``as_of`` (UTC).
    """

    as_of: dt.datetime
    window_days: int = DEFAULT_WINDOW_DAYS
    station: Station | None = None
    last_day: dt.date | None = None

    def __post_init__(self) -> None:
        """Refuse a window without days."""
        if self.window_days < 1:
            raise InvalidDataError(f"A window has at least one day, was {self.window_days}.")

    @property
    def since(self) -> dt.date:
        """Return the first climate day that counts."""
        last = self.last_day or self.as_of.date() - dt.timedelta(days=1)
        return last - dt.timedelta(days=self.window_days - 1)

    def scored(
        self, *, horizon: Horizon | None = None, engine: str | None = None
    ) -> QuerySet[Verification]:
        """Return the scores of the window, of one horizon or engine where it is given."""
        rows = Verification.objects.filter(
            verified_at__lte=self.as_of, event__climate_day__gte=self.since
        )
        if self.station is not None:
            rows = rows.filter(prediction__station=self.station)
        if horizon is not None:
            rows = rows.filter(horizon=horizon.value)
        if engine is not None:
            rows = rows.filter(engine=engine)
        return rows


def accuracy_scope(
    *, as_of: dt.datetime, window_days: int = DEFAULT_WINDOW_DAYS, station: Station | None = None
) -> AccuracyScope:
    """Return a scope whose window ends with the newest day that was scored by then.

    A recorded past, or a desk that rested, is so seen whole; days that were reported after the
    newest scored one count as well.
    """
    known = Verification.objects.filter(verified_at__lte=as_of)
    newest = known.aggregate(newest=Max("event__climate_day"))["newest"]
    return AccuracyScope(as_of=as_of, window_days=window_days, station=station, last_day=newest)


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with its 95 % interval over whole days; no interval below the days it needs."""

    mean: float
    low: float | None
    high: float | None

    @property
    def is_settled(self) -> bool:
        """Say whether the interval leaves zero out, so that the sign is shown."""
        return self.low is not None and self.high is not None and not self.low <= 0.0 <= self.high


def mean_of(values: Sequence[float]) -> float:
    """Return the mean, added up exactly so that the order of rows does not matter.

    Raises:
        InvalidDataError: If there is no value.
    """
    if not values:
        raise InvalidDataError("There is no mean of no values.")
    return math.fsum(values) / len(values)


def share_of(hits: Sequence[bool | None]) -> float | None:
    """Return the share that is true of those that are known; None where none is."""
    known = [hit for hit in hits if hit is not None]
    return sum(known) / len(known) if known else None


def figure(values: Sequence[float], days: Sequence[dt.date]) -> Figure:
    """Return the mean of some rows with an interval that resamples whole days.

    Cities share their weather, so a day is one draw however many cities it has. Below the number
    of days that a verdict needs an interval would be too narrow, and none is given.

    Args:
        values: At least one.
        days: Climate day of each.
    """
    if len(set(days)) < MIN_DAYS_FOR_VERDICT:
        return Figure(mean=mean_of(values), low=None, high=None)
    interval: Interval = day_block_interval(values, days)
    return Figure(mean=interval.mean, low=interval.low, high=interval.high)


def engines_scored(scope: AccuracyScope, *, horizon: Horizon | None = None) -> list[str]:
    """Return the names that were scored in the window, sorted."""
    names = scope.scored(horizon=horizon).order_by("engine").values_list("engine", flat=True)
    return list(names.distinct())
