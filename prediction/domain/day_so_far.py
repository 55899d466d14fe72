"""What a climate day's station reports show up to now: the state the remaining rise depends on.

A report is an interval of whole °F; a 6-hour group is the exact maximum of the six hours before its
report and counts only when all six lie inside the climate day. What is proven (``low_f``) comes
from interval arithmetic; the signs (slopes, time since the maximum ...) come from interval middles.
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from boz.core.clock import UTC
from boz.core.errors import InvalidDataError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from prediction.domain.arrays import finite_number
from weather.domain.metar import cover_afternoon

#: Signs read from the reports, °F or hours, in this order; an unknown one is NaN.
SIGNS = (
    "below_max",  # newest reading minus running maximum
    "change_1h",  # newest reading minus the one an hour before
    "change_3h",
    "hours_since_max",  # since the warmest reading was last seen
    "before_max",  # an hour before the warmest reading, minus running maximum
    "after_max",  # an hour after it
    "near_max",  # whole hours of the last four that were within 1.5 °F of the maximum
    "group_is_max",  # 1 when an exact maximum of hours stands at the running maximum, else 0
    "group_excess",  # running maximum minus the warmest reading
    "since_group",  # warmest reading after the newest group, minus running maximum
    "covered",  # 1 when groups span the whole afternoon, else 0
    "range",  # running maximum minus the day's coldest reading
    "anomaly",  # newest reading minus the usual high of the last weeks
    "season_cos",
    "season_sin",
)
GROUP_HOURS = 6.0
#: Ages in days of the highs that make the usual one, and how many of them are needed.
USUAL_AGES = range(2, 23)
USUAL_FEWEST = 7
#: Differences to the maximum beyond this say no more.
FAR_BELOW_F = 6.0
_MOST_EXCESS_F = 4.0
_NEAR_F = 1.5
_NEAR_HOURS = 4
#: A reading this much outside the reports is still taken from the nearest of them, hours.
_EDGE_HOURS = 0.3
#: Between reports further apart than this nothing is interpolated.
_LONGEST_GAP_HOURS = 2.5
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Reading:
    """One station report of a climate day.

    Attributes:
        hour_lst: Hours since the climate day's start (local standard time), 0..24.
        low_f: Lowest whole °F that the report can mean.
        high_f: Highest whole °F that it can mean.
        max_6h_f: Its 6-hour maximum group, whole °F; None without one.
    """

    hour_lst: float
    low_f: int
    high_f: int
    max_6h_f: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be a report of this day.

        Raises:
            InvalidDataError: If hour, interval or group cannot be true.
        """
        hour = finite_number(self.hour_lst, name="hour")
        if not 0.0 <= hour <= 24.0:
            raise InvalidDataError(f"An hour lies in 0..24, was {hour:g}.")
        if self.low_f > self.high_f:
            raise InvalidDataError(f"A reading of {self.low_f}..{self.high_f}° is no interval.")
        for temp_f in (self.low_f, self.high_f, self.max_6h_f):
            if temp_f is not None:
                require_possible(temp_f)

    @property
    def middle_f(self) -> float:
        """Return the middle of the interval."""
        return (self.low_f + self.high_f) / 2.0

    @property
    def counts_as_group(self) -> bool:
        """Say whether its 6-hour maximum was certainly measured inside the climate day."""
        return self.max_6h_f is not None and self.hour_lst >= GROUP_HOURS


