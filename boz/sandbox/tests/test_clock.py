from __future__ import annotations

import datetime as dt

import pytest

from boz.sandbox.clock import ClockBackwardsError, SimulatedClock

START = dt.datetime(2024, 11, 14, 15, tzinfo=dt.UTC)


def test_stands_still_until_it_is_set():
    ticks = iter(range(100))
    clock = SimulatedClock(START, monotonic=lambda: float(next(ticks)))
    assert clock.now() == clock.now() == START
    assert clock.set(START + dt.timedelta(hours=1)) == clock.now()


def test_runs_at_its_speed_from_the_last_setting():
    real = [0.0]
    clock = SimulatedClock(START, speed=60.0, monotonic=lambda: real[0])
    real[0] = 2.0
    assert clock.now() == START + dt.timedelta(minutes=2)
    clock.advance(dt.timedelta(hours=1))
    real[0] = 3.0
    assert clock.now() == START + dt.timedelta(hours=1, minutes=3)


def test_never_goes_back():
    clock = SimulatedClock(START)
    with pytest.raises(ClockBackwardsError, match="only goes forward"):
        clock.set(START - dt.timedelta(seconds=1))
    with pytest.raises(ClockBackwardsError):
        clock.advance(dt.timedelta(seconds=-1))
    assert clock.now() == START


def test_setting_the_present_again_is_allowed():
    assert SimulatedClock(START).set(START) == START


def test_refuses_a_moment_without_a_zone():
    with pytest.raises(ValueError, match="time zone"):
        SimulatedClock(START.replace(tzinfo=None))


@pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
def test_refuses_an_impossible_speed(speed: float):
    with pytest.raises(ValueError, match="speed"):
        SimulatedClock(START, speed=speed)
