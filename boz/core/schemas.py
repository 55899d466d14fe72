"""Shapes that cross the walls between apps, and the base of the API.

Frozen pydantic models, free of Django. Prices are dollars of a one-dollar contract, exact;
probabilities and temperatures are floats; times are aware UTC; climate days are dates in the
station's fixed standard time.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

#: Outside these a temperature is a unit mix-up or a broken sensor, never weather.
PLAUSIBLE_LOW_F = -80.0
PLAUSIBLE_HIGH_F = 140.0
#: Probabilities of one distribution add up to one within this.
PROBABILITY_SUM_TOLERANCE = 1e-12

TemperatureF = Annotated[float, Field(ge=PLAUSIBLE_LOW_F, le=PLAUSIBLE_HIGH_F, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
PriceDollars = Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False)]
MoneyDollars = Annotated[Decimal, Field(allow_inf_nan=False)]
LimitDollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


class Schema(BaseModel):
    """Base of every shape: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(StrEnum):
    """Which contract is bought; selling is buying the opposite."""

    YES = "yes"
    NO = "no"

    @property
    def opposite(self) -> Side:
        """Return the other side."""
        return Side.NO if self is Side.YES else Side.YES


class StrikeType(StrEnum):
    """How a market compares the settled temperature with its strikes."""

    LESS = "less"
    BETWEEN = "between"
    GREATER = "greater"


class Confidence(StrEnum):
    """How far a prediction's calibration can be relied on."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class WeatherVariables(Schema):
    """What a forecast says besides the high; every field may be missing."""

    temp_high_f: TemperatureF | None = None
    temp_low_f: TemperatureF | None = None
    dew_point_f: TemperatureF | None = None
    humidity_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    wind_speed_mph: Annotated[float, Field(ge=0, le=300)] | None = None
    wind_gust_mph: Annotated[float, Field(ge=0, le=300)] | None = None
    cloud_cover_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    pressure_hpa: Annotated[float, Field(ge=800, le=1100)] | None = None


class WeatherData(Schema):
    """One source's statement about one climate day, with the times that make it honest."""

    city: str
    climate_day: dt.date
    source: str
    high_f: TemperatureF
    member_highs_f: tuple[TemperatureF, ...] = ()
    variables: WeatherVariables = WeatherVariables()
    model_run_at: AwareDatetime | None = None
    issued_at: AwareDatetime
    available_at: AwareDatetime

    @model_validator(mode="after")
    def _available_not_before_issue(self) -> Self:
        if self.available_at < self.issued_at:
            raise ValueError("a forecast cannot be available before it was issued")
        return self


class Bracket(Schema):
    """The whole degrees for which a market pays: ``low_f..high_f``, both inclusive.

    ``None`` is an open end. Zero is a temperature like any other.
    """

    low_f: int | None = None
    high_f: int | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.low_f is None and self.high_f is None:
            raise ValueError("a bracket needs at least one edge")
        if self.low_f is not None and self.high_f is not None and self.low_f > self.high_f:
            raise ValueError(f"bracket edges are reversed: {self.low_f}..{self.high_f}")
        return self

    def contains(self, high_f: int) -> bool:
        """Say whether a settled whole degree pays YES."""
        above = self.low_f is None or high_f >= self.low_f
        below = self.high_f is None or high_f <= self.high_f
        return above and below

    @property
    def label(self) -> str:
        """Return what a person calls it: ``61 or below``, ``62 to 63``, ``70 or above``."""
        if self.low_f is None:
            return f"{self.high_f}° or below"
        if self.high_f is None:
            return f"{self.low_f}° or above"
        return f"{self.low_f}° to {self.high_f}°"


class BracketProbability(Schema):
    """Our probability that one market pays YES."""

    market_ticker: str
    bracket: Bracket
    probability: Probability


class BracketPrediction(Schema):
    """A ladder's probabilities from one distribution; they add up to one."""

    city: str
    climate_day: dt.date
    as_of: AwareDatetime
    brackets: tuple[BracketProbability, ...]
    mean_f: TemperatureF
    sd_f: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    confidence: Confidence
    sources: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = math.fsum(item.probability for item in self.brackets)
        if abs(total - 1.0) > PROBABILITY_SUM_TOLERANCE:
            raise ValueError(f"bracket probabilities must add up to 1, were {total!r}")
        return self


