from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.aggregation import (
    ExpertWeights,
    aggregate_experts,
    quantile_weight_history,
    weight_history,
)

NAMES = ("good", "fair", "poor")


def losses(rounds=300, seed=1):
    """Gamma losses with means 1, 1.3 and 2, about the spread of a CRPS."""
    rng = np.random.default_rng(seed)
    return rng.gamma(2, 1, (rounds, 3)) * np.array([0.5, 0.65, 1.0])


def pooled_loss(history, table):
    return float((history[:-1] * table).sum(axis=-1).mean())


def test_nothing_seen_is_the_prior():
    weights = aggregate_experts(NAMES, np.empty((0, 3)), prior=[1, 2, 1])

    assert weights.weights.tolist() == [0.25, 0.5, 0.25]


def test_the_best_expert_gets_most_and_the_pool_is_hardly_worse():
    table = losses(600)

    history = weight_history(table)

    assert history[-1].argmax() == 0
    assert history[-1][0] > 0.6
    assert pooled_loss(history, table) < table.mean(axis=0).min() + 0.08


@settings(deadline=None, max_examples=40)  # a busy machine is no failure
@given(
    table=arrays(
        np.float64,
        st.tuples(st.integers(0, 30), st.integers(1, 5)),
        elements=st.one_of(st.floats(0, 100), st.just(math.nan), st.just(0.0)),
    )
)
def test_weights_are_a_division_of_one_whatever_came(table):
    history = weight_history(table)

    assert history.shape == (table.shape[0] + 1, table.shape[1])
    assert (history >= 0).all()
    assert np.abs(history.sum(axis=1) - 1).max() < 1e-12


def test_weights_use_earlier_losses_only():
    table = losses(50)
    other = table.copy()
    other[30:] = 99.0 * np.arange(1, 4)

    assert (weight_history(table)[:31] == weight_history(other)[:31]).all()
    assert (weight_history(table)[31] != weight_history(other)[31]).any()


def test_a_round_is_learnt_as_the_formula_says():
    """One round by hand: prior 1/2, losses 1 and 3, no share, nothing forgotten."""
    history = weight_history(np.array([[1.0, 3.0]]), share=0.0, forget=0.0)

    regret = np.array([1.0, -1.0])
    rate = min(0.5, math.sqrt(math.log(4.0)))
    expected = np.exp(rate * (regret - rate * regret**2))
    assert history[1] == pytest.approx(expected / expected.sum(), rel=1e-12)


def test_scale_of_the_losses_does_not_matter():
    table = losses(100)

    assert weight_history(table * 1024.0) == pytest.approx(weight_history(table), abs=1e-12)


def test_sleeping_keeps_an_expert_where_it_was_among_the_others():
    table = losses(200)
    table[100:, 0] = math.nan

    history = weight_history(table, share=0.0, forget=0.0)

    awake = history[100:, 1:] / history[100:, 1:].sum(axis=1, keepdims=True)
    assert history[-1][0] > 0.2
    assert awake[-1].argmax() == 0


def test_rounds_in_which_all_sleep_change_nothing():
    table = losses(50)
    gap = np.vstack([table, np.full((5, 3), math.nan)])

    history = weight_history(gap, share=0.0, forget=0.0)

    assert history[-1] == pytest.approx(history[50], abs=1e-15)


def test_an_expert_that_turns_good_recovers():
    rng = np.random.default_rng(3)
    table = rng.gamma(2, 0.5, (600, 2))
    table[:300, 0] += 0.5
    table[300:, 1] += 0.5

    history = weight_history(table)

    never_forgets = weight_history(table, share=0.0, forget=0.0)
    fast = weight_history(table, forget=0.02)
    assert history[300][1] > 0.9
    assert fast[350][0] > 0.4
    assert history[-1][0] > 0.9
    assert never_forgets[-1][0] < 0.1
    assert (
        pooled_loss(fast, table) < pooled_loss(history, table) < pooled_loss(never_forgets, table)
    )


