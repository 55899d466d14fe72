from __future__ import annotations

import datetime as dt
import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.clock import standard_day, standard_day_bounds
from boz.core.errors import InvalidDataError
from weather.domain.hourly import (
    MAX_GAP,
    HourlyTemps,
    daily_maxima,
    ordered_temps,
    single_series,
)

EAST, CENTRAL, MOUNTAIN, PACIFIC = (dt.timedelta(hours=hours) for hours in (-5, -6, -7, -8))
HOUR = dt.timedelta(hours=1)
NAN = float("nan")
JULY_10 = dt.date(2026, 7, 10)


def temps(start: dt.datetime, rows, *, step_hours=1) -> HourlyTemps:
    values = np.array(rows, dtype=float)
    first = int(start.timestamp())
    epochs = first + 3600 * step_hours * np.arange(values.shape[1])
    return HourlyTemps(epochs, tuple(range(len(values))), values)


def day_of(day: dt.date, values, *, offset=EAST) -> HourlyTemps:
    start, _ = standard_day_bounds(day, offset=offset)
    return temps(start, [values])


def highs(hours: HourlyTemps, *, offset=EAST) -> dict[dt.date, float]:
    return {day: rows[0] for day, rows in daily_maxima(hours, offset=offset).whole_days().items()}


@pytest.mark.parametrize(
    ("day", "offset"),
    [
        (dt.date(2026, 3, 8), EAST),  # clocks go forward
        (dt.date(2026, 11, 1), EAST),  # clocks go back
        (dt.date(2026, 3, 8), PACIFIC),
        (dt.date(2026, 11, 1), CENTRAL),
        (dt.date(2026, 7, 10), MOUNTAIN),  # Phoenix, which changes no clock
        (dt.date(2028, 2, 29), CENTRAL),
        (dt.date(2026, 12, 31), EAST),
    ],
)
def test_a_day_is_24_hours_of_standard_time_all_year(day, offset):
    start, end = standard_day_bounds(day, offset=offset)
    hotter_outside = {start - HOUR: 99.0, end: 98.0}
    inside = {start + n * HOUR: 50.0 + (n == 23) for n in range(24)}

    found = highs(single_series(hotter_outside | inside), offset=offset)

    assert found == {day: 51.0}


def test_a_high_at_either_end_of_the_day_counts():
    assert highs(day_of(JULY_10, [91.0] + [80.0] * 23)) == {JULY_10: 91.0}
    assert highs(day_of(JULY_10, [80.0] * 23 + [91.0])) == {JULY_10: 91.0}


@pytest.mark.parametrize("offset", [EAST, CENTRAL, MOUNTAIN, PACIFIC])
def test_values_every_three_hours_make_whole_days_in_every_zone(offset):
    start = dt.datetime(2026, 7, 9, tzinfo=dt.UTC)
    hours = temps(start, [[60.0 + n for n in range(24)]], step_hours=3)

    assert highs(hours, offset=offset).keys() == {dt.date(2026, 7, 9), JULY_10}


def test_values_every_six_hours_make_no_day():
    hours = temps(dt.datetime(2026, 7, 9, tzinfo=dt.UTC), [[60.0] * 12], step_hours=6)
    assert highs(hours) == {}


@pytest.mark.parametrize(
    ("missing", "is_whole"),
    [
        (range(0), True),
        (range(14, 16), True),
        (range(14, 17), False),
        (range(3), True),
        (range(4), False),
        (range(22, 24), True),
        (range(21, 24), False),
        (range(24), False),
        (range(18), False),
        ((1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23), True),
    ],
)
def test_a_day_with_a_gap_of_more_than_three_hours_has_no_maximum(missing, is_whole):
    holey = [NAN if n in missing else 70.0 for n in range(24)]
    absent = day_of(JULY_10, holey)
    kept = np.flatnonzero(~np.isnan(absent.temps_f[0]))
    without = HourlyTemps(absent.epochs[kept], (0,), absent.temps_f[:, kept])

    expected = {JULY_10: 70.0} if is_whole else {}
    assert highs(absent) == expected
    assert highs(without) == expected


def test_the_cool_rest_of_a_day_is_a_lower_bound_and_no_maximum():
    maxima = daily_maxima(day_of(JULY_10, [NAN] * 18 + [66.0, 65, 64, 63, 62, 61]), offset=EAST)

    assert maxima.whole_days() == {}
    assert maxima.seen_f.tolist() == [[66.0]]