@dataclass(frozen=True, slots=True)
class DayState:
    """What is known of a climate day so far.

    Attributes:
        low_f: What interval arithmetic proves, °F; colder degrees are dead.
        estimate_f: Best single value of the running maximum, °F, from which the rise is counted.
        hour_lst: Hour of the newest reading; None when no thermometer reading is behind the bound,
            so that only the truncation can be done.
        afternoon_covered: Whether maximum groups span the whole afternoon.
        signs: Values of :data:`SIGNS`, NaN where unknown; empty when only the bound is known.
        start_covered: Whether the maximum is known from the day's first minute on, not only from
            its first report on.
    """

    low_f: int
    estimate_f: int
    hour_lst: float | None = None
    afternoon_covered: bool = False
    signs: tuple[float, ...] = ()
    start_covered: bool = False

    def __post_init__(self) -> None:
        """Refuse a state that no day can be in.

        Raises:
            InvalidDataError: If a temperature or the hour cannot be true, the estimate is colder
                than the bound, or there are signs of another number.
        """
        require_possible(self.low_f)
        require_possible(self.estimate_f)
        if self.estimate_f < self.low_f:
            raise InvalidDataError(
                f"An estimate of {self.estimate_f}° is colder than the proven {self.low_f}°."
            )
        if self.hour_lst is not None:
            hour = finite_number(self.hour_lst, name="hour")
            if not 0.0 <= hour <= 24.0:
                raise InvalidDataError(f"An hour lies in 0..24, was {hour:g}.")
        if self.signs and len(self.signs) != len(SIGNS):
            raise InvalidDataError(f"A day has {len(SIGNS)} signs, were {len(self.signs)}.")


def require_possible(temp_f: float) -> None:
    """Accept a temperature that can be weather.

    Raises:
        InvalidDataError: If it cannot.
    """
    if not PLAUSIBLE_LOW_F <= temp_f <= PLAUSIBLE_HIGH_F:
        raise InvalidDataError(f"A temperature of {temp_f}° is no possible temperature.")


def day_state(
    readings: Sequence[Reading],
    *,
    climate_day: dt.date,
    low_f: int | None = None,
    estimate_f: int | None = None,
    afternoon_covered: bool | None = None,
    start_covered: bool = False,
    usual_high_f: float | None = None,
) -> DayState | None:
    """Return the state of a day from its reports so far, in any order.

    Args:
        readings: Reports inside the climate day, up to now.
        climate_day: The day, for its season.
        low_f: What is proven in all, where more than these reports is known (a climate report, a
            margin for five-minute values); it then stands alone. From the reports when None.
        estimate_f: Best value of the running maximum, where more is known; likewise.
        afternoon_covered: Whether groups span the afternoon, where more is known; likewise.
        start_covered: Whether more is known from the day's first minute on; reports alone never
            tell.
        usual_high_f: Mean official high of the station's last weeks, see :func:`usual_high`; None
            where it is not known, which widens the answer.

    Returns:
        None when there is neither a reading nor a proven bound.
    """
    ordered = sorted(readings, key=lambda item: (item.hour_lst, item.low_f, item.high_f))
    if not ordered:
        if low_f is None:
            return None
        best = low_f if estimate_f is None else max(low_f, estimate_f)
        return DayState(low_f, best, None, bool(afternoon_covered))
    groups = [item for item in ordered if item.counts_as_group]
    bound = _proven(ordered, groups) if low_f is None else low_f
    best = max(bound, _estimate(ordered, groups) if estimate_f is None else estimate_f)
    covered = _covered(groups) if afternoon_covered is None else afternoon_covered
    return DayState(
        low_f=bound,
        estimate_f=best,
        hour_lst=ordered[-1].hour_lst,
        afternoon_covered=covered,
        signs=_signs(
            ordered,
            groups,
            climate_day=climate_day,
            max_f=best,
            covered=covered,
            usual_high_f=usual_high_f,
        ),
        start_covered=start_covered,
    )


def usual_high(highs: Mapping[dt.date, int], *, climate_day: dt.date) -> float | None:
    """Return the mean official high of the three weeks up to the day before yesterday, °F.

    Yesterday's high is often not known yet in the morning, so it is never used.

    Args:
        highs: Official highs by day; those of the day itself and of yesterday are not looked at.
        climate_day: The day.

    Returns:
        None with fewer than seven such days.
    """
    days = [climate_day - dt.timedelta(days=age) for age in USUAL_AGES]
    found = [highs[day] for day in days if day in highs]
    return math.fsum(found) / len(found) if len(found) >= USUAL_FEWEST else None


def _group_maximum(groups: Sequence[Reading]) -> int | None:
    return max((item.max_6h_f for item in groups if item.max_6h_f is not None), default=None)


