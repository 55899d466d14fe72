from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from boz.core.errors import InvalidDataError
from prediction.domain.emos_regression import Regressions, fit_regressions, regressions
from prediction.domain.emos_simple import SimpleRegressions, _columns, fit_rolling, fit_simple
from prediction.domain.gaussian_scores import crps_gaussian

STEP = 1e-6


def problem(
    seed: int, *, batch: int = 2, n: int = 30, p: int = 3, q: int = 2, ridge: float = 0.0
) -> Regressions:
    chance = np.random.default_rng(seed)
    x = np.concatenate([np.ones((batch, n, 1)), chance.normal(size=(batch, n, p - 1))], axis=2)
    z = np.concatenate([np.ones((batch, n, 1)), chance.gamma(2.0, 0.5, (batch, n, q - 1))], axis=2)
    sigma = 0.8 + 0.5 * z[:, :, 1:].sum(axis=2)
    y = x.sum(axis=2) + sigma * chance.normal(size=(batch, n))
    return regressions(
        x,
        z,
        y,
        weight=chance.uniform(0.0, 1.0, (batch, n)),
        minimum=0.1,
        ridge=np.full(p + q, ridge),
        prior=chance.normal(size=p + q),
    )


def central_differences(problems: Regressions | SimpleRegressions, theta: np.ndarray) -> np.ndarray:
    columns = []
    for place in range(theta.shape[1]):
        step = np.zeros_like(theta)
        step[:, place] = STEP
        up, down = (problems.derivatives(theta + sign * step).objective for sign in (1, -1))
        columns.append((up - down) / (2 * STEP))
    return np.stack(columns, axis=1)


@given(
    seed=st.integers(0, 10_000),
    p=st.integers(1, 5),
    q=st.integers(1, 4),
    ridge=st.sampled_from([0.0, 0.5, 20.0]),
    level=st.floats(0.3, 4.0),
)
@settings(max_examples=60, deadline=None)
def test_the_gradient_is_that_of_the_objective(
    seed: int, p: int, q: int, ridge: float, level: float
) -> None:
    problems = problem(seed, p=p, q=q, ridge=ridge)
    theta = np.random.default_rng(seed + 1).normal(size=(2, p + q))
    theta[:, p:] = np.abs(theta[:, p:]) + level
    expected = central_differences(problems, theta)
    assert problems.derivatives(theta).gradient == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_the_gradient_holds_where_some_days_are_clamped() -> None:
    problems = problem(5, p=2, q=2)
    theta = np.array([[0.5, 0.5, -0.9, 1.0], [0.5, 0.5, -0.5, 1.0]])
    assert problems.derivatives(theta).gradient == pytest.approx(
        central_differences(problems, theta), rel=1e-5, abs=1e-5
    )
    chance = np.random.default_rng(1)
    x, s, y = chance.normal(size=(3, 2, 30))
    simple = SimpleRegressions(x, s, y, _columns(x, s, y), 0.4)
    theta = np.array([[0.1, 0.2, 0.5, 0.4], [0.1, -0.2, 0.6, 0.3]])
    assert simple.derivatives(theta).gradient == pytest.approx(
        central_differences(simple, theta), rel=1e-5, abs=1e-5
    )


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_hessian_is_that_of_the_gradient_and_positive_semidefinite(seed: int) -> None:
    problems = problem(seed, ridge=0.3)
    theta = np.abs(np.random.default_rng(seed).normal(size=(2, 5))) + 0.3
    hessian = problems.derivatives(theta).hessian
    for place in range(5):
        step = np.zeros_like(theta)
        step[:, place] = STEP
        up, down = (problems.derivatives(theta + sign * step).gradient for sign in (1, -1))
        assert hessian[:, place] == pytest.approx((up - down) / (2 * STEP), rel=1e-4, abs=1e-4)
    assert np.linalg.eigvalsh(hessian).min() > 0


def test_the_objective_is_the_weighted_crps() -> None:
    problems = problem(3)
    theta = np.array([[0.2, 1.0, 0.9, 1.0, 0.4], [0.0, 0.5, 0.5, 2.0, 0.0]])
    mean = np.einsum("bnp,bp->bn", problems.location, theta[:, :3])
    sd = np.einsum("bnq,bq->bn", problems.scale, theta[:, 3:])
    expected = (problems.weight * crps_gaussian(mean, sd, problems.target)).sum(axis=1)
    assert problems.derivatives(theta).objective == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_optimum_is_that_of_a_general_optimiser(seed: int) -> None:
    problems = problem(seed, batch=1, n=60, ridge=0.7)
    found = fit_regressions(problems, non_negative=[4])

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        here = problems.derivatives(theta[None])
        return float(here.objective[0]), here.gradient[0]

    bounds = [(None, None)] * 4 + [(0.0, None)]
    peer = minimize(objective, found.theta[0] * 0 + 1.0, jac=True, bounds=bounds, tol=1e-12)
    assert found.converged.all()
    assert found.iterations.max() <= 8
    assert objective(found.theta[0])[0] <= peer.fun + 1e-8
    assert found.theta[0] == pytest.approx(peer.x, abs=2e-3)


