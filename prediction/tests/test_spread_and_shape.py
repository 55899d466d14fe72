from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from prediction.domain.discretised import gaussian_pmf
from prediction.domain.distribution import IntegerPmf, linear_pool
from prediction.domain.recalibration.beta import BetaTransform
from prediction.domain.recalibration.spread_and_shape import (
    MIN_DAYS_OF_FACTOR,
    MIN_DAYS_OF_SHAPE,
    SpreadAndShape,
    fit_spread_and_shape,
)
from prediction.domain.scores import crps_pmf

NOTHING = SpreadAndShape()


def mixture(centre_f: float, *, apart_f: float, sd_f: float) -> IntegerPmf:
    return linear_pool(
        [gaussian_pmf(mean_f=centre_f + side * apart_f, sd_f=sd_f) for side in (-1, 1)], [0.5, 0.5]
    )


def days(count, *, lean=0.0, sd=2.5, believed_sd=2.5, apart=1.0, seed=1):
    """Return mixtures and the highs that came: ``lean`` above their middle, scattered by ``sd``."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(60, 8, count)
    pmfs = [mixture(float(middle), apart_f=apart, sd_f=believed_sd) for middle in middles]
    return pmfs, [int(high) for high in np.rint(middles + lean + rng.normal(0, sd, count))]


def learned(pmfs, observed):
    return fit_spread_and_shape(
        [pmf.cdf(y - 1) for pmf, y in zip(pmfs, observed, strict=True)],
        [pmf.cdf(y) for pmf, y in zip(pmfs, observed, strict=True)],
    )


def loss(correction, pmfs, observed):
    pairs = zip(pmfs, observed, strict=True)
    return math.fsum(crps_pmf(correction.apply(pmf), y) for pmf, y in pairs)


def test_few_days_correct_nothing():
    assert learned(*days(MIN_DAYS_OF_FACTOR - 1)) is None
    assert learned([], []) is None


def test_the_shape_is_left_alone_until_there_are_enough_days():
    before, after = (learned(*days(MIN_DAYS_OF_SHAPE - less, lean=1.5)) for less in (1, 0))

    assert before.shape == BetaTransform()
    assert after.shape.n_train == after.n_train == MIN_DAYS_OF_SHAPE
    assert after.shape.alpha > after.shape.beta


def test_a_mixture_that_leans_is_repaired():
    correction = learned(*days(300, lean=1.5))
    fresh = days(200, lean=1.5, seed=2)
    factor_alone = SpreadAndShape(correction.spread_factor)

    assert loss(correction, *fresh) < 0.92 * loss(factor_alone, *fresh)


def test_a_mixture_that_is_too_wide_is_sharpened():
    """Engines that disagree though each is right: the factor alone may stop at its bound."""
    wide = {"believed_sd": 3.0, "apart": 2.0, "sd": 2.0}
    correction = learned(*days(300, **wide))
    fresh = days(200, seed=2, **wide)

    assert correction.spread_factor < 1
    assert loss(correction, *fresh) < 0.97 * loss(NOTHING, *fresh)


@pytest.mark.parametrize("seed", range(4))
def test_a_calibrated_mixture_is_harmed_by_less_than_a_hundredth(seed):
    truth = {"sd": math.hypot(2.5, 1.0)}
    correction = learned(*days(300, seed=seed, **truth))
    fresh = days(300, seed=100 + seed, **truth)

    assert loss(correction, *fresh) < 1.01 * loss(NOTHING, *fresh)


def test_a_lean_that_is_over_is_not_carried_on():
    """Two hundred days too cold, then sixty that are right."""
    past, recent = days(200, lean=1.5), days(60, seed=3)

    assert learned([*past[0], *recent[0]], [*past[1], *recent[1]]).shape == BetaTransform()


@settings(deadline=None)  # a busy machine is no failure
@given(
    factor=st.floats(0.8, 1.6),
    alpha=st.floats(0.4, 2.5),
    beta=st.floats(0.4, 2.5),
    bound=st.integers(40, 75),
)
def test_possible_degrees_stay_possible_and_dead_ones_dead(factor, alpha, beta, bound):
    pmf = mixture(60.0, apart_f=2.0, sd_f=2.0).truncated_below(bound)

    corrected = SpreadAndShape(factor, BetaTransform(alpha, beta, 300), 300).apply(pmf)

    assert ((corrected.probabilities > 0) == (pmf.probabilities > 0)).all()
    assert abs(math.fsum(corrected.probabilities) - 1) <= 1e-12


def test_nothing_learned_changes_nothing():
    pmf = gaussian_pmf(mean_f=60, sd_f=3)

    assert NOTHING.apply(pmf) is pmf


@pytest.mark.parametrize("shape", [BetaTransform(), BetaTransform(1.2, 0.9, 250)])
def test_it_survives_storage(shape):
    correction = SpreadAndShape(1.15, shape, 250)
    stored = json.loads(json.dumps(correction.as_json()))

    assert SpreadAndShape.from_json(stored) == correction
    assert ("beta" in stored) == (shape.n_train > 0)


@pytest.mark.parametrize(
    ("below", "upto"), [([0.5], []), ([0.6], [0.5]), ([-0.1], [0.5]), ([math.nan], [0.5])]
)
def test_ranks_that_are_none_are_refused(below, upto):
    with pytest.raises(InvalidDataError):
        fit_spread_and_shape(below, upto)
