"""What every venue understands and answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from boz.core.schemas import Side

Outcome = Literal["accepted", "rejected", "unknown"]
OrderStatus = Literal["resting", "filled", "cancelled", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order to buy contracts of one side.

    There is no selling: whoever wants to be rid of contracts buys the opposite ones, and a pair of
    YES and NO pays its dollar whatever happens. :func:`closing_order` makes such an order.

    Attributes:
        client_order_id: Our identity of the order; it is sent to a venue once.
        market_ticker: The market.
        side: The contract bought.
        price_dollars: Most dollars per contract *of that side*.
        count: Contracts, up to two decimals.
        time_in_force: ``fill_or_kill``, ``immediate_or_cancel`` or ``good_till_canceled``.
        post_only: Never take, only rest.
        closes: Buy no more than the contracts of the other side that are held; only for
            ``immediate_or_cancel``.
    """

    client_order_id: str
    market_ticker: str
    side: Side
    price_dollars: Decimal
    count: Decimal
    time_in_force: str = "immediate_or_cancel"
    post_only: bool = False
    closes: bool = False


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

    ``rejected`` means that there is certainly no order, because the venue said so in words we know
    or because nothing was sent. ``unknown`` means that nobody can tell whether the order exists:
    find out before anything else.
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
    """An order with the moment at which it was sent, and the venue's identity when known."""

    order: VenueOrder
    placed_at: dt.datetime
    venue_order_id: str = ""


@dataclass(frozen=True, slots=True)
class AccountFill:
    """A fill of any order of the account, ours or not."""

    market_ticker: str
    side: Side
    venue_order_id: str
    fill: VenueFill


@dataclass(frozen=True, slots=True)
class AccountOrder:
    """An order that rests in the account, ours or not; the price is of the side bought."""

    venue_order_id: str
    client_order_id: str
    market_ticker: str
    side: Side
    price_dollars: Decimal
    remaining_count: Decimal


@dataclass(frozen=True, slots=True)
class AccountPosition:
    """Contracts held in a market, of the one side that is left after netting."""

    market_ticker: str
    side: Side
    count: Decimal


class Venue(Protocol):
    """A place where orders go. No database transaction is open while a real one is asked."""

    name: str

    def place(self, *, order: VenueOrder, now: dt.datetime) -> VenueReport:
        """Send an order, once for each client order id; a refusal is a report, not an error.

        What became of an order that was sent is asked of :meth:`orders`, never by placing it
        again: a venue need not remember the identity of an order that is over.
        """
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


@runtime_checkable
class AccountVenue(Venue, Protocol):
    """A venue that keeps an account of its own, whose word on contracts and cash is the truth.

    Each reading is complete or raises: "could not ask" is never an empty answer.
    """

    def fills(self, *, since: dt.datetime, now: dt.datetime) -> tuple[AccountFill, ...]:
        """Return every fill of the account since a moment, oldest first."""
        ...

    def resting(self, *, now: dt.datetime) -> tuple[AccountOrder, ...]:
        """Return every order of the account that may still be filled."""
        ...

    def positions(self, *, now: dt.datetime) -> tuple[AccountPosition, ...]:
        """Return the contracts held in markets that are not settled."""
        ...

    def balance_dollars(self, *, now: dt.datetime) -> Decimal:
        """Return the cash of the account."""
        ...


def closing_order(
    position: AccountPosition, *, client_order_id: str, least_dollars: Decimal
) -> VenueOrder:
    """Return the order that ends a position by buying the opposite contracts.

    Args:
        position: What is held.
        client_order_id: The identity of the order.
        least_dollars: What each contract held must bring at least, fees aside: the opposite one
            may cost what is missing to a dollar.
    """
    return VenueOrder(
        client_order_id=client_order_id,
        market_ticker=position.market_ticker,
        side=position.side.opposite,
        price_dollars=1 - least_dollars,
        count=position.count,
        closes=True,
    )
