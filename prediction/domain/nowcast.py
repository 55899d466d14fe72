"""A belief about the day's high once the day so far is known.

What has been reached cannot be undone: degrees below the proven bound become impossible. Above it
the belief from before the day and the rise left are pooled geometrically, ``p`` proportional to
``observed^a * forecast^b``: independent evidence multiplies, which a linear mixture wastes (it is
overdispersed). Both exponents are below 1, because what a forecast and the morning's readings miss
is partly the same.

A maximum of the night is another matter. Forecasts of the high are of the afternoon, and behind a
cold front the day's high is the temperature at midnight; a colder forecast is then not refuted but
says that the maximum is behind us.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from prediction.domain.arrays import FloatArray
from prediction.domain.day_so_far import SIGNS, DayState
from prediction.domain.distribution import IntegerPmf
from prediction.domain.remaining_rise import RiseModel, StationEffect, rise_pmf

#: Exponents on data of two years: 0.9 to 1.0 on either side for forecasts by weather models.
OBSERVED_EXPONENT = 0.9
FORECAST_EXPONENT = 0.9
#: A forecast wider than this knows little more than season and yesterday, and so does the model of
#: the rise; its exponent falls with the square (0.3 to 0.4 at 4.7 °F).
SHARP_SD_F = 3.0
#: A forecast that gave less than this to what is still possible, or to what the observations leave
#: likely, is wrong today: the smaller that part, the less its shape counts.
REFUTED_SHARE = 0.05
LIKELY_LEVEL = 0.99
#: A maximum reached by the first of these hours is one of the night, by the second one of the day;
#: in proportion between them.
NIGHT_TO_DAY_LST = (3.0, 7.0)
#: Of a forecast colder than a maximum of the night this share stands; the rest may be wrong.
NIGHT_SHARE = 0.9
#: The high of a maximum gone by lies above what was read by as much as at this hour, or later.
GONE_BY_HOUR_LST = 14.0
_SMALLEST = 1e-300


def condition_on_day(
    pmf: IntegerPmf,
    *,
    state: DayState,
    model: RiseModel,
    station_effect: StationEffect | None = None,
) -> IntegerPmf:
    """Return what is believed once the day so far is known; nothing lies below the proven bound.

    Without a reading of a thermometer the belief is only cut at the bound.

    Args:
        pmf: Belief before today's observations.
        state: The day so far.
        model: Coefficients of the remaining rise.
        station_effect: What this station's own past says of its rises.

    Source:
        Genest and Zidek (1986), doi:10.1214/ss/1177013825, on logarithmic pools.
    """
    alive = pmf.truncated_below(state.low_f)
    if state.hour_lst is None:
        return alive
    observed = rise_pmf(model, state, station_effect=station_effect)
    low = state.low_f
    behind_us = pmf.cdf(low - 1) * _night_share(state, state.hour_lst)
    gone_by = replace(state, hour_lst=max(GONE_BY_HOUR_LST, state.hour_lst), signs=())
    standing = alive.mixed_with(rise_pmf(model, gone_by), behind_us)
    high = max(standing.high_f, observed.high_f)
    forecast = _logarithms(standing, low_f=low, high_f=high)
    rise = _logarithms(observed, low_f=low, high_f=high)
    agreeing = min(1.0 - pmf.cdf(low - 1) + behind_us, pmf.cdf(observed.quantile(LIKELY_LEVEL)))
    exponent = _forecast_exponent(pmf, agreeing=agreeing)
    powers = OBSERVED_EXPONENT * rise + exponent * forecast
    # Relative to the largest, so that nothing underflows to an undefined pool.
    return IntegerPmf.from_weights(low, np.maximum(np.exp(powers - powers.max()), _SMALLEST))


def _night_share(state: DayState, hour_lst: float) -> float:
    """Return how much of a forecast colder than the maximum stands: none once it is the day's."""
    ago = state.signs[SIGNS.index("hours_since_max")] if state.signs else 0.0
    night, day = NIGHT_TO_DAY_LST
    return NIGHT_SHARE * min(1.0, max(0.0, (day - (hour_lst - ago)) / (day - night)))


def _forecast_exponent(pmf: IntegerPmf, *, agreeing: float) -> float:
    """Return how much a belief's shape counts: less for a wide one and for a refuted one.

    Args:
        pmf: Belief before today's observations.
        agreeing: What it gave to highs that are still possible and not beyond all likelihood.
    """
    spread = pmf.sd_f
    sharp = 1.0 if spread <= SHARP_SD_F else (SHARP_SD_F / spread) ** 2
    return FORECAST_EXPONENT * sharp * min(1.0, max(0.0, agreeing) / REFUTED_SHARE)


def _logarithms(pmf: IntegerPmf, *, low_f: int, high_f: int) -> FloatArray:
    """Return the logarithms of P(low_f..high_f), floored where there is nothing."""
    chances = np.zeros(high_f - low_f + 1)
    start = max(pmf.low_f, low_f)
    part = pmf.probabilities[start - pmf.low_f :]
    chances[start - low_f : start - low_f + part.size] = part
    logs: FloatArray = np.log(np.maximum(chances, _SMALLEST))
    return logs
