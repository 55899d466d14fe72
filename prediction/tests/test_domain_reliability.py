from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, kstest

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.distribution import IntegerPmf
from prediction.domain.reliability import (
    coverage,
    expected_reliability_index,
    interval_hit,
    pit_histogram,
    randomised_pit,
    reliability_index,
    reliability_points,
)

#: Sharp, so that one degree holds a good part of the probability.
SHARP = gaussian_pmf(mean_f=60.2, sd_f=0.9)


def ranks(pmf, count, seed=9):
    rng = np.random.default_rng(seed)
    drawn = rng.choice(pmf.degrees, count, p=pmf.probabilities).astype(int)
    return [randomised_pit(pmf, int(y), rng) for y in drawn]


def test_randomised_pit_of_a_calibrated_forecast_is_uniform_and_repeatable():
    values = ranks(SHARP, 4000)

    assert kstest(values, "uniform").pvalue > 0.01
    assert values == ranks(SHARP, 4000)


def test_pit_of_an_impossible_outcome_is_an_end():
    rng = np.random.default_rng(1)
    sure = IntegerPmf(70, np.array([1.0]))

    assert randomised_pit(sure, 69, rng) == 0
    assert randomised_pit(sure, 71, rng) == 1


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_coverage_of_a_sharp_whole_degree_forecast_has_no_bias(level):
    """End degrees counted as inside would give .79, .93 and .98 here."""
    assert coverage(ranks(SHARP, 20_000), level) == pytest.approx(level, abs=0.012)


def test_hits_are_ranks_within_half_the_level_of_the_middle():
    assert interval_hit(0.11, 0.8)
    assert not interval_hit(0.09, 0.8)
    assert not interval_hit(1.0, 0.9)


def test_histogram_counts_every_rank_once_the_last_bin_closed():
    assert pit_histogram([0, 0.05, 0.5, 1.0]).tolist() == [2, 0, 0, 0, 0, 1, 0, 0, 0, 1]


def test_reliability_index_is_zero_when_flat_and_known_when_all_in_one_bin():
    assert reliability_index((np.arange(100) + 0.5) / 100) == pytest.approx(0, abs=1e-12)
    assert reliability_index([0.55] * 40) == pytest.approx(0.9 + 9 * 0.1)


def test_expected_index_is_what_chance_gives():
    rng = np.random.default_rng(3)
    found = np.mean([reliability_index(rng.random(400)) for _ in range(400)])

    assert expected_reliability_index(400) == pytest.approx(
        10 * 0.798 * math.sqrt(0.09 / 400), rel=1e-3
    )
    assert found == pytest.approx(expected_reliability_index(400), rel=0.05)


def test_reliability_points_of_honest_probabilities_lie_within_their_intervals():
    rng = np.random.default_rng(8)
    probabilities = rng.random(5000)
    points = reliability_points(
        probabilities, (rng.random(5000) < probabilities).tolist(), level=0.999
    )

    assert len(points) == 10
    assert sum(point.count for point in points) == 5000
    assert all(p.consistent_low <= p.frequency <= p.consistent_high for p in points)


def test_consistency_interval_is_the_binomial_one():
    (point,) = reliability_points([0.31] * 50, [True] * 20 + [False] * 30)

    assert point.probability == pytest.approx(0.31)
    assert point.frequency == 0.4
    assert point.consistent_low == binom.ppf(0.05, 50, 0.31) / 50
    assert point.consistent_high == binom.ppf(0.95, 50, 0.31) / 50


def test_sure_probabilities_have_no_interval_and_empty_bins_no_point():
    points = reliability_points([0.0, 0.0, 1.0], [False, False, True])

    assert [(p.count, p.consistent_low, p.consistent_high) for p in points] == [
        (2, 0, 0),
        (1, 1, 1),
    ]


def test_nothing_to_judge_is_unavailable_and_nonsense_is_refused():
    for nothing in (lambda: coverage([], 0.8), lambda: reliability_index([])):
        with pytest.raises(DataUnavailable):
            nothing()
    for nonsense in (
        lambda: pit_histogram([1.2]),
        lambda: pit_histogram([math.nan]),
        lambda: interval_hit(0.5, 1.0),
        lambda: reliability_points([0.5], []),
        lambda: expected_reliability_index(0),
    ):
        with pytest.raises(InvalidDataError):
            nonsense()
