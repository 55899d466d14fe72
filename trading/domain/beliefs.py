"""What we believe after listening to the market."""

from __future__ import annotations

import math
from decimal import Decimal

from boz.core.schemas import OrderBook, Side

#: Log odds are taken no further out than this probability, so that no price is infinite evidence.
EDGE_PROBABILITY = 1e-4


def market_probability(book: OrderBook) -> float | None:
    """Return the mid of the YES bid and ask, or None without a quote on both sides.

    A missing price is no price: it is never read as 0, 1 or one half.
    """
    bid, ask = book.best_bid(Side.YES), book.best_ask(Side.YES)
    if bid is None or ask is None:
        return None
    return float((bid + ask) / Decimal(2))


def shrunk_probability(*, model: float, market: float, model_weight: float) -> float:
    """Pool two probabilities of YES in log odds.

    Args:
        model: Our probability. Exactly 0 or 1 is physics (a bracket that is dead or locked) and
            stays what it is.
        market: The market's probability.
        model_weight: Share of the model, 0..1.

    Source: logarithmic opinion pool of two binary forecasts; Genest and Zidek (1986),
        doi:10.1214/ss/1177013825.
    """
    if model in (0.0, 1.0):
        return model
    logit = model_weight * _logit(model) + (1.0 - model_weight) * _logit(market)
    return 1.0 / (1.0 + math.exp(-logit))


def _logit(probability: float) -> float:
    inside = min(max(probability, EDGE_PROBABILITY), 1.0 - EDGE_PROBABILITY)
    return math.log(inside / (1.0 - inside))
