from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import Bracket
from prediction.engines import get_engine
from prediction.engines.base import MarketView
from prediction.engines.market_pool import pool_with_market
from prediction.tests.engine_inputs import LADDER, PRICES, full_inputs, night_before

BLEND = get_engine("blend")


def exponents(model: float, market: float, *, horizon: str = "morning"):
    stored = {"model": model, "market": market, "n_train": 90}
    return {"blend": {"pool": {horizon: stored}}}


def test_before_anything_is_learned_the_market_speaks_alone():
    known = night_before(market=MarketView(LADDER, PRICES))
    belief = BLEND.predict(known)

    pooled = pool_with_market(belief, known)

    assert pooled.pmf.ladder(LADDER) == pytest.approx(PRICES, abs=1e-9)
    assert pooled.model == tuple(belief.pmf.ladder(LADDER))
    assert pooled.market == PRICES
    assert (pooled.weights.model, pooled.weights.market) == (0.0, 1.0)


def test_what_is_physically_dead_stays_dead_whatever_the_market_pays():
    known = full_inputs(reached=replace(full_inputs().reached, low_f=54), readings=())
    pooled = pool_with_market(BLEND.predict(known), known)

    assert pooled.pmf.ladder(LADDER)[:2] == [0.0, 0.0]
    assert pooled.pmf.cdf(53) == 0


def test_learned_exponents_of_the_horizon_are_used():
    known = full_inputs(parameters=exponents(1.0, 0.0))
    belief = BLEND.predict(known)

    assert pool_with_market(belief, known).pmf.ladder(LADDER) == pytest.approx(
        belief.pmf.ladder(LADDER), abs=1e-4
    )
    other = full_inputs(parameters=exponents(1.0, 0.0, horizon="evening"))
    assert pool_with_market(BLEND.predict(other), other).weights.model == 0.0


def test_a_silent_market_leaves_nothing_to_pool():
    known = full_inputs(market=None)

    assert pool_with_market(BLEND.predict(known), known) is None


def test_the_odds_inside_a_bracket_are_ours():
    known = full_inputs()
    belief = BLEND.predict(known)

    pooled = pool_with_market(belief, known).pmf

    assert pooled.at(54) / pooled.at(55) == pytest.approx(belief.pmf.at(54) / belief.pmf.at(55))


def test_a_ladder_with_a_gap_is_refused():
    gap = (LADDER[0], Bracket(low_f=56))
    known = full_inputs(market=MarketView(gap, (0.5, 0.5)))

    with pytest.raises(QuarantinedError):
        pool_with_market(BLEND.predict(known), known)


def test_prices_that_are_no_distribution_are_refused():
    known = full_inputs(market=MarketView(LADDER, (0.5,) * 6))

    with pytest.raises(InvalidDataError):
        pool_with_market(BLEND.predict(known), known)


def test_the_market_changes_nothing_in_the_models_own_belief():
    silent = full_inputs(market=None)
    loud = full_inputs(market=MarketView(LADDER, (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)))

    ours, beside = (BLEND.predict(known) for known in (silent, loud))

    assert ours.pmf.low_f == beside.pmf.low_f
    assert np.array_equal(ours.pmf.probabilities, beside.pmf.probabilities)
    heard = {part.engine: part.weight for part in beside.parts}
    assert heard["market"] == 0.0
    assert "market" not in {part.engine for part in ours.parts}
