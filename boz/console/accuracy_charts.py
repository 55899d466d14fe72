"""Geometry of the drawings of accuracy; pure functions, drawn by the templates as SVG."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from boz.console.charts import LEFT, RIGHT, TOP, WIDTH, Tick, axis_range, axis_values, day_ticks
from prediction.selectors import AdvantagePoint, EngineWeights, PitHistogram, Reliability

HEIGHT = 320
BOTTOM = 52
#: Height of one engine's strip of weights.
STRIP_HEIGHT = 56
#: Share of a bin's width that its bar takes.
_BAR_SHARE = 0.86


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes that every drawing stands in."""

    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    x_title: str
    title: str
    description: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM
    middle: float = (LEFT + WIDTH - RIGHT) / 2


@dataclass(frozen=True, slots=True)
class Dot:
    """A bin of the reliability diagram with its band."""

    x: float
    y: float
    band_top: float
    band_bottom: float
    is_outside: bool


@dataclass(frozen=True, slots=True)
class ReliabilityChart:
    """Observed frequency over forecast probability."""

    frame: Frame
    dots: tuple[Dot, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of a histogram."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class HistogramChart:
    """Counts with the band of an even histogram."""

    frame: Frame
    bars: tuple[Bar, ...]
    band_top: float
    band_height: float
    even_y: float
    band_width: int = WIDTH - LEFT - RIGHT


@dataclass(frozen=True, slots=True)
class AdvantageChart:
    """A line with its band about zero."""

    frame: Frame
    line: str
    band: str
    zero_y: float


@dataclass(frozen=True, slots=True)
class WeightStrip:
    """One engine's weight over the days, 0 at the bottom and ``top`` at the top."""

    engine: str
    latest: float
    mean: float
    lowest: float
    highest: float
    top: float
    line: str
    area: str
    width: int
    height: int


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 2)


def _y(share: float) -> float:
    return round(TOP + (1.0 - share) * (HEIGHT - TOP - BOTTOM), 2)


def _shares_axis(place: Callable[[float], float]) -> tuple[Tick, ...]:
    return tuple(Tick(at=place(part / 5), label=f"{part * 20}%") for part in range(6))


def reliability_chart(told: Reliability) -> ReliabilityChart | None:
    """Return the reliability diagram, or None without a bracket."""
    if not told.points:
        return None
    outside = sum(
        not point.consistent_low <= point.frequency <= point.consistent_high
        for point in told.points
    )
    frame = Frame(
        y_ticks=_shares_axis(_y),
        x_ticks=_shares_axis(_x),
        x_title="probability that was given",
        title="How often brackets paid, by the probability they were given",
        description=(
            f"{sum(point.count for point in told.points)} brackets of {told.cases} events over"
            f" {told.days} days in {len(told.points)} bins: {outside} of the bins lie outside the"
            " band that chance alone would stay in nine times in ten. On the diagonal,"
            " probabilities come true as often as they say."
        ),
    )
    dots = tuple(
        Dot(
            x=_x(point.probability),
            y=_y(point.frequency),
            band_top=_y(point.consistent_high),
            band_bottom=_y(point.consistent_low),
            is_outside=not point.consistent_low <= point.frequency <= point.consistent_high,
        )
        for point in told.points
    )
    return ReliabilityChart(frame, dots, _path([(dot.x, dot.y) for dot in dots]))


