"""Our belief and the market's in one, each with the exponent that settled days have earned it."""

from __future__ import annotations

from dataclasses import dataclass

from prediction.constants import PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf
from prediction.domain.pooling import PRIOR, PoolWeights, log_pool, pooled_pmf
from prediction.engines.base import EngineForecast, Inputs, reading_parameters


@dataclass(frozen=True, slots=True)
class Pooled:
    """The pool of a belief with the market.

    Attributes:
        pmf: The pooled distribution; our odds inside each bracket.
        model: Our probability per bracket, coldest first, before the pool.
        market: The market's, in the same order.
        weights: The exponents.
    """

    pmf: IntegerPmf
    model: tuple[float, ...]
    market: tuple[float, ...]
    weights: PoolWeights


def pool_with_market(forecast: EngineForecast, inputs: Inputs) -> Pooled | None:
    """Return the pool, or None where the market is silent.

    Until settled days have moved the exponents the market speaks alone, save that what is
    physically dead stays impossible.

    Raises:
        QuarantinedError: If the market's brackets do not share out the degrees.
        InvalidDataError: If its probabilities or the stored exponents are none.
    """
    market = inputs.market
    if market is None:
        return None
    ours = forecast.pmf.ladder(market.ladder)
    weights = pool_weights(inputs)
    pooled = log_pool(ours, market.probabilities, weights)
    return Pooled(
        pmf=pooled_pmf(forecast.pmf, market.ladder, pooled),
        model=tuple(ours),
        market=market.probabilities,
        weights=weights,
    )


def pool_weights(inputs: Inputs) -> PoolWeights:
    """Return the exponents in force at this horizon."""
    with reading_parameters(PRIMARY_ENGINE):
        learned = inputs.parameters.get(PRIMARY_ENGINE, {}).get("pool", {})
        stored = learned.get(inputs.horizon.value)
        return PRIOR if stored is None else PoolWeights.from_json(stored)
