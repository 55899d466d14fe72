"""What every venue understands and answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from boz.core.schemas import Side

Outcome = Literal["accepted", "rejected", "unknown"]
OrderStatus = Literal["resting", "filled", "cancelled", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order to buy contracts of one side.

    Attributes:
        client_order_id: Our identity of the order; a venue executes it at most once.
        market_ticker: The market.
        side: The contract bought.
        price_dollars: Most dollars per contract *of that side*.
        count: Contracts, up to two decimals.
        time_in_force: ``fill_or_kill``, ``immediate_or_cancel`` or ``good_till_canceled``.
        post_only: Never take, only rest.
    """

    client_order_id: str
    market_ticker: str
    side: Side
    price_dollars: Decimal
    count: Decimal
    time_in_force: str = "immediate_or_cancel"
    post_only: bool = False


@dataclass(frozen=True, slots=True)
class VenueFill:
    """Contracts bought; the price is of the side bought, the fee is net."""

    venue_trade_id: str
    at: dt.datetime
    price_dollars: Decimal
    count: Decimal
    fee_dollars: Decimal
    is_taker: bool


@dataclass(frozen=True, slots=True)
class VenueReport:
    """What a venue says about an order: all its fills so far, and why when it refuses.

    ``unknown`` means that nobody can tell whether the order exists: find out before anything else.
    """

    outcome: Outcome
    venue_order_id: str
    status: OrderStatus
    fills: tuple[VenueFill, ...] = ()
    reason: str = ""

    @property
    def filled_count(self) -> Decimal:
        """Return the contracts filled in all."""
        return sum((fill.count for fill in self.fills), Decimal(0))


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order with the moment at which it was sent."""

    order: VenueOrder
    placed_at: dt.datetime


class Venue(Protocol):
    """A place where orders go.

    ``place`` may be called again with the same ``client_order_id`` after a crash or a timeout: the
    order still exists once, with the same fill identities.
    """

    name: str

    def place(self, *, order: VenueOrder, now: dt.datetime) -> VenueReport:
        """Send an order; a refusal is a report, not an error."""
        ...

    def cancel(self, *, placed: PlacedOrder, now: dt.datetime) -> VenueReport:
        """Take back what still rests; fills up to then stay."""
        ...

    def orders(self, *, placed: Sequence[PlacedOrder], now: dt.datetime) -> dict[str, VenueReport]:
        """Return the present state of orders sent earlier, by client order id.

        An order that is missing from the answer is proven absent; one that cannot be asked about
        is reported as unknown.
        """
        ...
