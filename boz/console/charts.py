"""Geometry of the drawings; pure functions, drawn by the templates as SVG."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

WIDTH = 720
HEIGHT = 200
LEFT = 72
RIGHT = 16
TOP = 16
BOTTOM = 30
#: Width of a probability of 1.
BAR_WIDTH = 100.0
#: Values that differ by less are drawn as one.
SMALLEST_RANGE = 1e-9


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class StepChart:
    """A running total over time as a stair, since it changes only at settlements."""

    width: int
    height: int
    left: int
    right: int
    bottom: int
    path: str
    area: str
    zero_y: float
    end_x: float
    end_y: float
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    description: str


def bar_width(probability: float | None) -> float | None:
    """Return the length of a bar for a probability, 0..100; None without one."""
    return None if probability is None else round(probability * BAR_WIDTH, 2)


def step_chart(points: Sequence[tuple[dt.datetime, Decimal]]) -> StepChart | None:
    """Return the stair of a running result in dollars, or None when there is nothing to draw.

    Args:
        points: Moments in order, each with the total from then on.
    """
    if not points:
        return None
    first, last = points[0][0], points[-1][0]
    span = (last - first).total_seconds()
    low, high, step = axis_range([float(total) for _, total in points])

    def x_of(moment: dt.datetime) -> float:
        share = (moment - first).total_seconds() / span if span else 1.0
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 2)

    def y_of(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 2)

    zero = y_of(0.0)
    parts = [f"M{LEFT} {zero}"]
    for moment, total in points:
        parts.append(f"H{x_of(moment)}V{y_of(float(total))}")
    if not span:
        parts = [f"M{LEFT} {zero}V{y_of(float(points[-1][1]))}H{WIDTH - RIGHT}"]
    path = "".join(parts)
    end = points[-1][1]
    return StepChart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=HEIGHT - BOTTOM,
        path=path,
        area=f"{path}V{zero}Z",
        zero_y=zero,
        end_x=float(WIDTH - RIGHT),
        end_y=y_of(float(end)),
        y_ticks=tuple(
            Tick(at=y_of(value), label=_money_label(value, step))
            for value in axis_values(low, high, step)
        ),
        x_ticks=day_ticks(first, last, x_of),
        description=_describe(points),
    )


def axis_range(values: Sequence[float]) -> tuple[float, float, float]:
    """Return an axis that holds zero and every value, and its step: 1, 2 or 5 of a decade."""
    low, high = min(0.0, *values), max(0.0, *values)
    if high - low < SMALLEST_RANGE:
        low, high = -1.0, 1.0
    rough = (high - low) / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1.0, 2.0, 5.0, 10.0) if m * magnitude >= rough * 0.999)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def axis_values(low: float, high: float, step: float) -> list[float]:
    """Return the values of an axis from one end to the other."""
    count = round((high - low) / step)
    return [low + index * step for index in range(count + 1)]


def _money_label(value: float, step: float) -> str:
    places = 0 if step >= 1 else 2
    rounded = round(value, places)
    sign = "-" if rounded < 0 else ""
    return f"{sign}${abs(rounded):,.{places}f}"


def day_ticks(
    first: dt.datetime, last: dt.datetime, x_of: Callable[[dt.datetime], float]
) -> tuple[Tick, ...]:
    """Return up to five days evenly along the axis, each named once."""
    if first == last:
        return (Tick(at=float(WIDTH - RIGHT), label=f"{last:%b} {last.day}"),)
    quarters = [first + (last - first) * index / 4 for index in range(5)]
    ticks: list[Tick] = []
    for moment in quarters:
        label = f"{moment:%b} {moment.day}"
        if not ticks or ticks[-1].label != label:
            ticks.append(Tick(at=x_of(moment), label=label))
    return tuple(ticks)


def _describe(points: Sequence[tuple[dt.datetime, Decimal]]) -> str:
    """Say in words what the drawing shows."""
    totals = [total for _, total in points]
    first, last = points[0][0], points[-1][0]
    return (
        f"Running result after fees over {len(points)} settlements from {first:%Y-%m-%d} to"
        f" {last:%Y-%m-%d}: it ends at {totals[-1]:.2f} dollars; lowest {min(totals):.2f},"
        f" highest {max(totals):.2f}."
    )
