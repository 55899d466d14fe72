from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from boz.core.errors import DataUnavailable, InvalidDataError, QuarantinedError
from boz.core.schemas import Bracket
from prediction.domain.discretised import empirical_pmf, gaussian_pmf, quantile_pmf
from prediction.domain.distribution import IntegerPmf, linear_pool

LADDER = [
    Bracket(high_f=51),
    Bracket(low_f=52, high_f=53),
    Bracket(low_f=54, high_f=55),
    Bracket(low_f=56, high_f=57),
    Bracket(low_f=58, high_f=59),
    Bracket(low_f=60),
]
MEANS = st.floats(-40, 120)
SPREADS = st.floats(0.3, 12)


def test_half_degree_correction_gives_the_known_ladder():
    ladder = gaussian_pmf(mean_f=55, sd_f=2.3).ladder(LADDER)

    assert [round(p, 3) for p in ladder] == [0.064, 0.193, 0.329, 0.275, 0.113, 0.025]


def test_naive_edges_would_count_sixty_percent():
    """Why the correction matters: integer edges of a continuous forecast lose the gaps."""
    cdf = norm(55, 2.3).cdf
    naive = sum(cdf(b.high_f) - cdf(b.low_f) for b in LADDER[1:-1])
    naive += cdf(51) + 1 - cdf(60)

    corrected = math.fsum(gaussian_pmf(mean_f=55, sd_f=2.3).ladder(LADDER))

    assert naive < 0.65
    assert corrected == pytest.approx(1, abs=1e-12)


@settings(deadline=None)  # a busy machine is no failure
@given(mean=MEANS, sd=SPREADS, first=st.integers(-60, 100), width=st.integers(1, 4))
def test_any_ladder_adds_up_to_one(mean, sd, first, width):
    inner = [Bracket(low_f=first + i * width, high_f=first + (i + 1) * width - 1) for i in range(4)]
    ladder = [Bracket(high_f=first - 1), *inner, Bracket(low_f=first + 4 * width)]

    parts = gaussian_pmf(mean_f=mean, sd_f=sd).ladder(ladder)

    assert abs(math.fsum(parts) - 1) <= 1e-12
    assert all(part > 0 for part in parts)


@settings(deadline=None)  # a busy machine is no failure
@given(mean=MEANS, sd=SPREADS)
def test_cdf_rises_from_zero_to_one_and_the_quantile_inverts_it(mean, sd):
    pmf = gaussian_pmf(mean_f=mean, sd_f=sd)
    cdf = [pmf.cdf(k) for k in range(-81, 142)]

    assert cdf[0] == 0
    assert cdf[-1] == 1
    assert all(a <= b for a, b in itertools.pairwise(cdf))
    for level in (0.05, 0.5, 0.9):
        k = pmf.quantile(level)
        assert pmf.cdf(k) >= level - 1e-9
        assert pmf.cdf(k - 1) < level


@settings(deadline=None)  # a busy machine is no failure
@given(mean=st.floats(0, 90), sd=st.floats(0.8, 8))
def test_moments_match_the_gaussian_with_sheppards_correction(mean, sd):
    pmf = gaussian_pmf(mean_f=mean, sd_f=sd)

    assert pmf.mean_f == pytest.approx(mean, abs=0.01)
    assert pmf.sd_f == pytest.approx(math.sqrt(sd**2 + 1 / 12), abs=0.02)


@settings(deadline=None)  # a busy machine is no failure
@given(mean=MEANS, sd=SPREADS, bound=st.integers(-90, 150))
def test_nothing_below_an_observed_maximum_survives(mean, sd, bound):
    pmf = gaussian_pmf(mean_f=mean, sd_f=sd)

    cut = pmf.truncated_below(bound)

    assert abs(math.fsum(cut.probabilities) - 1) <= 1e-12
    assert cut.cdf(bound - 1) == 0
    assert cut.cdf(500) == 1
    assert cut.probability(Bracket(low_f=bound)) == pytest.approx(1, abs=1e-12)


