"""Whole degrees Fahrenheit and the Celsius values they travel as.

Stations measure in whole °F and send °C: tenths in coded groups (exact both ways), whole degrees
elsewhere (one or two possible °F values). A reported whole °C is therefore an interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from boz.core.errors import InvalidDataError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F

#: A value this far from its reference, which fits after a change of unit, has the wrong unit.
MIXUP_DISTANCE_F = 25.0
MIXUP_FIT_F = 10.0
#: Forecast maxima are whole °F sent as long °C decimals; this recovers them.
RECOVERED_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class IntervalF:
    """The whole °F that a report can mean, ``low_f..high_f``, both inclusive."""

    low_f: int
    high_f: int

    @property
    def is_exact(self) -> bool:
        """Say whether only one whole degree is possible."""
        return self.low_f == self.high_f


def fahrenheit(temp_c: float) -> float:
    """Return degrees Fahrenheit, unrounded."""
    return 1.8 * temp_c + 32.0


def celsius(temp_f: float) -> float:
    """Return degrees Celsius, unrounded."""
    return (temp_f - 32.0) / 1.8


def recovered_fahrenheit(temp_c: float) -> float:
    """Return °F to 0.01: 28.888… °C is the 84 °F it was made from."""
    return round(fahrenheit(temp_c), RECOVERED_DECIMALS)


def whole_fahrenheit(tenths_c: int) -> int:
    """Return the whole °F nearest to a temperature in tenths of °C, halves upward.

    Integer arithmetic of ``F = floor(1.8·C + 32 + 0.5)``: no binary fraction can tip a half.
    """
    return (18 * tenths_c + 3250) // 100


def interval_of_tenths(tenths_c: int) -> IntervalF:
    """Return what tenths of °C can mean.

    Exact when the value is one that a whole °F is sent as; else the two whole °F around it.
    """
    nearest = whole_fahrenheit(tenths_c)
    if _sent_as_tenths(nearest) == tenths_c:
        return IntervalF(nearest, nearest)
    below = (18 * tenths_c + 3200) // 100
    return IntervalF(below, below + 1)


def interval_of_whole_celsius(temp_c: int) -> IntervalF:
    """Return the whole °F values that are sent as this whole °C (26 means 78 or 79).

    All whole °F within half a degree Celsius; no whole °F lies exactly on such an edge.
    """
    lowest = math.ceil((18 * temp_c - 9) / 10) + 32
    highest = math.floor((18 * temp_c + 9) / 10) + 32
    return IntervalF(lowest, highest)


def require_plausible(temp_f: float, *, what: str) -> float:
    """Return ``temp_f`` if it can be weather.

    Raises:
        InvalidDataError: If it is not finite or outside -80..140 °F.
    """
    if not math.isfinite(temp_f) or not PLAUSIBLE_LOW_F <= temp_f <= PLAUSIBLE_HIGH_F:
        raise InvalidDataError(
            f"{what} of {temp_f:g} °F cannot be true "
            f"(possible are {PLAUSIBLE_LOW_F:g} to {PLAUSIBLE_HIGH_F:g} °F).",
            {"value_f": repr(temp_f), "what": what},
        )
    return temp_f


def unit_mixup(temp_f: float, *, reference_f: float) -> str | None:
    """Return what went wrong if ``temp_f`` fits ``reference_f`` only after a change of unit.

    The reference is anything recent about the same place: yesterday's high, the forecast before.
    """
    if abs(temp_f - reference_f) < MIXUP_DISTANCE_F:
        return None
    if abs(fahrenheit(temp_f) - reference_f) <= MIXUP_FIT_F:
        return "degrees Celsius given as Fahrenheit"
    if abs(celsius(temp_f) - reference_f) <= MIXUP_FIT_F:
        return "degrees Fahrenheit given as Celsius"
    return None


def _sent_as_tenths(whole_f: int) -> int:
    """Return tenths of °C for a whole °F, halves away from zero (none occur)."""
    ninths = 50 * (whole_f - 32)
    magnitude = (2 * abs(ninths) + 9) // 18
    return magnitude if ninths >= 0 else -magnitude
