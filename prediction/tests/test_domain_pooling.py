from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import Bracket
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.pooling import (
    PRIOR,
    PoolRound,
    PoolWeights,
    fit_pool,
    log_pool,
    pooled_pmf,
)

LADDER = [
    Bracket(high_f=51),
    *(Bracket(low_f=low, high_f=low + 1) for low in (52, 54, 56, 58)),
    Bracket(low_f=60),
]
LADDERS = st.lists(st.floats(0.001, 1), min_size=6, max_size=6).map(
    lambda parts: [part / math.fsum(parts) for part in parts]
)


def days(count, model, *, seed=1, truth_is_market=True):
    """Days whose outcome follows the market's ladder, or the model's."""
    rng = np.random.default_rng(seed)
    rounds = []
    for _ in range(count):
        market = rng.dirichlet(np.full(6, 1.5))
        ours = model(rng, market)
        truth = market if truth_is_market else ours
        rounds.append(PoolRound(tuple(ours), tuple(market), int(rng.choice(6, p=truth))))
    return rounds


def blind(rng, market):
    return rng.dirichlet(np.full(6, 1.5))


def bold(rng, market):
    ladder = np.full(6, 1e-5)
    ladder[rng.integers(6)] = 1 - 5e-5
    return ladder


def near(rng, market):
    ladder = market * np.exp(rng.normal(0, 0.7, 6))
    return ladder / ladder.sum()


def walked(rounds, every=5):
    """Mean log score above the market's, each day by exponents from earlier days only."""
    excess = []
    for start in range(0, len(rounds), every):
        weights = fit_pool(rounds[:start])
        for item in rounds[start : start + every]:
            pooled = log_pool(item.model, item.market, weights)
            excess.append(math.log(item.market[item.outcome] / pooled[item.outcome]))
    return float(np.mean(excess))


@settings(deadline=None)  # a busy machine is no failure
@given(model=LADDERS, market=LADDERS)
def test_prior_is_the_market_and_the_other_corner_the_model(model, market):
    assert log_pool(model, market, PRIOR) == pytest.approx(market, abs=1e-12)
    assert log_pool(model, market, PoolWeights(1, 0, 0)) == pytest.approx(model, abs=1e-12)


@settings(deadline=None)  # a busy machine is no failure
@given(model=LADDERS, market=LADDERS, a=st.floats(0, 5), b=st.floats(0.01, 5))
def test_pool_is_a_distribution_whatever_the_exponents(model, market, a, b):
    pooled = log_pool(model, market, PoolWeights(a, b, 0))

    assert all(part >= 0 for part in pooled)
    assert math.fsum(pooled) == pytest.approx(1, abs=1e-12)


def test_dead_bracket_stays_dead_and_the_markets_zero_does_not_kill():
    pooled = log_pool([0.0, 0.5, 0.5], [0.6, 0.4, 0.0], PRIOR)

    assert pooled[0] == 0
    assert pooled[2] == pytest.approx(1e-4 / 0.4001)


def test_tiny_living_probability_is_no_veto():
    pooled = log_pool([1e-300, 0.5, 0.5 - 1e-300], [0.4, 0.3, 0.3], PoolWeights(0.5, 1, 9))

    assert pooled[0] == pytest.approx(0.4e-3 / (0.4e-3 + 0.6 * math.sqrt(0.5)))


@pytest.mark.parametrize("weights", [(-0.1, 1), (0, 0), (math.nan, 1), (1, math.inf)])
def test_exponents_that_make_no_pool_are_refused(weights):
    with pytest.raises(InvalidDataError):
        PoolWeights(*weights, 0)


@pytest.mark.parametrize(
    ("model", "market"),
    [([0.5, 0.5], [1.0]), ([0.5, 0.6], [0.5, 0.5]), ([0.5, 0.5], [math.nan, 1.0]), ([], [])],
)
def test_ladders_that_are_no_distributions_are_refused(model, market):
    with pytest.raises(InvalidDataError):
        log_pool(model, market, PRIOR)


def test_exponents_survive_storage():
    weights = PoolWeights(0.25, 0.875, 41)

    assert PoolWeights.from_json(weights.as_json()) == weights


@settings(deadline=None)  # a busy machine is no failure
@given(pooled=LADDERS, mean=st.floats(45, 66), sd=st.floats(1, 6))
def test_lifted_pool_has_its_ladder_and_our_odds_inside_each_bracket(pooled, mean, sd):
    pmf = gaussian_pmf(mean_f=mean, sd_f=sd)

    lifted = pooled_pmf(pmf, LADDER, pooled)

    assert lifted.ladder(LADDER) == pytest.approx(pooled, abs=1e-12)
    assert lifted.at(54) * pmf.at(55) == pytest.approx(lifted.at(55) * pmf.at(54), rel=1e-9)
    assert abs(math.fsum(lifted.probabilities) - 1) <= 1e-12


def test_lifted_pool_keeps_dead_degrees_dead():
    pmf = gaussian_pmf(mean_f=55, sd_f=2).truncated_below(55)
    pooled = log_pool(pmf.ladder(LADDER), [0.3, 0.2, 0.2, 0.1, 0.1, 0.1], PoolWeights(0.3, 1, 9))

    lifted = pooled_pmf(pmf, LADDER, pooled)

    assert lifted.cdf(54) == 0
    assert lifted.at(55) > 0


