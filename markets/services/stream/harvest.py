"""What the stream has gathered since it was last asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar

from markets.clients.kalshi_stream.messages import (
    FeeUpdateBody,
    FillBody,
    LifecycleBody,
    PositionBody,
    TradeBody,
    UserOrderBody,
)
from markets.domain.live_book import BookView

Body = TypeVar("Body", covariant=True)
PrivateBody = FillBody | UserOrderBody | PositionBody
#: News of a market or an event that changes what is stored about it.
ListingBody = LifecycleBody | FeeUpdateBody


@dataclass(frozen=True, slots=True)
class StoredBook:
    """A book to store: true from its last change until ``at``, when the exchange last spoke."""

    view: BookView
    at: dt.datetime
    last_price_dollars: Decimal | None


@dataclass(frozen=True, slots=True)
class LostBook:
    """From ``at`` on the book of a market is not known."""

    ticker: str
    at: dt.datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Received(Generic[Body]):
    """A message with the time at which we got it."""

    body: Body
    at: dt.datetime


@dataclass(slots=True)
class Harvest:
    """Everything to be stored or passed on, in the order in which it came.

    Attributes:
        warnings: Sentences for the operator with their facts.
    """

    lost: list[LostBook] = field(default_factory=list)
    books: list[StoredBook] = field(default_factory=list)
    trades: list[Received[TradeBody]] = field(default_factory=list)
    listings: list[Received[ListingBody]] = field(default_factory=list)
    private: list[Received[PrivateBody]] = field(default_factory=list)
    warnings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
