from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from boz.console.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, bar_width, step_chart

START = dt.datetime(2024, 11, 15, 12, tzinfo=dt.UTC)


def points(*totals: str):
    return [(START + dt.timedelta(days=i), Decimal(total)) for i, total in enumerate(totals)]


def coordinates(path: str) -> tuple[list[float], list[float]]:
    xs = [float(x) for x in re.findall(r"[MH](-?[\d.]+)", path)]
    ys = [float(y) for y in re.findall(r"V(-?[\d.]+)", path)]
    return xs, ys


def test_nothing_settled_gives_no_chart():
    assert step_chart([]) is None


def test_a_probability_of_zero_has_a_bar_and_a_missing_one_has_none():
    assert bar_width(0.0) == 0.0
    assert bar_width(1.0) == 100.0
    assert bar_width(None) is None


def test_a_gain_is_drawn_above_zero_and_a_loss_below():
    assert step_chart(points("1", "2")).end_y < step_chart(points("1", "2")).zero_y
    assert step_chart(points("-1", "-2")).end_y > step_chart(points("-1", "-2")).zero_y
    flat = step_chart(points("0", "0"))
    assert flat.end_y == flat.zero_y


def test_the_drawing_is_described_in_words():
    text = step_chart(points("1.50", "-0.25", "3")).description

    assert "3 settlements from 2024-11-15 to 2024-11-17" in text
    assert "ends at 3.00 dollars; lowest -0.25, highest 3.00" in text


def test_a_single_settlement_is_a_line_across():
    chart = step_chart(points("2"))

    assert chart.path.endswith(f"H{WIDTH - RIGHT}")
    assert len(chart.x_ticks) == 1


@given(
    st.lists(
        st.decimals(min_value=-100_000, max_value=100_000, places=6, allow_nan=False),
        min_size=1,
        max_size=60,
    )
)
def test_everything_stays_inside_the_frame_and_the_axis_holds_every_total(totals):
    chart = step_chart([(START + dt.timedelta(hours=i), t) for i, t in enumerate(totals)])

    xs, ys = coordinates(chart.path)
    assert all(LEFT <= x <= WIDTH - RIGHT for x in xs)
    assert xs == sorted(xs)
    assert all(TOP - 0.01 <= y <= HEIGHT - BOTTOM + 0.01 for y in [*ys, chart.zero_y])
    assert 2 <= len(chart.y_ticks) <= 9
    assert any(tick.label.lstrip("-$").strip("0.") == "" for tick in chart.y_ticks)
