from __future__ import annotations

import numpy as np
import pytest

from boz.core.benchmarks import run_benchmark
from prediction.benchmarks import crps


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(crps, "FORECASTS", 200)
    monkeypatch.setattr(crps, "DAYS", 5)
    monkeypatch.setattr(crps, "LEVELS", np.array([0.25, 0.5]))


def test_benchmark_states_its_work_and_compares_with_an_independent_implementation():
    parts = run_benchmark("crps")

    assert [part.part for part in parts] == ["ensemble", "gaussian", "aggregation"]
    assert "200 ensembles of 31 members" in parts[0].work
    assert "times ours" in parts[0].notes[0]


def test_benchmark_runs_where_the_independent_implementation_is_missing(monkeypatch):
    monkeypatch.setattr(crps, "_scoringrules", lambda: None)

    assert "not installed" in run_benchmark("crps")[0].notes[0]