def test_a_member_that_ends_early_is_left_out_of_that_day_only():
    start, _ = standard_day_bounds(JULY_10, offset=EAST)
    rows = [[70.0] * 48, [71.0] * 24 + [NAN] * 24, [NAN] * 48]

    maxima = daily_maxima(temps(start, rows), offset=EAST)

    assert maxima.whole_days() == {
        JULY_10: {0: 70.0, 1: 71.0},
        dt.date(2026, 7, 11): {0: 70.0},
    }


def test_zero_and_negative_temperatures_are_values():
    assert highs(day_of(JULY_10, [0.0] * 24)) == {JULY_10: 0.0}
    assert highs(day_of(JULY_10, [-40.0] * 23 + [-39.5])) == {JULY_10: -39.5}


def test_nothing_in_gives_nothing_out():
    maxima = daily_maxima(single_series({}), offset=EAST)
    assert (maxima.days, maxima.whole_days()) == ((), {})


def test_moments_in_any_order_and_repeated_are_put_in_order():
    found, dropped = ordered_temps(
        [7200, 0, 3600, 0], np.array([[3.0, 1.0, 2.0, 1.0]]), numbers=(0,)
    )

    assert found.epochs.tolist() == [0, 3600, 7200]
    assert (found.temps_f.tolist(), dropped) == ([[1.0, 2.0, 3.0]], 0)


def test_a_moment_with_two_values_has_none():
    found, dropped = ordered_temps(
        [0, 3600, 0], np.array([[1.0, 2.0, 9.0], [1.0, 2.0, NAN]]), numbers=(0, 1)
    )

    assert np.isnan(found.temps_f[0, 0])
    assert (found.temps_f[1].tolist(), dropped) == ([1.0, 2.0], 1)


def test_temperatures_that_fit_no_moments_are_refused():
    with pytest.raises(ValueError, match="shape"):
        HourlyTemps(np.arange(3), (0,), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="rise"):
        HourlyTemps(np.array([0, 0]), (0,), np.zeros((1, 2)))


def test_an_offset_in_the_wrong_unit_is_refused():
    with pytest.raises(InvalidDataError, match="offset"):
        daily_maxima(single_series({}), offset=dt.timedelta(hours=-300))


def brute_force(hours: HourlyTemps, row: int, *, offset: dt.timedelta) -> dict[dt.date, float]:
    by_day: dict[dt.date, list[tuple[dt.datetime, float]]] = {}
    for epoch, value in zip(hours.epochs.tolist(), hours.temps_f[row].tolist(), strict=True):
        moment = dt.datetime.fromtimestamp(epoch, tz=dt.UTC)
        if value == value:
            by_day.setdefault(standard_day(moment, offset=offset), []).append((moment, value))
    found = {}
    for day, pairs in by_day.items():
        start, end = standard_day_bounds(day, offset=offset)
        moments = [start, *(moment for moment, _ in pairs), end]
        if all(b - a <= MAX_GAP for a, b in itertools.pairwise(moments)):
            found[day] = max(value for _, value in pairs)
    return found


VALUES = st.one_of(st.just(NAN), st.floats(-80, 140), st.floats(-80, 140), st.floats(-80, 140))


@given(
    first=st.integers(1_700_000_000 // 3600, 1_800_000_000 // 3600),
    step_hours=st.sampled_from([1, 1, 3]),
    rows=st.integers(30, 80).flatmap(
        lambda n: st.lists(st.lists(VALUES, min_size=n, max_size=n), min_size=1, max_size=3)
    ),
    offset=st.sampled_from([EAST, CENTRAL, MOUNTAIN, PACIFIC]),
    seed=st.integers(0, 1000),
)
def test_the_maxima_are_those_of_brute_force_in_any_order(first, step_hours, rows, offset, seed):
    start = dt.datetime.fromtimestamp(first * 3600, tz=dt.UTC)
    hours = temps(start, rows, step_hours=step_hours)
    order = list(range(len(hours.epochs)))
    random.Random(seed).shuffle(order)
    shuffled, dropped = ordered_temps(
        hours.epochs[order], hours.temps_f[:, order], numbers=hours.numbers
    )

    found = daily_maxima(hours, offset=offset).whole_days()

    assert dropped == 0
    assert daily_maxima(shuffled, offset=offset).whole_days() == found
    for row in hours.numbers:
        expected = brute_force(hours, row, offset=offset)
        assert {day: values[row] for day, values in found.items() if row in values} == expected