def test_truncation_keeps_the_relative_odds_above_the_bound():
    pmf = gaussian_pmf(mean_f=55, sd_f=2.3)

    cut = pmf.truncated_below(56)

    assert cut.at(58) / cut.at(56) == pytest.approx(pmf.at(58) / pmf.at(56), rel=1e-9)
    assert cut.ladder(LADDER)[:3] == [0, 0, 0]
    assert all(part > 0 for part in cut.ladder(LADDER)[3:])


def test_refuted_forecast_stays_near_what_was_observed():
    cut = gaussian_pmf(mean_f=50, sd_f=1).truncated_below(70)

    assert cut.at(70) == pytest.approx(0.5, abs=1e-6)
    assert cut.mean_f == pytest.approx(71, abs=1e-3)


@settings(deadline=None)  # a busy machine is no failure
@given(mean=MEANS, sd=SPREADS, other=MEANS, weight=st.floats(0, 1))
def test_mixture_is_linear_in_every_bracket(mean, sd, other, weight):
    a, b = gaussian_pmf(mean_f=mean, sd_f=sd), gaussian_pmf(mean_f=other, sd_f=4, low_f=-60)

    mixed = a.mixed_with(b, weight)

    for bracket in LADDER:
        expected = (1 - weight) * a.probability(bracket) + weight * b.probability(bracket)
        assert mixed.probability(bracket) == pytest.approx(expected, abs=1e-12)


def test_zero_degrees_is_a_temperature():
    pmf = gaussian_pmf(mean_f=0, sd_f=2)

    assert pmf.probability(Bracket(high_f=0)) == pytest.approx(norm.cdf(0.25), abs=1e-9)
    assert pmf.truncated_below(0).cdf(-1) == 0


def test_far_tail_is_tiny_but_not_impossible():
    pmf = gaussian_pmf(mean_f=55, sd_f=1)

    assert 0 < pmf.probability(Bracket(low_f=120)) < 1e-9


def test_incomplete_ladder_is_quarantined():
    with pytest.raises(QuarantinedError, match="no complete ladder"):
        gaussian_pmf(mean_f=55, sd_f=2.3).ladder(LADDER[:-1])


@pytest.mark.parametrize(
    ("mean", "sd"), [(math.nan, 2), (55, math.nan), (-200, 2), (55, 0), (55, -1), (math.inf, 2)]
)
def test_absurd_gaussian_is_refused(mean, sd):
    with pytest.raises(InvalidDataError):
        gaussian_pmf(mean_f=mean, sd_f=sd)


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -0.1], [1.0, math.nan], []])
def test_weights_that_are_no_distribution_are_refused(weights):
    with pytest.raises(InvalidDataError):
        IntegerPmf.from_weights(50, np.array(weights))


def test_probabilities_cannot_be_changed_afterwards():
    source = np.array([0.5, 0.5])
    pmf = IntegerPmf(50, source)
    source[0] = 9

    assert pmf.at(50) == 0.5
    with pytest.raises(ValueError, match="read-only"):
        pmf.probabilities[0] = 1


def test_empirical_pmf_of_one_value_is_its_kernel():
    a = empirical_pmf([55.0], 2.3)
    b = gaussian_pmf(mean_f=55, sd_f=2.3)

    assert np.allclose(a.probabilities, b.probabilities, atol=1e-15)


def test_empirical_pmf_weighs_its_values():
    pmf = empirical_pmf([40.0, 60.0], 1.0, weights=[3, 1])

    assert pmf.cdf(50) == pytest.approx(0.75, abs=1e-9)


def test_empirical_pmf_needs_values_that_can_be_temperatures():
    with pytest.raises(DataUnavailable):
        empirical_pmf([], 1.0)
    with pytest.raises(InvalidDataError):
        empirical_pmf([50, math.nan], 1.0)
    with pytest.raises(InvalidDataError):
        empirical_pmf([50, -200], 1.0)


NBM_LEVELS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]