def _proven(readings: Sequence[Reading], groups: Sequence[Reading]) -> int:
    warmest = max(item.low_f for item in readings)
    group = _group_maximum(groups)
    return warmest if group is None else max(warmest, group)


def _estimate(readings: Sequence[Reading], groups: Sequence[Reading]) -> int:
    """Return the warmest that the reports can mean; a group says which values are too warm."""
    group = _group_maximum(groups)
    warmest = -math.inf if group is None else group
    for item in readings:
        limits = [
            other.max_6h_f
            for other in groups
            if other.max_6h_f is not None
            and other.hour_lst - GROUP_HOURS <= item.hour_lst <= other.hour_lst
        ]
        warmest = max(warmest, item.low_f, min([item.high_f, *limits]))
    return int(warmest)


def _covered(groups: Sequence[Reading]) -> bool:
    start = dt.datetime(2000, 1, 1, tzinfo=UTC)
    ends = [start + dt.timedelta(hours=item.hour_lst) for item in groups]
    return cover_afternoon(
        [(end - dt.timedelta(hours=GROUP_HOURS), end) for end in ends], day_start=start
    )


def _signs(
    readings: Sequence[Reading],
    groups: Sequence[Reading],
    *,
    climate_day: dt.date,
    max_f: int,
    covered: bool,
    usual_high_f: float | None,
) -> tuple[float, ...]:
    hours = [item.hour_lst for item in readings]
    temps = [item.middle_f for item in readings]
    now, temp = hours[-1], temps[-1]
    warmest = max(item.high_f for item in readings)
    at = max(item.hour_lst for item in readings if item.high_f == warmest)
    group = _group_maximum(groups)
    newest_group = groups[-1].hour_lst if groups else 0.0
    after = [item.high_f for item in readings if item.hour_lst > newest_group]
    before = [_at(hours, temps, now - back) for back in range(_NEAR_HOURS)]
    angle = 2.0 * math.pi * climate_day.timetuple().tm_yday / _DAYS_PER_YEAR
    values = {
        "below_max": temp - max_f,
        "change_1h": temp - _at(hours, temps, now - 1.0),
        "change_3h": temp - _at(hours, temps, now - 3.0),
        "hours_since_max": now - at,
        "before_max": _no_further(_at(hours, temps, at - 1.0) - max_f),
        "after_max": _no_further(_at(hours, temps, at + 1.0) - max_f),
        "near_max": float(sum(value >= max_f - _NEAR_F for value in before)),
        "group_is_max": float(max_f > warmest or (group is not None and group >= max_f)),
        "group_excess": float(min(max(max_f - warmest, 0), _MOST_EXCESS_F)),
        "since_group": _no_further(float(max(after, default=max_f - FAR_BELOW_F)) - max_f),
        "covered": float(covered),
        "range": float(max_f - min(item.low_f for item in readings)),
        "anomaly": math.nan if usual_high_f is None else temp - usual_high_f,
        "season_cos": math.cos(angle),
        "season_sin": math.sin(angle),
    }
    return tuple(values[name] for name in SIGNS)


def _no_further(difference_f: float) -> float:
    """Keep a difference to the maximum within what still says something; NaN stays NaN."""
    return difference_f if math.isnan(difference_f) else max(difference_f, -FAR_BELOW_F)


def _at(hours: Sequence[float], temps: Sequence[float], hour: float) -> float:
    """Return the temperature at an hour, linear between reports; NaN where none are near."""
    if hour < hours[0] - _EDGE_HOURS or hour > hours[-1] + _EDGE_HOURS:
        return math.nan
    right = bisect.bisect_left(hours, hour)
    if right == 0:
        return temps[0]
    if right == len(hours):
        return temps[-1]
    gap = hours[right] - hours[right - 1]
    if gap > _LONGEST_GAP_HOURS:
        return math.nan
    share = (hour - hours[right - 1]) / gap
    return temps[right - 1] + share * (temps[right] - temps[right - 1])