class BookLevel(Schema):
    """Contracts offered at one price."""

    price_dollars: PriceDollars
    count: Count


class OrderBook(Schema):
    """Bids of both sides, best first; an empty side means no quote, not a price of 0 or 1."""

    market_ticker: str
    at: AwareDatetime
    yes_bids: tuple[BookLevel, ...] = ()
    no_bids: tuple[BookLevel, ...] = ()
    derived_from: str = ""

    @model_validator(mode="after")
    def _best_first(self) -> Self:
        for levels in (self.yes_bids, self.no_bids):
            prices = [level.price_dollars for level in levels]
            if any(a <= b for a, b in itertools.pairwise(prices)):
                raise ValueError("book levels must fall strictly in price, best first")
        return self

    def bids(self, side: Side) -> tuple[BookLevel, ...]:
        """Return the bids for one side, best first."""
        return self.yes_bids if side is Side.YES else self.no_bids

    def asks(self, side: Side) -> tuple[BookLevel, ...]:
        """Return what buying ``side`` costs, cheapest first: one minus the other side's bids."""
        return tuple(
            BookLevel(price_dollars=1 - level.price_dollars, count=level.count)
            for level in self.bids(side.opposite)
        )

    def best_bid(self, side: Side) -> Decimal | None:
        """Return the highest bid in dollars, or None when nobody bids."""
        levels = self.bids(side)
        return levels[0].price_dollars if levels else None

    def best_ask(self, side: Side) -> Decimal | None:
        """Return the lowest ask in dollars, or None when nobody offers."""
        other = self.best_bid(side.opposite)
        return None if other is None else 1 - other

    @property
    def is_crossed(self) -> bool:
        """Say whether the best YES bid meets or passes the best YES ask: not a real book."""
        bid, ask = self.best_bid(Side.YES), self.best_ask(Side.YES)
        return bid is not None and ask is not None and bid >= ask


class FeeType(StrEnum):
    """Fee models that we can compute; anything else is refused before an order."""

    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"


class FeeTerms(Schema):
    """The fee in force for a series or an event at a moment."""

    fee_type: FeeType
    multiplier: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Decimal("1")


class TradeSignal(Schema):
    """What a strategy wants, before any person or risk gate has looked at it."""

    market_ticker: str
    side: Side
    count: Count
    limit_price_dollars: PriceDollars
    all_in_cost_dollars: PriceDollars
    max_cost_dollars: LimitDollars
    probability: Probability
    market_probability: Probability | None
    expected_value_dollars: MoneyDollars
    confidence: Confidence
    reasons: tuple[str, ...]


class StandDown(Schema):
    """A decision not to trade: a stable code for grouping and a sentence for people."""

    market_ticker: str | None
    side: Side | None
    code: str
    reason: str


class TradeRecord(Schema):
    """A trade as it is told outside: what, why, how it ended.

    ``count`` is what was bought, or what was wanted while nothing is; then there is no average
    price. ``probability`` was ours, then, that ``side`` pays.
    """

    trade_id: int
    city: str
    climate_day: dt.date
    market_ticker: str
    bracket: Bracket
    side: Side
    count: Count
    average_price_dollars: PriceDollars | None
    fees_dollars: MoneyDollars
    probability: Probability
    status: str
    pnl_dollars: MoneyDollars | None
    settled_high_f: int | None


class UserSettings(Schema):
    """The limits and habits of one portfolio; a limit of 0 means nothing is allowed."""

    mode: str
    max_trade_size_dollars: LimitDollars
    daily_loss_limit_dollars: LimitDollars
    max_daily_exposure_dollars: LimitDollars
    min_ev_dollars: LimitDollars
    cooldown_minutes: Annotated[int, Field(ge=0)]
    consecutive_loss_limit: Annotated[int, Field(ge=0)]
    active_cities: tuple[str, ...] = ()


class SkippedSubject(Schema):
    """Something a job left out, and why; recorded with the job's run."""

    subject: str
    reason: str
    context: dict[str, Any] = {}
