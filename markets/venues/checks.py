"""What every venue refuses before anything is sent: orders that cannot be orders."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from boz.core.errors import InvalidOrderError
from boz.core.money import COUNT_STEP, ONE
from boz.core.schemas import Side
from markets.domain.ticks import is_on_grid
from markets.matching import TimeInForce
from markets.models import Market
from markets.selectors import price_ranges
from markets.venues.base import VenueOrder

PAUSED = (Market.Status.INITIALIZED, Market.Status.INACTIVE)


def market_of(order: VenueOrder) -> Market:
    """Return the market of an order.

    Raises:
        InvalidOrderError: If there is none.
    """
    market = (
        Market.objects.select_related("event__series").filter(ticker=order.market_ticker).first()
    )
    if market is None:
        raise InvalidOrderError(f"There is no market {order.market_ticker}.")
    return market


def require_not_paused(order: VenueOrder) -> None:
    """Refuse an order in a market that does not trade now.

    Raises:
        InvalidOrderError: If it is paused, as the exchange last said.
    """
    if Market.objects.filter(ticker=order.market_ticker, status__in=PAUSED).exists():
        raise InvalidOrderError(f"The market {order.market_ticker} is paused.")


def require_order(order: VenueOrder, market: Market, now: dt.datetime) -> None:
    """Refuse what is no order in this market at ``now``.

    Raises:
        InvalidOrderError: Saying why.
    """
    if not order.client_order_id:
        raise InvalidOrderError("An order needs a client order id.")
    if not (market.open_time <= now < market.close_time):
        raise InvalidOrderError(f"The market {market.ticker} is not open.")
    if not order.count.is_finite() or order.count <= 0 or order.count % COUNT_STEP != 0:
        raise InvalidOrderError(
            f"A count is a multiple of {COUNT_STEP} above 0, was {order.count}."
        )
    if not order.price_dollars.is_finite() or not is_on_grid(
        yes_price_dollars(order), price_ranges(market)
    ):
        raise InvalidOrderError(
            f"A price of {order.price_dollars} is not on the price grid of {market.ticker}."
        )
    if order.time_in_force not in list(TimeInForce):
        raise InvalidOrderError(f"There is no time in force '{order.time_in_force}'.")
    if order.closes and order.time_in_force != TimeInForce.IMMEDIATE_OR_CANCEL:
        raise InvalidOrderError("An order that only closes is immediate or cancelled.")


def yes_price_dollars(order: VenueOrder) -> Decimal:
    """Return an order's price in the YES contract, on whose prices the grid is defined."""
    return order.price_dollars if order.side is Side.YES else ONE - order.price_dollars
