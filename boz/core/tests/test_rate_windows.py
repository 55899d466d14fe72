from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.rate_windows import WindowLimiter, seconds_left, shared_windows

MIDNIGHT = 1_795_132_800.0
FREE = ((60, 600.0), (3600, 5000.0), (86400, 10000.0))


class Clock:
    def __init__(self, now: float = MIDNIGHT) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_weights_pass_until_the_minute_of_the_clock_is_full() -> None:
    clock = Clock(MIDNIGHT + 45)
    limiter = WindowLimiter(FREE, clock=clock)

    assert [limiter.reserve(200) for _ in range(4)] == [0, 0, 0, 15]


def test_a_light_call_uses_the_room_that_a_heavy_one_could_not() -> None:
    limiter = WindowLimiter(((60, 10.0),), clock=Clock())

    assert [limiter.reserve(weight) for weight in (8, 5, 2)] == [0, 60, 0]


def test_the_turn_of_a_window_forgets_what_passed() -> None:
    clock = Clock(MIDNIGHT + 59)
    limiter = WindowLimiter(((60, 10.0),), clock=clock)
    limiter.reserve(10)
    clock.now += 1

    assert [limiter.reserve(10), limiter.reserve(1)] == [0, 60]


def test_a_full_hour_and_a_full_day_are_waited_out() -> None:
    clock = Clock(MIDNIGHT + 600)
    limiter = WindowLimiter(((3600, 50.0), (86400, 100.0)), clock=clock)

    assert [limiter.reserve(50) for _ in range(3)] == [0, 3000, 86400 - 600]


def test_a_booking_given_back_is_free_again() -> None:
    limiter = WindowLimiter(((60, 10.0),), clock=Clock())
    limiter.reserve(10)
    assert limiter.reserve(10) == 60
    assert limiter.reserve(10) == 120
    limiter.give_back(10)

    assert limiter.reserve(10) == 120


def test_giving_back_a_call_that_could_have_gone_at_once_makes_room_now() -> None:
    limiter = WindowLimiter(((60, 10.0),), clock=Clock())
    limiter.reserve(10)
    limiter.give_back(10)

    assert limiter.reserve(10) == 0


def test_a_pause_holds_everything_back_even_what_is_not_counted() -> None:
    limiter = WindowLimiter(FREE, clock=Clock())
    limiter.pause(90)
    limiter.pause(30)

    assert (limiter.reserve(1), limiter.reserve(0)) == (90, 90)


def test_what_is_not_counted_passes_a_full_window() -> None:
    limiter = WindowLimiter(((60, 1.0),), clock=Clock())
    limiter.reserve(1)

    assert limiter.reserve(0) == 0


def test_a_call_heavier_than_a_window_gets_an_empty_one() -> None:
    limiter = WindowLimiter(((60, 10.0),), clock=Clock())
    limiter.reserve(1)

    assert [limiter.reserve(25), limiter.reserve(10)] == [60, 120]


def test_a_clock_that_is_set_back_locks_nothing() -> None:
    clock = Clock(MIDNIGHT + 86400 * 365)
    limiter = WindowLimiter(FREE, clock=clock)
    limiter.reserve(600)
    limiter.pause(3600)
    clock.now = MIDNIGHT

    assert limiter.reserve(600) == 0
    limiter.pause(30)
    assert limiter.reserve(0) == 30


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_senseless_weight_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        WindowLimiter(FREE).reserve(weight)


@pytest.mark.parametrize("windows", [(), ((0, 5.0),), ((60, 0.0),)])
def test_senseless_windows_are_refused(windows: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(ValueError, match="windows"):
        WindowLimiter(windows)


def test_many_threads_never_exceed_a_window() -> None:
    limiter = WindowLimiter(((60, 5.0),), clock=Clock())
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.append(limiter.reserve())) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == sorted(60.0 * (number // 5) for number in range(50))


@given(
    start=st.integers(0, 200_000),
    steps=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 12)), max_size=60),
)
def test_no_window_is_ever_overbooked(start: int, steps: list[tuple[int, int]]) -> None:
    clock = Clock(float(start))
    windows = ((60, 12.0), (3600, 60.0), (86400, 150.0))
    limiter = WindowLimiter(windows, clock=clock)
    sent: list[tuple[float, int]] = []
    for pause, weight in steps:
        clock.now += pause
        sent.append((clock.now + limiter.reserve(weight), weight))

    for length, limit in windows:
        used: dict[float, int] = {}
        for moment, weight in sent:
            used[moment // length] = used.get(moment // length, 0) + weight
        assert all(total <= limit for total in used.values())


def test_seconds_left_in_a_window() -> None:
    assert seconds_left(3600, now=MIDNIGHT + 3599.5) == 0.5
    assert seconds_left(60, now=MIDNIGHT) == 60


def test_a_family_of_hosts_shares_one_limiter() -> None:
    first = shared_windows("t-family", FREE)

    assert shared_windows("t-family", FREE) is first
    assert shared_windows("t-other", FREE) is not first
    assert shared_windows("t-family", ((60, 30.0),)) is not first
