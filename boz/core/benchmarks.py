"""Measurements of our own speed: the work, the median of several runs, what that is a second.

An app registers its parts of a benchmark in ``<app>/benchmarks.py``. They run in a database of
their own, made for the purpose; nothing in a test ever asserts a time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from boz.core.errors import DataUnavailable

#: Runs of a part, after one that is not counted.
RUNS = 5


@dataclass(frozen=True, slots=True)
class Measurement:
    """One part of a benchmark.

    Args:
        work: What one run does, in a sentence with its amounts.
        amount: How much of ``unit`` one run handles.
        seconds: Each run's time, in order.
        notes: What the reader must know to judge it.
    """

    part: str
    work: str
    amount: float
    unit: str
    seconds: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def median_seconds(self) -> float:
        """Return the median of the runs."""
        return statistics.median(self.seconds)

    @property
    def per_second(self) -> float:
        """Return how much a second handles, by the median run."""
        return self.amount / self.median_seconds

    def as_json(self) -> dict[str, Any]:
        """Return the shape that ``benchmark --json`` prints."""
        return {
            "part": self.part,
            "work": self.work,
            "seconds": round(self.median_seconds, 6),
            "per_second": round(self.per_second, 1),
            "unit": self.unit,
            "runs": len(self.seconds),
            "fastest_seconds": round(min(self.seconds), 6),
            "slowest_seconds": round(max(self.seconds), 6),
            "notes": list(self.notes),
        }


BenchmarkPart = Callable[[], Sequence[Measurement]]

_PARTS: dict[str, list[BenchmarkPart]] = {}


def register_benchmark(name: str, part: BenchmarkPart) -> None:
    """Add a part to the benchmark of this name; the same part twice is one."""
    parts = _PARTS.setdefault(name, [])
    if part not in parts:
        parts.append(part)


def benchmark_names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(_PARTS)


def run_benchmark(name: str) -> list[Measurement]:
    """Run every part of a benchmark.

    Raises:
        DataUnavailable: If there is none of this name; the message lists those there are.
    """
    parts = _PARTS.get(name)
    if parts is None:
        raise DataUnavailable(
            f"There is no benchmark {name!r}. There are: {', '.join(benchmark_names())}.",
            {"name": name},
        )
    return [measurement for part in parts for measurement in part()]


def timed(
    work: Callable[[Any], object],
    *,
    prepare: Callable[[], Any] = lambda: None,
    runs: int = RUNS,
    monotonic: Callable[[], float] = time.perf_counter,
) -> tuple[float, ...]:
    """Return the seconds of each run of ``work``, after one that warms up and is not counted.

    Args:
        work: What is measured; it gets what ``prepare`` returned.
        prepare: Makes the ground for each run; its time is not counted.
        runs: How many runs are counted.
        monotonic: Clock, replaced in tests.
    """
    seconds = []
    for _ in range(runs + 1):
        ground = prepare()
        started = monotonic()
        work(ground)
        seconds.append(monotonic() - started)
    return tuple(seconds[1:])
