"""Everything the kernel may look at, frozen and hashable.

A snapshot is stored with its decision; replaying it gives the same decision and the same hash.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from boz.core.schemas import (
    Bracket,
    BracketPrediction,
    FeeTerms,
    LimitDollars,
    MoneyDollars,
    OrderBook,
    Schema,
)
from trading.domain.parameters import StrategyParameters


class Limits(Schema):
    """What the portfolio allows; 0 allows nothing."""

    max_trade_size_dollars: LimitDollars
    max_exposure_dollars: LimitDollars
    daily_loss_limit_dollars: LimitDollars
    min_ev_dollars: LimitDollars


class PortfolioState(Schema):
    """The portfolio at the moment of decision."""

    name: str
    limits: Limits
    free_cash_dollars: MoneyDollars
    exposure_dollars: MoneyDollars
    realised_today_dollars: MoneyDollars
    blocks: tuple[str, ...] = ()


class MarketView(Schema):
    """One bracket as the kernel sees it."""

    ticker: str
    bracket: Bracket
    is_open: bool
    book: OrderBook | None
    has_open_trade: bool = False
    was_rejected: bool = False


class Snapshot(Schema):
    """One event, one portfolio, one strategy, one moment."""

    as_of: AwareDatetime
    event_ticker: str
    city: str
    climate_day: dt.date
    closes_at: AwareDatetime
    portfolio: PortfolioState
    parameters: StrategyParameters
    fee_terms: FeeTerms | None
    belief: BracketPrediction | None
    belief_problem: str = ""
    event_problem: str = ""
    markets: Annotated[tuple[MarketView, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _nothing_from_the_future(self) -> Self:
        if self.belief is not None and self.belief.as_of > self.as_of:
            raise ValueError("the belief is from after the moment of decision")
        for market in self.markets:
            if market.book is not None and market.book.at > self.as_of:
                raise ValueError(f"the book of {market.ticker} is from after the decision")
        return self


def stored(schema: Schema) -> tuple[dict[str, Any], str]:
    """Return a shape as plain JSON, and a hash that is the same on every machine and database."""
    content = schema.model_dump(mode="json")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return content, hashlib.sha256(canonical.encode()).hexdigest()


def stable_hash(schema: Schema) -> str:
    """Return the hash of a shape's content."""
    return stored(schema)[1]