@settings(deadline=None)  # a busy machine is no failure
@given(mean=st.floats(0, 100), sd=st.floats(0.5, 8))
def test_quantiles_of_a_gaussian_give_that_gaussian_back(mean, sd):
    pmf = quantile_pmf(NBM_LEVELS, norm(mean, sd).ppf(NBM_LEVELS))

    expected = gaussian_pmf(mean_f=mean, sd_f=sd)
    assert np.abs(pmf.probabilities - expected.probabilities).max() < 1e-10


def test_stated_quantiles_are_met_where_they_fall_between_degrees():
    temps = [50.5, 56.5, 58.5, 61.5, 62.5, 66.5, 68.5, 69.5, 75.5]
    pmf = quantile_pmf(NBM_LEVELS, temps)

    assert [pmf.cdf(int(t)) for t in temps] == pytest.approx(NBM_LEVELS, abs=1e-12)
    assert (pmf.probabilities > 0).all()


def test_tails_beyond_the_quantiles_go_on_with_the_last_slope():
    pmf = quantile_pmf([0.1, 0.5, 0.9], [50.5, 60.5, 62.5])

    warm_sd = 2 / norm.ppf(0.9)
    assert pmf.probability(Bracket(low_f=66)) == pytest.approx(norm.sf(65.5, 60.5, warm_sd))
    cold_sd = 10 / norm.ppf(0.9)
    assert pmf.cdf(40) == pytest.approx(norm.cdf(40.5, 60.5, cold_sd))


def test_equal_quantiles_are_read_as_rounding():
    pmf = quantile_pmf([0.4, 0.5, 0.6, 0.9], [60, 60, 60, 64])

    assert pmf.at(60) > pmf.at(57) > 0
    assert pmf.mean_f == pytest.approx(60, abs=0.3)


@pytest.mark.parametrize(
    ("levels", "temps"),
    [
        ([0.1, 0.9], [60, 50]),
        ([0.1, 0.9], [60, 60]),
        ([0.9, 0.1], [50, 60]),
        ([0.0, 0.9], [50, 60]),
        ([0.1, 1.0], [50, 60]),
        ([0.5], [60]),
        ([0.1, 0.9], [50]),
        ([0.1, 0.9], [50, math.nan]),
        ([0.1, 0.9], [50, 300]),
    ],
)
def test_quantiles_that_make_no_distribution_are_refused(levels, temps):
    with pytest.raises(InvalidDataError):
        quantile_pmf(levels, temps)


def test_distribution_from_cumulative_values():
    pmf = IntegerPmf.from_cdf_values(60, [0.25, 0.25, 1.0])

    assert pmf.probabilities.tolist() == [0.25, 0, 0.75]


@pytest.mark.parametrize("values", [[0.5, 0.4, 1], [0.5, 0.9], [-0.1, 1], [0.5, 1.1], []])
def test_cumulative_values_must_rise_to_one(values):
    with pytest.raises(InvalidDataError):
        IntegerPmf.from_cdf_values(60, values)


@settings(deadline=None)  # a busy machine is no failure
@given(weights=st.lists(st.floats(0, 9), min_size=3, max_size=3).filter(lambda w: sum(w) > 0.01))
def test_linear_pool_is_linear_in_every_bracket(weights):
    pmfs = [
        gaussian_pmf(mean_f=50, sd_f=2),
        gaussian_pmf(mean_f=56, sd_f=4, low_f=0),
        IntegerPmf(70, np.array([0.5, 0.5])),
    ]

    pool = linear_pool(pmfs, weights)

    for bracket in LADDER:
        parts = [w * p.probability(bracket) for w, p in zip(weights, pmfs, strict=True)]
        assert pool.probability(bracket) == pytest.approx(sum(parts) / sum(weights), abs=1e-12)


def test_linear_pool_of_one_is_itself_and_of_two_the_mixture():
    a, b = gaussian_pmf(mean_f=50, sd_f=2), gaussian_pmf(mean_f=56, sd_f=4, low_f=-60)

    assert np.allclose(linear_pool([a], [7.0]).probabilities, a.probabilities, atol=1e-15)
    pool, mixture = linear_pool([a, b], [3, 1]), a.mixed_with(b, 0.25)
    assert np.allclose(pool.probabilities, mixture.probabilities, atol=1e-15)