def pit_chart(told: PitHistogram) -> HistogramChart | None:
    """Return the PIT histogram, or None without a case."""
    if not told.cases:
        return None
    _, high, step = axis_range([float(max(*told.counts, told.band_high))])

    def y_of(count: float) -> float:
        return _y(count / high)

    bins = len(told.counts)
    width = (WIDTH - LEFT - RIGHT) / bins
    margin = width * (1.0 - _BAR_SHARE) / 2
    outside = sum(not told.band_low <= count <= told.band_high for count in told.counts)
    frame = Frame(
        y_ticks=tuple(
            Tick(at=y_of(value), label=f"{value:.0f}")
            for value in axis_values(0.0, high, step)
            if value == int(value)
        ),
        x_ticks=_shares_axis(_x),
        x_title="place of the observed high in the believed distribution",
        title="Where the observed highs fell in the believed distributions",
        description=(
            f"{told.cases} events over {told.days} days in {bins} bins: {outside} of the bins lie"
            f" outside the band of {told.band_low} to {told.band_high} that an even histogram stays"
            " in nine times in ten. More at both ends means beliefs that are too narrow, more in"
            " the middle too wide, more on one side a bias."
        ),
    )
    return HistogramChart(
        frame=frame,
        bars=tuple(
            Bar(
                x=round(_x(place / bins) + margin, 2),
                y=y_of(count),
                width=round(width * _BAR_SHARE, 2),
                height=round(_y(0.0) - y_of(count), 2),
            )
            for place, count in enumerate(told.counts)
        ),
        band_top=y_of(told.band_high),
        band_height=round(y_of(told.band_low) - y_of(told.band_high), 2),
        even_y=y_of(told.expected),
    )


def advantage_chart(points: Sequence[AdvantagePoint], *, engine: str) -> AdvantageChart | None:
    """Return the lead over the market as days were settled, or None without a point."""
    if not points:
        return None
    ends = [value for point in points for value in (point.low, point.high)]
    low, high, step = axis_range(ends)
    first, last = points[0].climate_day, points[-1].climate_day
    span = (last - first).days

    def x_of(day: dt.date) -> float:
        return _x((day - first).days / span if span else 1.0)

    def y_of(value: float) -> float:
        return _y((value - low) / (high - low))

    lower = [(x_of(point.climate_day), y_of(point.low)) for point in points]
    upper = [(x_of(point.climate_day), y_of(point.high)) for point in points]
    newest = points[-1]
    frame = Frame(
        y_ticks=tuple(
            Tick(at=y_of(value), label=f"{value:+.2f}" if value else "0")
            for value in axis_values(low, high, step)
        ),
        x_ticks=day_ticks(_midnight(first), _midnight(last), lambda moment: x_of(moment.date())),
        x_title="last climate day counted",
        title=f"Lead of {engine} over the market, nats per event",
        description=(
            f"Mean lead of {engine} over the market by the log score, from the window's start up to"
            f" each of {len(points)} days: after {newest.days} days it is {newest.advantage:+.3f}"
            f" nats, 95% band {newest.low:+.3f} to {newest.high:+.3f}. Above zero is better than"
            " the market."
        ),
    )
    return AdvantageChart(
        frame=frame,
        line=_path([(x_of(point.climate_day), y_of(point.advantage)) for point in points]),
        band=f"{_path([*lower, *reversed(upper)])}Z",
        zero_y=y_of(0.0),
    )


def weight_strips(told: Sequence[EngineWeights]) -> list[WeightStrip]:
    """Return a strip for each engine, on the same days and the same scale: to a full fifth."""
    heaviest = max((weight for item in told for _, weight in item.points), default=0.0)
    top = max(1, math.ceil(heaviest * 5)) / 5
    return [_strip(item, top) for item in told]


def _strip(item: EngineWeights, top: float) -> WeightStrip:
    first, last = item.points[0][0], item.points[-1][0]
    span = (last - first).days
    places = [
        (
            round((day - first).days / span * WIDTH, 2) if span else 0.0,
            round((1.0 - weight / top) * STRIP_HEIGHT, 2),
        )
        for day, weight in item.points
    ]
    if not span:
        places.append((float(WIDTH), places[-1][1]))
    line = _path(places)
    weights = [weight for _, weight in item.points]
    return WeightStrip(
        engine=item.engine,
        latest=item.latest,
        mean=item.mean,
        lowest=min(weights),
        highest=max(weights),
        top=top,
        line=line,
        area=f"{line}V{STRIP_HEIGHT}H0Z",
        width=WIDTH,
        height=STRIP_HEIGHT,
    )


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in places)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC)