def test_pool_that_revives_the_dead_or_does_not_fit_is_refused():
    pmf = gaussian_pmf(mean_f=55, sd_f=2).truncated_below(55)

    with pytest.raises(InvalidDataError, match="impossible"):
        pooled_pmf(pmf, LADDER, [0.1, 0.1, 0.2, 0.2, 0.2, 0.2])
    with pytest.raises(InvalidDataError):
        pooled_pmf(pmf, LADDER, [0.5, 0.5])
    with pytest.raises(QuarantinedError):
        pooled_pmf(pmf, LADDER[:-1], [0.2] * 5)


def test_nothing_settled_is_the_market_alone():
    assert fit_pool([]) == PRIOR


def test_order_of_the_days_leaves_no_trace():
    rounds = days(80, near)

    assert fit_pool(rounds) == fit_pool(rounds[::-1])


def test_model_that_knows_nothing_gets_next_to_nothing():
    weights = fit_pool(days(400, blind))

    assert weights.model < 0.08
    assert weights.market == pytest.approx(1, abs=0.2)
    assert weights.n_train == 400


def test_model_that_knows_more_than_the_market_takes_over():
    weights = fit_pool(days(400, near, truth_is_market=False))

    assert weights.model > 0.45
    assert weights.market < 0.7


@pytest.mark.parametrize("count", [1, 5, 20])
def test_few_days_move_the_exponents_little(count):
    weights = fit_pool(days(count, near, truth_is_market=False))

    assert weights.model <= count / (count + 60) + 0.05
    assert abs(weights.market - 1) <= count / (count + 60) + 0.05


@pytest.mark.parametrize("model", [blind, bold, near])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pool_walked_forward_is_not_worse_than_the_market_by_a_hundredth(model, seed):
    """The promise, with models that add nothing, on a market that is right."""
    assert walked(days(250, model, seed=seed), every=10) < 0.01


def test_pool_walked_forward_earns_from_a_model_that_knows_more():
    assert walked(days(250, near, truth_is_market=False), every=10) < -0.05


def test_exponents_are_where_the_penalised_score_is_smallest():
    rounds = days(120, near, truth_is_market=False)
    best = fit_pool(rounds)
    logs = np.log([[day.model, day.market] for day in rounds])
    market = np.array([day.market for day in rounds])
    spread = np.array(
        [
            np.mean(
                [
                    np.average((x - np.average(x, weights=p)) ** 2, weights=p)
                    for x, p in zip(logs[:, i], market, strict=True)
                ]
            )
            for i in (0, 1)
        ]
    )

    def penalised(a, b):
        pools = (log_pool(d.model, d.market, PoolWeights(a, b, 0))[d.outcome] for d in rounds)
        return -sum(map(math.log, pools)) + 30 * (spread[0] * a**2 + spread[1] * (b - 1) ** 2)

    least = penalised(best.model, best.market)
    for da, db in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01), (0.01, -0.01)):
        assert penalised(best.model + da, best.market + db) > least


def test_old_days_fade_with_a_half_life():
    old = [
        PoolRound(day.model, day.market, day.outcome, age_days=1000.0)
        for day in days(200, near, truth_is_market=False)
    ]

    assert fit_pool(old, half_life_days=90).model < 0.05
    assert fit_pool(old).model > 0.4


def test_day_without_weight_does_not_count():
    rounds = days(50, near)
    silent = [PoolRound(day.model, day.market, 5 - day.outcome, weight=0.0) for day in rounds]

    assert fit_pool(rounds + silent).model == pytest.approx(fit_pool(rounds).model, abs=0.02)
    assert fit_pool(silent) == PRIOR


def test_outcome_held_for_impossible_is_left_out():
    impossible = PoolRound((0.0, 0.5, 0.5), (0.2, 0.4, 0.4), 0)

    assert fit_pool([impossible]) == PRIOR


def test_ladders_of_different_length_are_learnt_together():
    short = PoolRound((0.2, 0.8), (0.5, 0.5), 1)

    assert fit_pool([short, *days(20, near)]).n_train == 21


def test_collinear_ladders_and_flat_ones_are_no_trouble():
    same = [PoolRound((0.2, 0.5, 0.3), (0.2, 0.5, 0.3), i % 3) for i in range(90)]
    flat = [PoolRound((0.5, 0.5), (0.5, 0.5), i % 2) for i in range(90)]

    assert math.isfinite(fit_pool(same).model + fit_pool(same).market)
    assert fit_pool(flat) == PoolWeights(0.0, 1.0, 90)


@pytest.mark.parametrize(
    "item",
    [
        PoolRound((0.5, 0.5), (0.5, 0.5), 2),
        PoolRound((0.5, 0.5), (0.5, 0.5), 0, weight=-1.0),
        PoolRound((0.5, 0.5), (0.5, 0.5), 0, weight=math.nan),
        PoolRound((0.5, 0.5), (0.5, 0.5), 0, age_days=-1.0),
        PoolRound((0.5, 0.5), (1.0,), 0),
    ],
)
def test_days_that_make_no_sense_are_refused(item):
    with pytest.raises(InvalidDataError):
        fit_pool([item])
