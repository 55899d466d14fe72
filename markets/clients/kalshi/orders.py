"""Orders in our words, and the bodies in which the exchange takes them (V2).

We buy ``yes`` or ``no`` at the price of that side. The exchange has one book per market, of the
YES leg: buying NO at q is an ``ask`` at 1 - q. Nothing here is ever a float.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from boz.core.errors import InvalidOrderError
from boz.core.money import COUNT_STEP, MICRO_STEP, ONE
from markets.clients.kalshi.account import BOOK_SIDES
from markets.matching.orders import SelfTradePrevention, TimeInForce

MAX_ID_CHARS: Final = 128


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to place.

    Args:
        ticker: The market.
        side: ``yes`` or ``no``, which is bought.
        price: Price of that side, dollars, strictly between 0 and 1, at most four decimals. The
            market's own grid is checked by who knows the market.
        count: Contracts, above 0, at most two decimals.
        client_order_id: Our id, by which the order is found again; never used twice.
        time_in_force: How long it stands.
        self_trade_prevention: Which of two own orders gives way.
        expires_at: End of a ``GOOD_TILL_CANCELED`` order, cut to the second; None for none.
        post_only: Refuse it rather than take.
        reduce_only: Only close what is held; needs ``IMMEDIATE_OR_CANCEL``.
        cancel_on_pause: Cancel it when trading pauses.
        order_group_id: The group it belongs to.
        exchange_index: The market's shard; None lets the exchange find it.

    Raises:
        InvalidOrderError: If any of this does not hold.
    """

    ticker: str
    side: str
    price: Decimal
    count: Decimal
    client_order_id: str
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    expires_at: dt.datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    order_group_id: str | None = None
    exchange_index: int | None = None

    def __post_init__(self) -> None:
        """Refuse what the exchange would refuse, or worse, understand otherwise."""
        require_name(self.ticker, "market")
        require_name(self.client_order_id, "client order id")
        yes_price(self.side, self.price)
        count_text(self.count)
        unix_seconds(self.expires_at)
        rests = self.time_in_force is TimeInForce.GOOD_TILL_CANCELED
        if self.expires_at is not None and not rests:
            raise InvalidOrderError("Only an order that may rest can expire.")
        if self.post_only and not rests:
            raise InvalidOrderError("An order that only rests cannot be one that only takes.")
        if self.reduce_only and self.time_in_force is not TimeInForce.IMMEDIATE_OR_CANCEL:
            raise InvalidOrderError("An order that only reduces must be immediate or cancelled.")

    def body(self, *, subaccount: int | None) -> dict[str, Any]:
        """Return it as the exchange takes it."""
        return without_none(
            {
                "ticker": self.ticker,
                "client_order_id": self.client_order_id,
                "side": BOOK_SIDES[self.side],
                "count": count_text(self.count),
                "price": price_text(yes_price(self.side, self.price)),
                "time_in_force": self.time_in_force.value,
                "self_trade_prevention_type": self.self_trade_prevention.value,
                "expiration_time": unix_seconds(self.expires_at),
                "post_only": self.post_only or None,
                "reduce_only": self.reduce_only or None,
                "cancel_order_on_pause": self.cancel_on_pause or None,
                "order_group_id": self.order_group_id,
                "subaccount": subaccount,
                "exchange_index": self.exchange_index,
            }
        )


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of a resting order.

    A smaller count or another expiry keeps its place in the queue; another price or a larger count
    loses it.

    Args:
        order_id: The order.
        ticker: Its market.
        side: Its side, ``yes`` or ``no``.
        price: The price of that side it shall have, dollars.
        count: Contracts already filled plus those that shall rest.
        client_order_id: Its present id of ours, checked by the exchange.
        new_client_order_id: The id of ours it shall have.
        expires_at: Another expiry; None leaves it.
        removes_expiry: Let it stand without an expiry.
        exchange_index: The market's shard.

    Raises:
        InvalidOrderError: If it is malformed.
    """

    order_id: str
    ticker: str
    side: str
    price: Decimal
    count: Decimal
    client_order_id: str | None = None
    new_client_order_id: str | None = None
    expires_at: dt.datetime | None = None
    removes_expiry: bool = False
    exchange_index: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        require_name(self.order_id, "order id")
        require_name(self.ticker, "market")
        yes_price(self.side, self.price)
        count_text(self.count)
        unix_seconds(self.expires_at)
        if self.removes_expiry and self.expires_at is not None:
            raise InvalidOrderError("An amendment cannot both set and remove the expiry.")

    def body(self) -> dict[str, Any]:
        """Return it as the exchange takes it."""
        expiry = 0 if self.removes_expiry else unix_seconds(self.expires_at)
        return without_none(
            {
                "ticker": self.ticker,
                "side": BOOK_SIDES[self.side],
                "price": price_text(yes_price(self.side, self.price)),
                "count": count_text(self.count),
                "client_order_id": self.client_order_id,
                "updated_client_order_id": self.new_client_order_id,
                "expiration_time": expiry,
                "exchange_index": self.exchange_index,
            }
        )


@dataclass(frozen=True, slots=True)
class Cancellation:
    """An order to take out of the market.

    Args:
        order_id: The order.
        ticker: Its market; lets the exchange find the shard.
        exchange_index: The shard itself.

    Raises:
        InvalidOrderError: If the id is none.
    """

    order_id: str
    ticker: str | None = None
    exchange_index: int | None = None

    def __post_init__(self) -> None:
        """Refuse an id that would make another address of the call."""
        require_name(self.order_id, "order id")

    def fields(self, *, subaccount: int | None) -> dict[str, Any]:
        """Return it as the exchange takes it, in a query or in a batch."""
        return without_none(
            {
                "market_ticker": self.ticker,
                "exchange_index": self.exchange_index,
                "subaccount": subaccount,
            }
        )


def yes_price(side: str, price: Decimal) -> Decimal:
    """Return the price of the YES leg of a purchase of ``side`` at ``price``.

    Raises:
        InvalidOrderError: If the side is none, or the price no exact price within 0..1.
    """
    if side not in BOOK_SIDES:
        raise InvalidOrderError(f"An order is for yes or no, not for {side!r}.")
    if not _is_exact(price) or price % MICRO_STEP != 0 or not 0 < price < ONE:
        raise InvalidOrderError(
            "A price is an exact number of dollars between 0 and 1 with at most four decimals, "
            f"was {price!r}."
        )
    return price if side == "yes" else ONE - price


def price_text(price: Decimal) -> str:
    """Write a price as a fixed-point string."""
    return f"{price:.4f}"


def count_text(count: Decimal) -> str:
    """Write a count as a fixed-point string.

    Raises:
        InvalidOrderError: If it is not above 0, or has more than two decimals.
    """
    if not _is_exact(count) or not 0 < count < 10**15 or count % COUNT_STEP != 0:
        raise InvalidOrderError(
            "A count is an exact number of contracts above 0 with at most two decimals, "
            f"was {count!r}."
        )
    return f"{count:.2f}"


def unix_seconds(moment: dt.datetime | None) -> int | None:
    """Return a moment in Unix seconds, cut to the second: an order never outlives its expiry.

    Raises:
        InvalidOrderError: If it carries no time zone.
    """
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise InvalidOrderError("The expiry of an order must carry a time zone.")
    return int(moment.timestamp())


def require_name(name: str, what: str) -> None:
    """Refuse a name that the exchange cannot have given, or that would bend an address.

    Raises:
        InvalidOrderError: If it is too long, holds anything but visible ASCII, or no letter.
    """
    visible = all("!" <= letter <= "~" for letter in name)
    if not (len(name) <= MAX_ID_CHARS and visible and any(map(str.isalnum, name))):
        raise InvalidOrderError(f"An order needs a usable {what}, was {name[:MAX_ID_CHARS]!r}.")


def without_none(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are told."""
    return {name: value for name, value in fields.items() if value is not None}


def _is_exact(number: Decimal) -> bool:
    return isinstance(number, Decimal) and number.is_finite()
