from __future__ import annotations

import threading

import pytest

from boz.core.rate_limit import TokenBucket, shared_bucket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_then_calls_queue_up() -> None:
    clock = Clock()
    bucket = TokenBucket(2.0, burst=2.0, monotonic=clock)

    assert [bucket.reserve() for _ in range(4)] == [0.0, 0.0, 0.5, 1.0]


def test_waiting_refills_up_to_the_burst() -> None:
    clock = Clock()
    bucket = TokenBucket(2.0, burst=2.0, monotonic=clock)
    for _ in range(2):
        bucket.reserve()
    clock.now += 3600

    assert [bucket.reserve() for _ in range(3)] == [0.0, 0.0, 0.5]


def test_an_unused_token_goes_back() -> None:
    bucket = TokenBucket(1.0, monotonic=Clock())
    bucket.reserve()
    assert bucket.reserve() == 1.0
    bucket.give_back()

    assert bucket.reserve() == 1.0


def test_a_heavy_call_takes_as_much_as_it_weighs() -> None:
    clock = Clock()
    bucket = TokenBucket(2.0, burst=4.0, monotonic=clock)

    assert [bucket.reserve(3.5), bucket.reserve(2.5), bucket.reserve(0.5)] == [0.0, 1.0, 1.25]
    bucket.give_back(0.5)
    clock.now += 1.0
    assert bucket.reserve() == 0.5


def test_a_call_heavier_than_the_burst_is_waited_for() -> None:
    assert TokenBucket(2.0, burst=2.0, monotonic=Clock()).reserve(8.0) == 3.0


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_a_call_without_weight_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        TokenBucket(1.0).reserve(weight)


def test_a_pause_holds_everyone_back() -> None:
    clock = Clock()
    bucket = TokenBucket(10.0, burst=10.0, monotonic=clock)

    bucket.pause(5.0)

    assert bucket.reserve() == pytest.approx(5.0)


def test_many_threads_get_no_token_twice() -> None:
    bucket = TokenBucket(1.0, burst=1.0, monotonic=Clock())
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.append(bucket.reserve())) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waits) == [float(number) for number in range(50)]


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.5)])
def test_a_senseless_limit_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        TokenBucket(rate, burst=burst)


def test_one_bucket_per_source_and_host_for_the_whole_process() -> None:
    first = shared_bucket(source="t1", host="h", rate=3.0)

    assert shared_bucket(source="t1", host="h", rate=3.0) is first
    assert shared_bucket(source="t1", host="other", rate=3.0) is not first
    assert shared_bucket(source="t2", host="h", rate=3.0) is not first
    assert shared_bucket(source="t1", host="h", rate=4.0).rate == 4.0