def test_one_absurd_loss_is_no_disaster():
    table = losses(400)
    table[200, 0] = 50.0

    history = weight_history(table)

    assert np.isfinite(history).all()
    assert history[-1][0] > 1 / 3


def test_every_quantile_level_has_its_own_weights():
    table = np.stack([losses(80, seed) for seed in (1, 2)], axis=1)

    history = weight_history(table)

    assert history.shape == (81, 2, 3)
    assert history[:, 1] == pytest.approx(weight_history(table[:, 1]), abs=1e-15)


def test_gradient_of_the_pinball_loss_finds_the_mixture_that_beats_both_experts():
    """One expert is 2 too high, one 2 too low: the mean of the two is right."""
    rng = np.random.default_rng(12)
    truth = rng.normal(0, 1, 800)
    said = np.stack([np.full(800, 2.0), np.full(800, -2.0)], axis=-1)[:, None, :]

    history = quantile_weight_history(said, truth, [0.5])

    late = history[400:, 0, :].mean(axis=0)
    assert late == pytest.approx([0.5, 0.5], abs=0.1)


def test_quantile_weights_allow_for_sleep():
    rng = np.random.default_rng(13)
    said = rng.normal(0, 1, (60, 3, 4))
    said[10:30, :, 2] = math.nan

    history = quantile_weight_history(said, rng.normal(0, 1, 60), [0.1, 0.5, 0.9])

    assert history.shape == (61, 3, 4)
    assert np.abs(history.sum(axis=-1) - 1).max() < 1e-12


def test_weights_of_those_present_are_scaled_in_the_order_of_names():
    weights = ExpertWeights(NAMES, np.array([0.5, 0.3, 0.2]))

    assert weights.renormalised({"poor", "good"}) == {"good": 0.5 / 0.7, "poor": 0.2 / 0.7}
    assert list(weights.renormalised({"poor", "good"})) == ["good", "poor"]


def test_present_experts_of_no_weight_share_equally():
    weights = ExpertWeights(NAMES, np.array([1.0, 0.0, 0.0]))

    assert weights.renormalised(["fair", "poor"]) == {"fair": 0.5, "poor": 0.5}


def test_nobody_present_is_unavailable_and_strangers_are_refused():
    weights = ExpertWeights(NAMES, np.array([0.5, 0.3, 0.2]))

    with pytest.raises(DataUnavailable):
        weights.renormalised([])
    with pytest.raises(InvalidDataError):
        weights.renormalised(["stranger"])


@pytest.mark.parametrize(
    ("names", "values"),
    [(NAMES, [0.5, 0.5]), (NAMES, [0.5, 0.6, -0.1]), (("a", "a"), [0.5, 0.5]), ((), [])],
)
def test_weights_that_are_no_division_of_one_are_refused(names, values):
    with pytest.raises(InvalidDataError):
        ExpertWeights(names, np.array(values))


@pytest.mark.parametrize(
    "settings", [{"prior": [1, 0, 1]}, {"prior": [1, 1]}, {"share": 2.0}, {"forget": 1.0}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InvalidDataError):
        weight_history(losses(5), **settings)


def test_tables_of_the_wrong_shape_or_without_bound_are_refused():
    with pytest.raises(InvalidDataError, match="3 experts"):
        aggregate_experts(NAMES, np.ones((5, 2)))
    for endless in (math.inf, -math.inf, 1e200):
        with pytest.raises(InvalidDataError, match="infinite"):
            weight_history(np.array([[1.0, endless]]))
    with pytest.raises(InvalidDataError):
        weight_history(np.ones(3))
    with pytest.raises(InvalidDataError):
        quantile_weight_history(np.ones((5, 2, 3)), np.ones(5), [0.5])
    with pytest.raises(InvalidDataError):
        quantile_weight_history(np.ones((5, 1, 3)), np.ones(5), [1.0])
