from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError
from prediction.domain.blend import log_pool

LADDERS = st.lists(st.floats(1e-9, 1), min_size=2, max_size=8).map(
    lambda w: [x / math.fsum(w) for x in w]
)


@settings(deadline=None)  # a busy machine is no failure
@given(model=LADDERS, data=st.data(), a=st.floats(0, 3), b=st.floats(0.01, 3))
def test_pool_is_a_distribution(model, data, a, b):
    market = data.draw(st.permutations(model))

    pooled = log_pool(model, market, model_weight=a, market_weight=b)

    assert abs(math.fsum(pooled) - 1) <= 1e-12
    assert all(0 <= p <= 1 for p in pooled)


def test_full_weight_on_one_expert_is_that_expert():
    model, market = [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]

    assert log_pool(model, market, model_weight=1, market_weight=0) == pytest.approx(model)
    assert log_pool(model, market, model_weight=0, market_weight=1) == pytest.approx(market)


def test_equal_weights_are_the_normalised_geometric_mean():
    pooled = log_pool([0.2, 0.8], [0.8, 0.2], model_weight=0.5, market_weight=0.5)

    assert pooled == pytest.approx([0.5, 0.5])


def test_physically_dead_bracket_stays_dead_and_a_market_zero_does_not_kill():
    pooled = log_pool([0, 0.5, 0.5], [0.4, 0.6, 0.0], model_weight=0, market_weight=1)

    assert pooled[0] == 0
    assert 0 < pooled[2] < 0.01


def test_tiny_probabilities_do_not_vanish_into_an_undefined_pool():
    tiny = 1e-300

    pooled = log_pool([tiny, 1 - tiny], [1 - tiny, tiny], model_weight=3, market_weight=3)

    assert math.fsum(pooled) == pytest.approx(1)


@pytest.mark.parametrize(
    ("model", "market", "a", "b"),
    [
        ([0.5, 0.5], [0.5, 0.3, 0.2], 1, 1),
        ([0.5, 0.6], [0.5, 0.5], 1, 1),
        ([math.nan, 0.5], [0.5, 0.5], 1, 1),
        ([0.5, 0.5], [0.5, 0.5], 0, 0),
        ([0.5, 0.5], [0.5, 0.5], -1, 2),
        ([0.5, 0.5], [0.5, 0.5], math.nan, 1),
        ([], [], 1, 1),
    ],
)
def test_pool_of_what_is_no_distribution_is_refused(model, market, a, b):
    with pytest.raises(InvalidDataError):
        log_pool(model, market, model_weight=a, market_weight=b)
