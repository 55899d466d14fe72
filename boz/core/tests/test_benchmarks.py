from __future__ import annotations

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from boz.core import benchmarks
from boz.core.benchmarks import Measurement, register_benchmark, run_benchmark, timed
from boz.core.errors import DataUnavailable


@pytest.fixture
def own_registry(monkeypatch):
    monkeypatch.setattr(benchmarks, "_PARTS", {})


def measurement(*seconds: float, amount: float = 100.0) -> Measurement:
    return Measurement("part", "a hundred rows", amount, "rows", seconds)


def test_the_median_counts_and_not_the_best_or_the_mean():
    found = measurement(1.0, 2.0, 9.0)

    assert found.median_seconds == 2.0
    assert found.per_second == 50.0
    assert found.as_json()["fastest_seconds"] == 1.0


def test_the_first_run_warms_up_and_its_preparation_is_never_counted():
    clock = iter(range(100))
    grounds = []

    def prepare() -> int:
        next(clock)
        grounds.append(len(grounds))
        return grounds[-1]

    worked = []
    seconds = timed(worked.append, prepare=prepare, runs=5, monotonic=lambda: next(clock))

    assert seconds == (1, 1, 1, 1, 1)
    assert worked == grounds == [0, 1, 2, 3, 4, 5]


def test_a_benchmark_runs_all_its_parts_in_order(own_registry):
    register_benchmark("both", first := lambda: [measurement(1.0)])
    register_benchmark("both", lambda: [measurement(2.0)])
    register_benchmark("both", first)

    assert [item.median_seconds for item in run_benchmark("both")] == [1.0, 2.0]


def test_an_unknown_name_is_refused_with_those_there_are(own_registry):
    register_benchmark("known", list)

    with pytest.raises(DataUnavailable, match="There are: known"):
        run_benchmark("unknown")
    with pytest.raises(CommandError, match="There are: known"):
        call_command("benchmark", "unknown")


@pytest.mark.django_db
def test_the_command_prints_one_document_whose_head_is_the_first_part(own_registry, monkeypatch):
    register_benchmark("known", lambda: [measurement(2.0), measurement(4.0)])
    out = io.StringIO()

    call_command("benchmark", "known", "--here", stdout=out)

    document = json.loads(out.getvalue().splitlines()[-1])
    assert (document["seconds"], document["per_second"]) == (2.0, 50.0)
    assert [part["seconds"] for part in document["parts"]] == [2.0, 4.0]
