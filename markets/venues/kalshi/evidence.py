"""What the exchange's lists prove about an order: that it is there and how far, or that it is not.

An order is there when it is listed. It is *not* there only when nothing could have hidden it: both
tiers read to the end, every fill belonging to a listed order, each order's fills adding up, the
contracts held being those of the fills, and all of it read from a state later than the moment at
which the order could have arrived. Anything else proves nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from boz.core.clock import format_utc
from boz.core.errors import TransientError
from boz.core.money import ZERO
from markets.clients.kalshi.account import (
    ExchangeFill,
    ExchangeOrder,
    ExchangeSettlement,
    MarketPosition,
)
from markets.clients.kalshi.listing import Listing
from markets.clients.kalshi.trading import KalshiTradingClient, Positions
from markets.clients.kalshi.wire import ExchangeObject

Item = TypeVar("Item", bound=ExchangeObject)

#: Long after any timeout of ours: a request that is not at work by then never arrives.
ARRIVAL = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class MarketAccount:
    """Everything of the account in one market, from lists that were read to the end."""

    ticker: str
    orders: dict[str, ExchangeOrder]
    fills: dict[str, tuple[ExchangeFill, ...]]
    resting: frozenset[str]

    def ours(self, client_order_id: str) -> list[ExchangeOrder]:
        """Return the orders that carry our identity; more than one is one too many."""
        return [item for item in self.orders.values() if item.client_order_id == client_order_id]

    def fills_of(self, order: ExchangeOrder) -> tuple[ExchangeFill, ...]:
        """Return an order's fills, complete.

        Raises:
            TransientError: If they do not add up to what the order says, so some were not read.
        """
        fills = self.fills.get(order.order_id, ())
        require_complete(order, fills)
        return fills

    def bought(self) -> Decimal:
        """Return the contracts of all fills, YES above zero."""
        return sum((_signed(fill) for fills in self.fills.values() for fill in fills), ZERO)


def read_market(client: KalshiTradingClient, ticker: str) -> MarketAccount:
    """Return everything of the account in a market, both tiers.

    Raises:
        BozBaseException: If a list could not be read to the end, or an entry of it not at all.
    """
    listed = [*whole(client.orders(ticker=ticker)), *whole(client.historical_orders(ticker=ticker))]
    resting = whole(client.orders(ticker=ticker, status="resting"))
    fills = [*whole(client.fills(ticker=ticker)), *whole(client.historical_fills(ticker=ticker))]
    grouped: dict[str, list[ExchangeFill]] = {}
    for fill in once(fills):
        grouped.setdefault(fill.order_id, []).append(fill)
    return MarketAccount(
        ticker=ticker,
        orders={item.order_id: item for item in listed},
        fills={order_id: tuple(items) for order_id, items in grouped.items()},
        resting=frozenset(item.order_id for item in resting),
    )


def require_absent(
    client: KalshiTradingClient,
    account: MarketAccount,
    *,
    placed_at: dt.datetime,
    read_as_of: dt.datetime,
) -> None:
    """Take an order that is not listed for absent only if nothing could have hidden it.

    Args:
        client: To read what is held.
        account: What is listed; the order is not in it.
        placed_at: When the order was sent.
        read_as_of: The state of the exchange from which its lists were made, at the latest asked
            before reading them.

    Raises:
        TransientError: Saying what is not proven.
    """
    if read_as_of < placed_at + ARRIVAL:
        raise TransientError(
            f"The exchange's lists are as of {format_utc(read_as_of)}, too early to show that an"
            " order never arrived."
        )
    hidden = (account.resting | account.fills.keys()) - account.orders.keys()
    if hidden:
        raise TransientError(
            f"The exchange's list of orders is not complete: {len(hidden)} of which other lists"
            " tell are missing."
        )
    for order in account.orders.values():
        require_complete(order, account.fills.get(order.order_id, ()))
    held = _held(
        account.ticker,
        whole_positions(client.positions(ticker=account.ticker)),
        whole(client.settlements(ticker=account.ticker)),
    )
    if held != account.bought():
        raise TransientError(
            f"The account holds {held} in {account.ticker} and its fills make"
            f" {account.bought()}, so a list is not complete."
        )


def require_complete(order: ExchangeOrder, fills: Sequence[ExchangeFill]) -> None:
    """Refuse fills that are not all those of an order.

    Raises:
        TransientError: If they do not add up to what the order says.
    """
    total = sum((fill.count_fp for fill in fills), ZERO)
    if total != order.fill_count_fp:
        raise TransientError(
            f"The exchange says that {order.fill_count_fp} contracts of the order are filled and"
            f" lists fills for {total}."
        )
    if any(
        (fill.outcome_side, fill.ticker) != (order.outcome_side, order.ticker) for fill in fills
    ):
        raise TransientError("The exchange lists a fill that is not of the order's side.")


def once(fills: Iterable[ExchangeFill]) -> list[ExchangeFill]:
    """Return each fill once: a page may come twice, and both tiers may tell of one fill.

    Raises:
        TransientError: If two fills of one identity differ.
    """
    known: dict[str, ExchangeFill] = {}
    for fill in fills:
        before = known.setdefault(fill.trade_id, fill)
        same = (before.order_id, before.count_fp, before.price, before.fee_cost) == (
            fill.order_id,
            fill.count_fp,
            fill.price,
            fill.fee_cost,
        )
        if not same:
            raise TransientError("The exchange lists two different fills under one identity.")
    return list(known.values())


def whole(listing: Listing[Item]) -> tuple[Item, ...]:
    """Return what a list holds, if all of it could be read.

    Raises:
        TransientError: If an entry could not be read: it might be the one that is looked for.
    """
    _require_whole(listing)
    return listing.items


def whole_positions(positions: Positions) -> tuple[MarketPosition, ...]:
    """Return the positions of markets; errors as for :func:`whole`."""
    _require_whole(positions)
    return positions.markets


def _require_whole(listing: Listing[Item] | Positions) -> None:
    if not listing.is_evidence:
        raise TransientError(
            f"A list of the exchange could not be read as a whole: {listing.refused[0].reason}"
        )


def _held(
    ticker: str,
    positions: Iterable[MarketPosition],
    settlements: Iterable[ExchangeSettlement],
) -> Decimal:
    """Return the contracts held in a market, YES above zero; those held when it was settled."""
    held = [item.position_fp for item in positions if item.ticker == ticker]
    paid = [item.yes_count_fp - item.no_count_fp for item in settlements if item.ticker == ticker]
    return sum(paid or held, ZERO)


def _signed(fill: ExchangeFill) -> Decimal:
    return fill.count_fp if fill.outcome_side == "yes" else -fill.count_fp
