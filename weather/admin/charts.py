"""Geometry of the admin's drawings; pure functions, drawn by the templates as SVG."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 240.0
MARGIN = 8.0
#: Degrees kept free at either end of a scale.
SCALE_MARGIN_F = 1.0
DAY = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Spread:
    """What an issuance says of its own uncertainty, °F; without any, the ends are the middle."""

    low_f: float
    middle_f: float
    high_f: float
    words: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A common temperature axis of several strips."""

    low_f: float
    high_f: float

    def x(self, temp_f: float) -> float:
        """Return the place of a temperature."""
        share = (temp_f - self.low_f) / (self.high_f - self.low_f)
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)

    @property
    def ticks(self) -> list[tuple[float, int]]:
        """Return places and whole degrees worth a label, five or six of them."""
        step = max(1, math.ceil((self.high_f - self.low_f) / 6))
        step = next(size for size in (1, 2, 5, 10, 20, 50) if size >= step)
        first = math.ceil(self.low_f / step) * step
        return [(self.x(value), value) for value in range(first, math.floor(self.high_f) + 1, step)]


@dataclass(frozen=True, slots=True)
class Strip:
    """A spread on a scale."""

    left: float
    middle: float
    right: float
    width: float
    words: str


def spread_of(
    high_f: float,
    *,
    members_f: Sequence[float],
    quantiles_f: Sequence[Sequence[float]],
    sd_f: float | None,
) -> Spread:
    """Return the spread that an issuance states: members, else quantiles, else deviation."""
    if len(members_f) > 1:
        low, high = min(members_f), max(members_f)
        middle = statistics.fmean(members_f)
        return Spread(low, middle, high, f"{len(members_f)} members, {low:.1f} to {high:.1f}")
    if len(quantiles_f) > 1:
        (first, low), (last, high) = quantiles_f[0], quantiles_f[-1]
        return Spread(low, high_f, high, f"{first:.0%} to {last:.0%}: {low:g} to {high:g}")
    if sd_f is not None:
        return Spread(high_f - sd_f, high_f, high_f + sd_f, f"± {sd_f:g} (one deviation)")
    return Spread(high_f, high_f, high_f, "one value")


def scale_of(temps_f: Sequence[float]) -> Scale | None:
    """Return a scale that holds all temperatures; None without any."""
    if not temps_f:
        return None
    return Scale(
        math.floor(min(temps_f) - SCALE_MARGIN_F), math.ceil(max(temps_f) + SCALE_MARGIN_F)
    )


def strip_of(spread: Spread, scale: Scale) -> Strip:
    """Return the drawing of a spread."""
    left, right = scale.x(spread.low_f), scale.x(spread.high_f)
    return Strip(left, scale.x(spread.middle_f), right, round(right - left, 1), spread.words)


def hour_x(at: dt.datetime, *, until: dt.datetime, width: float) -> float:
    """Return the place of a moment on an axis of the 24 hours before ``until``."""
    return round((1 - (until - at) / DAY) * width, 1)
