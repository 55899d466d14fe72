from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest
from scipy.stats import t

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.intervals import day_block_interval, day_mean_interval

START = dt.date(2024, 2, 20)


def calendar(count):
    return [START + dt.timedelta(days=i) for i in range(count)]


def test_interval_is_the_same_every_time_and_for_any_order_of_rows():
    rng = np.random.default_rng(4)
    values, days = rng.normal(0, 1, 90), calendar(30) * 3
    shuffled = rng.permutation(90)

    first = day_block_interval(values, days)
    again = day_block_interval(values[shuffled], [days[i] for i in shuffled])

    assert first == again
    assert first.days == 30
    assert first.low < first.mean < first.high


def test_interval_of_independent_days_is_about_the_normal_one():
    values = np.random.default_rng(6).normal(1, 2, 400)

    for interval in (
        day_block_interval(values, calendar(400), block_days=1),
        day_mean_interval(values, calendar(400)),
    ):
        assert interval.mean == pytest.approx(values.mean())
        assert interval.high - interval.low == pytest.approx(2 * 1.96 * 2 / 20, rel=0.12)


def test_rows_of_one_day_are_one_draw():
    """Ten stations that say the same must not make the interval narrower."""
    values = np.random.default_rng(7).normal(0, 1, 60)

    one = day_block_interval(values, calendar(60))
    ten = day_block_interval(np.repeat(values, 10), np.repeat(calendar(60), 10).tolist())

    assert (ten.low, ten.high) == pytest.approx((one.low, one.high))


def test_blocks_widen_the_interval_of_days_that_resemble_each_other():
    values = np.repeat(np.random.default_rng(8).normal(0, 1, 40), 5)

    single = day_block_interval(values, calendar(200), block_days=1)
    blocks = day_block_interval(values, calendar(200), block_days=10)

    assert blocks.high - blocks.low > 1.5 * (single.high - single.low)


def test_mean_weighs_rows_alike_and_days_by_their_rows():
    days = [START, START, START + dt.timedelta(days=1)]

    assert day_block_interval([1.0, 1.0, 4.0], days).mean == 2
    assert day_mean_interval([1.0, 1.0, 4.0], days).mean == 2.5


def test_plain_interval_is_students():
    values = [1.0, 2.0, 4.0, 7.0]

    interval = day_mean_interval(values, calendar(4))

    low, high = t.interval(0.95, 3, loc=3.5, scale=np.std(values, ddof=1) / 2)
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_equal_values_leave_no_doubt():
    interval = day_block_interval([0.25] * 12, calendar(12))

    assert (interval.mean, interval.low, interval.high) == (0.25, 0.25, 0.25)


def test_coverage_of_the_block_interval_is_near_its_level():
    rng = np.random.default_rng(10)
    held = 0
    for _ in range(200):
        interval = day_block_interval(rng.normal(0, 1, 120), calendar(120), resamples=400)
        held += interval.low <= 0 <= interval.high

    assert 0.87 <= held / 200 <= 0.99


def test_one_day_is_too_few_and_nonsense_is_refused():
    with pytest.raises(DataUnavailable, match="two days"):
        day_block_interval([1.0, 2.0], [START, START])
    for values, days, settings in (
        ([1.0], calendar(2), {}),
        ([1.0, math.nan], calendar(2), {}),
        ([1.0, 2.0], calendar(2), {"level": 1.0}),
        ([1.0, 2.0], calendar(2), {"resamples": 1}),
        ([1.0, 2.0], calendar(2), {"block_days": 0}),
    ):
        with pytest.raises(InvalidDataError):
            day_block_interval(values, days, **settings)