def test_member_without_weight_does_not_widen_the_support():
    sure = IntegerPmf(70, np.array([1.0]))

    assert linear_pool([sure, gaussian_pmf(mean_f=50, sd_f=2)], [1, 0]).low_f == 70


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.nan]])
def test_mixture_weights_that_are_none_are_refused(weights):
    pmf = gaussian_pmf(mean_f=50, sd_f=2)
    with pytest.raises(InvalidDataError):
        linear_pool([pmf, pmf], weights)


def test_empty_mixture_is_unavailable():
    with pytest.raises(DataUnavailable):
        linear_pool([], [])


@settings(deadline=None)  # a busy machine is no failure
@given(mean=st.floats(30, 80), sd=st.floats(1, 6), factor=st.floats(0.5, 2.5))
def test_widening_scales_the_spread_about_the_median(mean, sd, factor):
    pmf = gaussian_pmf(mean_f=mean, sd_f=sd)

    wide = pmf.widened(factor)

    expected = gaussian_pmf(mean_f=mean, sd_f=sd * factor)
    assert np.abs(wide.probabilities - expected.probabilities).max() < 2e-3
    assert wide.sd_f == pytest.approx(expected.sd_f, rel=0.01)
    assert abs(math.fsum(wide.probabilities) - 1) <= 1e-12


@settings(deadline=None)  # a busy machine is no failure
@given(mean=MEANS, sd=SPREADS, bound=st.integers(-60, 130), factor=st.floats(0.3, 4))
def test_widening_revives_no_dead_degree_and_kills_none(mean, sd, bound, factor):
    pmf = gaussian_pmf(mean_f=mean, sd_f=sd).truncated_below(bound)

    wide = pmf.widened(factor)

    assert ((wide.probabilities > 0) == (pmf.probabilities > 0)).all()


def test_widening_by_one_changes_nothing():
    pmf = gaussian_pmf(mean_f=50, sd_f=2)

    assert pmf.widened(1.0) is pmf


@pytest.mark.parametrize("factor", [0.0, -1.0, math.nan, math.inf])
def test_factor_must_be_above_zero(factor):
    with pytest.raises(InvalidDataError):
        gaussian_pmf(mean_f=50, sd_f=2).widened(factor)


@settings(deadline=None)  # a busy machine is no failure
@given(mean=MEANS, sd=SPREADS, bound=st.integers(-90, 130))
def test_trimmed_copy_is_small_and_says_the_same(mean, sd, bound):
    pmf = gaussian_pmf(mean_f=mean, sd_f=sd).truncated_below(bound)

    small = pmf.trimmed()

    assert abs(math.fsum(small.probabilities) - 1) <= 1e-12
    assert all(small.at(k) == 0 for k in range(-80, bound))
    assert (small.probabilities > 0).all()
    for bracket in LADDER:
        assert small.probability(bracket) == pytest.approx(pmf.probability(bracket), abs=3e-12)


def test_trimmed_gaussian_keeps_seven_standard_deviations_on_each_side():
    small = gaussian_pmf(mean_f=60, sd_f=3).trimmed()

    assert (small.low_f, small.high_f) == (39, 81)


def test_widened_bounded_distribution_puts_its_mass_above_the_bound():
    pmf = gaussian_pmf(mean_f=60, sd_f=3).truncated_below(62)

    wide = pmf.widened(1.5)

    assert wide.cdf(61) == 0
    assert wide.sd_f > 1.2 * pmf.sd_f


def test_sure_degree_stays_sure_when_widened():
    assert IntegerPmf(60, np.array([1.0])).widened(2.0).at(60) == 1


def test_trimming_keeps_zeros_inside_and_sure_things():
    gap = IntegerPmf(60, np.array([0.5, 0.0, 0.5]))

    assert gap.trimmed().probabilities.tolist() == [0.5, 0, 0.5]
    assert IntegerPmf(60, np.array([0.0, 1.0, 0.0])).trimmed().low_f == 61
    with pytest.raises(InvalidDataError):
        gap.trimmed(0.5)
