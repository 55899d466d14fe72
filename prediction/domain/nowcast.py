"""A belief about the day's high once the day so far is known.

What has been reached cannot be undone: degrees below the proven bound become impossible. Above it
the belief from before the day and the rise left are pooled geometrically, ``p`` proportional to
``observed^a * forecast^b``: independent evidence multiplies, which a linear mixture wastes (it is
overdispersed). Both exponents are below 1, because what a forecast and the morning's readings miss
is partly the same.
"""

from __future__ import annotations

import numpy as np

from prediction.domain.arrays import FloatArray
from prediction.domain.day_so_far import DayState
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
    high = max(alive.high_f, observed.high_f)
    forecast = _logarithms(alive, low_f=low, high_f=high)
    rise = _logarithms(observed, low_f=low, high_f=high)
    likely_f = observed.quantile(LIKELY_LEVEL)
    exponent = _forecast_exponent(pmf, low_f=low, likely_f=likely_f)
    powers = OBSERVED_EXPONENT * rise + exponent * forecast
    # Relative to the largest, so that nothing underflows to an undefined pool.
    return IntegerPmf.from_weights(low, np.maximum(np.exp(powers - powers.max()), _SMALLEST))


def _forecast_exponent(pmf: IntegerPmf, *, low_f: int, likely_f: int) -> float:
    """Return how much a belief's shape counts: less for a wide one and for a refuted one.

    Args:
        pmf: Belief before today's observations.
        low_f: The proven bound; a belief that was mostly colder was too cold.
        likely_f: The observations leave hardly anything above; one mostly warmer was too warm.
    """
    spread = pmf.sd_f
    sharp = 1.0 if spread <= SHARP_SD_F else (SHARP_SD_F / spread) ** 2
    agreeing = min(1.0 - pmf.cdf(low_f - 1), pmf.cdf(likely_f))
    return FORECAST_EXPONENT * sharp * min(1.0, max(0.0, agreeing) / REFUTED_SHARE)


def _logarithms(pmf: IntegerPmf, *, low_f: int, high_f: int) -> FloatArray:
    """Return the logarithms of P(low_f..high_f), floored where there is nothing."""
    chances = np.zeros(high_f - low_f + 1)
    start = max(pmf.low_f, low_f)
    part = pmf.probabilities[start - pmf.low_f :]
    chances[start - low_f : start - low_f + part.size] = part
    logs: FloatArray = np.log(np.maximum(chances, _SMALLEST))
    return logs