def test_a_slope_that_would_be_negative_stays_at_zero_and_the_others_are_optimal() -> None:
    chance = np.random.default_rng(4)
    s = chance.uniform(0.0, 2.0, (1, 200))
    y = (2.5 - s) * chance.normal(size=(1, 200))
    ones = np.ones((1, 200, 1))
    scale = np.concatenate([ones, s[:, :, None]], axis=2)
    bound = fit_regressions(regressions(ones, scale, y), non_negative=[2])
    alone = fit_regressions(regressions(ones, ones, y))
    assert bound.theta[0, 2] == 0.0
    assert bound.theta[0, :2] == pytest.approx(alone.theta[0], abs=1e-4)


def test_a_row_of_weight_zero_changes_nothing_whatever_it_holds() -> None:
    full = problem(8)
    weight = full.weight.copy()
    weight[:, 7] = 0.0
    target = full.target.copy()
    target[:, 7] = np.nan
    with_gap = fit_regressions(regressions(full.location, full.scale, target, weight=weight))
    keep = np.delete(np.arange(30), 7)
    without = fit_regressions(
        regressions(
            full.location[:, keep], full.scale[:, keep], target[:, keep], weight=weight[:, keep]
        )
    )
    assert with_gap.theta == pytest.approx(without.theta, abs=1e-9)


def test_without_rows_the_prior_is_the_answer() -> None:
    x = np.full((1, 3, 2), np.nan)
    prior = np.array([1.0, -2.0, 3.0, 0.5])
    empty = regressions(
        x, x, x[:, :, 0], weight=np.zeros((1, 3)), ridge=np.ones(4), prior=prior, minimum=0.1
    )
    assert fit_regressions(empty).theta[0] == pytest.approx(prior)


def test_an_overwhelming_ridge_gives_the_prior_and_none_forgets_it() -> None:
    held = problem(2, ridge=1e9)
    assert fit_regressions(held).theta == pytest.approx(held.prior, abs=1e-4)
    first, second = problem(2), problem(2)
    object.__setattr__(second, "prior", first.prior + 5.0)
    assert fit_regressions(first).theta == pytest.approx(fit_regressions(second).theta, abs=1e-3)


@pytest.mark.parametrize("error", [0.0, 1.0, 1e6])
def test_constant_predictors_and_targets_give_finite_answers(error: float) -> None:
    ones = np.ones((1, 12, 2))
    y = np.zeros((1, 12))
    y[0, 3] = error
    found = fit_regressions(regressions(ones, ones, y, minimum=0.01), non_negative=[3])
    assert np.isfinite(found.theta).all()
    assert np.isfinite(found.objective).all()
    flat = np.full((1, 12), 60.0)
    assert np.isfinite(fit_simple(flat, flat * 0, y, minimum=0.01).theta).all()


def test_values_that_cannot_be_are_refused() -> None:
    good = problem(1)
    bad = good.target.copy()
    bad[0, 0] = np.inf
    with pytest.raises(InvalidDataError, match="targets"):
        regressions(good.location, good.scale, bad)
    with pytest.raises(InvalidDataError, match="weight"):
        regressions(good.location, good.scale, good.target, weight=-np.ones((2, 30)))
    with pytest.raises(InvalidDataError, match="fit together"):
        regressions(good.location, good.scale[:, :5], good.target)
    with pytest.raises(InvalidDataError, match="above 0"):
        regressions(good.location, good.scale, good.target, minimum=0.0)
    with pytest.raises(InvalidDataError, match="Ridge"):
        regressions(good.location, good.scale, good.target, ridge=-np.ones(5))


def test_the_fast_form_equals_the_general_one() -> None:
    chance = np.random.default_rng(6)
    x = 70 + 10 * chance.normal(size=(7, 50))
    s = chance.gamma(3.0, 0.5, (7, 50))
    y = 2 + 0.95 * x + (1 + 0.5 * s) * chance.normal(size=(7, 50))
    ones = np.ones_like(x)
    general = fit_regressions(
        regressions(np.stack([ones, x], axis=2), np.stack([ones, s], axis=2), y), non_negative=[3]
    )
    fast = fit_simple(x, s, y)
    assert fast.converged.all()
    assert fast.objective == pytest.approx(general.objective, rel=2e-6)
    mean, other = (
        (r.theta[:, :1] + r.theta[:, 1:2] * x, r.theta[:, 2:3] + r.theta[:, 3:] * s)
        for r in (fast, general)
    )
    assert mean[0] == pytest.approx(other[0], abs=2e-3)
    assert mean[1] == pytest.approx(other[1], abs=2e-3)


def test_rolling_windows_are_fits_of_their_rows() -> None:
    chance = np.random.default_rng(9)
    x, y = chance.normal(size=(2, 2, 60))
    s = chance.gamma(2.0, 0.5, (2, 60))
    rolling = fit_rolling(x, s, y, window=40)
    assert rolling.theta.shape == (2 * 21, 4)
    for series, last in ((0, 0), (0, 20), (1, 7)):
        rows = slice(last, last + 40)
        alone = fit_simple(x[series, rows][None], s[series, rows][None], y[series, rows][None])
        assert rolling.theta[21 * series + last] == pytest.approx(alone.theta[0], abs=1e-9)
    with pytest.raises(InvalidDataError, match="window"):
        fit_rolling(x, s, y, window=61)
