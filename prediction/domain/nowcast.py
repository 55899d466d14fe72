"""What the day's observations so far say about its high.

Two rules. What has been reached cannot be undone: degrees below the lower bound of the running
maximum become impossible. And the later it is, the more the observations alone know: how much the
high usually still rises above the running maximum is tabulated by hour of local standard time.

The bound must come from interval arithmetic on what was reported (a whole degree Celsius is one or
two Fahrenheit values), never from a point value; that is the caller's part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray, finite_number
from prediction.domain.day_so_far import DayState
from prediction.domain.distribution import HIGH_F, LOW_F, IntegerPmf
from prediction.domain.remaining_rise import RiseModel, StationEffect, rise_pmf

#: Hour LST, P(final high = running maximum), mean and standard deviation of the rise left, °F.
#: Measured on hourly reports of three stations (ATL, MIA, ORD), train to 2023. At 17 only the
#: probability was measured there (46 % of days still end higher); its mean and spread lie between
#: their neighbours.
RISE_TABLE: tuple[tuple[float, float, float, float], ...] = (
    (8.0, 0.036, 9.98, 5.53),
    (10.0, 0.046, 6.34, 4.07),
    (11.0, 0.062, 4.59, 3.17),
    (12.0, 0.117, 3.15, 2.48),
    (13.0, 0.322, 1.75, 1.86),
    (14.0, 0.375, 1.20, 1.36),
    (15.0, 0.453, 0.78, 0.98),
    (16.0, 0.517, 0.61, 0.83),
    (17.0, 0.540, 0.505, 0.775),
    (18.0, 0.676, 0.40, 0.72),
)
#: The same once the day's last 6-hour maximum (the 00Z group) is part of the running maximum.
#: Hourly readings alone miss peaks between them; without it the evening is no surer than 18 LST.
EVENING_GROUP_ROW: tuple[float, float, float] = (0.962, 0.07, 0.45)
#: The 00Z group comes at about 17:53 LST in the Central zone, 18:53 in the Eastern.
EVENING_GROUP_FROM_HOUR = 17.75
FIRST_HOUR = RISE_TABLE[0][0]
_MAX_RISE_F = 60


@dataclass(frozen=True, slots=True)
class RemainingRise:
    """How far the official high usually ends above the running maximum at one hour."""

    p_none: float
    mean_f: float
    sd_f: float


def remaining_rise(hour_lst: float, *, evening_group_included: bool = False) -> RemainingRise:
    """Return the table's row at an hour, linear between rows, the 18 LST row to the day's end.

    Args:
        hour_lst: Hour of local standard time, 0..24.
        evening_group_included: Whether the running maximum includes the 00Z 6-hour maximum; heeded
            from 17:45 LST on, when that group can be there.

    Raises:
        InvalidDataError: If the hour is outside 0..24.
        DataUnavailable: Before 08 LST, where the table has nothing to say.
    """
    hour = finite_number(hour_lst, name="hour")
    if not 0.0 <= hour <= 24.0:
        raise InvalidDataError(f"An hour lies in 0..24, was {hour:g}.")
    if hour < FIRST_HOUR:
        raise DataUnavailable(
            f"Before {FIRST_HOUR:g} LST the running maximum says nothing of the rise to come."
        )
    if evening_group_included and hour >= EVENING_GROUP_FROM_HOUR:
        return RemainingRise(*EVENING_GROUP_ROW)
    hours, p_none, mean, sd = zip(*RISE_TABLE, strict=True)
    return RemainingRise(
        p_none=float(np.interp(hour, hours, p_none)),
        mean_f=float(np.interp(hour, hours, mean)),
        sd_f=float(np.interp(hour, hours, sd)),
    )


def remaining_rise_pmf(
    *,
    running_max_f: int,
    hour_lst: float,
    evening_group_included: bool = False,
    lower_bound_f: int | None = None,
) -> IntegerPmf:
    """Return the distribution of the high given only the running maximum and the hour.

    The rise is none with the table's probability; otherwise one degree plus a negative binomial
    whose mean and variance make the whole rise meet the table's mean and standard deviation.

    Args:
        running_max_f: Highest whole degree reached so far, degrees Fahrenheit.
        hour_lst: Hour of local standard time, 0..24, fractions allowed.
        evening_group_included: See :func:`remaining_rise`.
        lower_bound_f: Lowest degree that the running maximum can be, when that is not certain (a
            whole degree Celsius); then the rise starts from either with equal probability.

    Raises:
        InvalidDataError: If the maximum is no possible temperature or the hour none of a day.
        DataUnavailable: Before 08 LST.
    """
    if lower_bound_f is not None and lower_bound_f < running_max_f:
        from_low, from_high = (
            remaining_rise_pmf(
                running_max_f=start,
                hour_lst=hour_lst,
                evening_group_included=evening_group_included,
            )
            for start in (lower_bound_f, running_max_f)
        )
        return from_low.mixed_with(from_high, 0.5)
    if not LOW_F <= running_max_f <= HIGH_F:
        raise InvalidDataError(f"A running maximum of {running_max_f}° is no temperature.")
    row = remaining_rise(hour_lst, evening_group_included=evening_group_included)
    p_some = 1.0 - row.p_none
    mean_if_some = row.mean_f / p_some
    second_if_some = (row.sd_f**2 + row.mean_f**2) / p_some
    beyond_one = _negative_binomial(
        mean=mean_if_some - 1.0, variance=second_if_some - mean_if_some**2, size=_MAX_RISE_F
    )
    return IntegerPmf.from_weights(
        running_max_f, np.concatenate([[row.p_none], p_some * beyond_one])
    )


def condition_on_running_max(
    pmf: IntegerPmf,
    *,
    lower_bound_f: int,
    hour_lst: float,
    running_max_f: int | None = None,
    evening_group_included: bool = False,
    use_rise_table: bool = True,
) -> IntegerPmf:
    """Return what is believed once ``lower_bound_f`` has been reached at ``hour_lst``.

    The forecast is truncated at the bound. From 08 LST on it is mixed linearly with the table's
    distribution above the bound, which gets the share ``s_f^2 / (s_f^2 + s_o^2)``, where ``s_f`` is
    the spread of the forecast before truncation and ``s_o`` that of the rise left at this hour: the
    source that usually knows more speaks louder, neither is silenced, and there is no product that
    could vanish. Degrees below the bound are exactly zero.

    Args:
        pmf: Belief before today's observations.
        lower_bound_f: Whole degree that the official high has certainly reached.
        hour_lst: Hour of local standard time, 0..24.
        running_max_f: Best single estimate of the running maximum; the bound itself when None. The
            rise is counted from both alike, so no degree from the bound on becomes impossible.
        evening_group_included: See :func:`remaining_rise`.
        use_rise_table: False for a station whose reports the table does not describe; then only
            the truncation is done.
    """
    if not LOW_F <= lower_bound_f <= HIGH_F:
        raise InvalidDataError(f"A running maximum of {lower_bound_f}° is no temperature.")
    hour = finite_number(hour_lst, name="hour")
    if not 0.0 <= hour <= 24.0:
        raise InvalidDataError(f"An hour lies in 0..24, was {hour:g}.")
    alive = pmf.truncated_below(lower_bound_f)
    if hour < FIRST_HOUR or not use_rise_table:
        return alive
    reached = lower_bound_f if running_max_f is None else max(running_max_f, lower_bound_f)
    observed = remaining_rise_pmf(
        running_max_f=reached,
        hour_lst=hour,
        evening_group_included=evening_group_included,
        lower_bound_f=lower_bound_f,
    )
    forecast_variance = pmf.sd_f**2
    share = forecast_variance / (forecast_variance + observed.sd_f**2)
    return alive.mixed_with(observed, share).truncated_below(lower_bound_f)


def condition_on_day(
    pmf: IntegerPmf,
    *,
    state: DayState,
    model: RiseModel,
    station_effect: StationEffect | None = None,
) -> IntegerPmf:
    """Return what is believed once the day so far is known.

    Args:
        pmf: Belief before today's observations.
        state: The day so far.
        model: Coefficients of the remaining rise.
        station_effect: What this station's own past says of its rises.
    """
    alive = pmf.truncated_below(state.low_f)
    if state.hour_lst is None:
        return alive
    observed = rise_pmf(model, state, station_effect=station_effect)
    share = pmf.sd_f**2 / (pmf.sd_f**2 + observed.sd_f**2)
    return alive.mixed_with(observed, share).truncated_below(state.low_f)


def _negative_binomial(*, mean: float, variance: float, size: int) -> FloatArray:
    """Return P(0..size-1) of a negative binomial by its moments, normalised; mean above zero.

    With ``r = mean^2 / (variance - mean)`` and ``q = mean / variance``:
    ``P(0) = q^r`` and ``P(k) = P(k-1) (k + r - 1) / k (1 - q)``. Interpolated rows may come out
    barely overdispersed; the variance is kept a little above the mean.
    """
    mean = max(mean, 1e-6)
    variance = max(variance, 1.001 * mean)
    r, q = mean * mean / (variance - mean), mean / variance
    probabilities = np.empty(size)
    probabilities[0] = math.exp(r * math.log(q))
    for k in range(1, size):
        probabilities[k] = probabilities[k - 1] * (k + r - 1.0) / k * (1.0 - q)
    normalised: FloatArray = probabilities / probabilities.sum()
    return normalised
