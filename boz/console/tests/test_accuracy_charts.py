from __future__ import annotations

import datetime as dt
import math
import re

from hypothesis import example, given
from hypothesis import strategies as st

from boz.console.accuracy_charts import (
    BOTTOM,
    HEIGHT,
    STRIP_HEIGHT,
    advantage_chart,
    pit_chart,
    reliability_chart,
    weight_strips,
)
from boz.console.charts import LEFT, RIGHT, TOP, WIDTH
from prediction.domain.horizons import Horizon
from prediction.domain.reliability import ReliabilityPoint
from prediction.selectors import AdvantagePoint, EngineWeights, PitHistogram, Reliability

START = dt.date(2024, 11, 1)


def diagram(*points: ReliabilityPoint) -> Reliability:
    return Reliability(engine="blend", horizon=Horizon.MORNING, cases=3, days=2, points=points)


def histogram(counts: tuple[int, ...]) -> PitHistogram:
    return PitHistogram(
        engine="blend",
        horizon=Horizon.MORNING,
        cases=sum(counts),
        days=1,
        counts=counts,
        band_low=1,
        band_high=4,
        index=None,
        expected_index=None,
    )


def lead(*advantages: float, reach: float = 0.1) -> list[AdvantagePoint]:
    return [
        AdvantagePoint(
            climate_day=START + dt.timedelta(days=place),
            days=5 + place,
            advantage=value,
            low=value - reach,
            high=value + reach,
        )
        for place, value in enumerate(advantages)
    ]


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def inside(x: float, y: float) -> bool:
    return LEFT <= x <= WIDTH - RIGHT and TOP - 0.01 <= y <= HEIGHT - BOTTOM + 0.01


def test_nothing_gives_no_drawing():
    assert reliability_chart(diagram()) is None
    assert pit_chart(histogram((0,) * 10)) is None
    assert advantage_chart([], engine="blend") is None
    assert weight_strips([]) == []


def test_a_bin_stands_at_its_probability_and_frequency_and_is_marked_outside_its_band():
    chart = reliability_chart(
        diagram(
            ReliabilityPoint(0.0, 0.0, 10, 0.0, 0.1),
            ReliabilityPoint(0.5, 0.9, 10, 0.3, 0.7),
            ReliabilityPoint(1.0, 1.0, 4, 0.8, 1.0),
        )
    )

    first, middle, last = chart.dots
    assert (first.x, first.y) == (LEFT, HEIGHT - BOTTOM)
    assert (last.x, last.y) == (WIDTH - RIGHT, TOP)
    assert [dot.is_outside for dot in chart.dots] == [False, True, False]
    # Frequency .9 is above the band of .3 to .7, and up is a smaller y.
    assert middle.y < middle.band_top < middle.band_bottom
    assert "24 brackets of 3 events over 2 days in 3 bins: 1 of the bins" in chart.frame.description


def test_bars_stand_on_the_axis_and_are_as_high_as_their_counts():
    chart = pit_chart(histogram((0, 2, 4, 1, 1, 1, 1, 1, 1, 8)))

    floor = HEIGHT - BOTTOM
    assert chart.bars[0].height == 0.0
    assert all(math.isclose(bar.y + bar.height, floor, abs_tol=0.02) for bar in chart.bars)
    assert math.isclose(chart.bars[2].height, 2 * chart.bars[1].height, abs_tol=0.03)
    assert chart.bars[-1].x + chart.bars[-1].width <= WIDTH - RIGHT
    assert math.isclose(chart.band_top, chart.bars[2].y, abs_tol=0.01)
    assert "2 of the bins lie outside the band of 1 to 4" in chart.frame.description


def test_counts_are_named_in_whole_events():
    chart = pit_chart(histogram((1,) + (0,) * 9))

    assert all(tick.label.isdigit() for tick in chart.frame.y_ticks)
    assert len({tick.label for tick in chart.frame.y_ticks}) == len(chart.frame.y_ticks)


def test_a_lead_is_above_zero_and_a_lag_below():
    assert places(advantage_chart(lead(0.2, 0.3), engine="blend").line)[-1][1] < 150
    chart = advantage_chart(lead(0.2, -0.3), engine="blend")
    line = places(chart.line)
    assert line[0][1] < chart.zero_y < line[1][1]
    assert "after 6 days it is -0.300 nats, 95% band -0.400 to -0.200" in chart.frame.description


def test_strips_share_a_scale_that_holds_the_heaviest():
    days = [START + dt.timedelta(days=age) for age in range(3)]
    heavy, light = weight_strips(
        [
            EngineWeights("emos_slow", tuple(zip(days, (0.3, 0.4, 0.55), strict=True))),
            EngineWeights("climatology", tuple(zip(days, (0.0, 0.1, 0.05), strict=True))),
        ]
    )

    assert heavy.top == light.top == 0.6
    assert places(light.line)[0] == (0.0, STRIP_HEIGHT)
    assert places(heavy.line)[-1][0] == WIDTH
    assert (heavy.lowest, heavy.highest, heavy.latest) == (0.3, 0.55, 0.55)


def test_a_single_day_is_a_line_across():
    (strip,) = weight_strips([EngineWeights("emos_slow", ((START, 1.0),))])
    chart = advantage_chart(lead(0.1), engine="blend")

    assert places(strip.line) == [(0.0, 0.0), (WIDTH, 0.0)]
    assert len(chart.frame.x_ticks) == 1


@example([5e-324], 0.0)
@given(
    st.lists(st.floats(min_value=-20, max_value=20, allow_nan=False), min_size=1, max_size=40),
    st.floats(min_value=0, max_value=30, allow_nan=False),
)
def test_a_lead_and_its_band_stay_inside_the_frame(advantages, reach):
    chart = advantage_chart(lead(*advantages, reach=reach), engine="blend")

    assert all(inside(x, y) for x, y in places(chart.line) + places(chart.band))
    assert TOP - 0.01 <= chart.zero_y <= HEIGHT - BOTTOM + 0.01


@given(st.lists(st.integers(min_value=0, max_value=5000), min_size=10, max_size=10))
def test_a_histogram_stays_inside_the_frame(counts):
    chart = pit_chart(histogram(tuple(counts)))

    if sum(counts):
        assert all(inside(bar.x, bar.y) for bar in chart.bars)
        assert TOP - 0.01 <= chart.even_y <= HEIGHT - BOTTOM + 0.01
