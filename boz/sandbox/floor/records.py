"""What the exchange keeps of orders, fills and settlements, and how it writes them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from boz.core.clock import format_utc
from boz.core.money import CENT, FEE_STEP, MICRO_STEP, ONE, ZERO, round_down, round_up
from markets.matching.events import UpdateReason
from markets.matching.orders import BookSide, NewOrder, OrderState

#: Everything of the recorded days is on this shard.
SHARD: Final = 0


def dollars(amount: Decimal) -> str:
    """Write an amount as the exchange does: four decimals, six where it needs them."""
    return f"{amount:.4f}" if amount == round_down(amount, MICRO_STEP) else f"{amount:.6f}"


def count_fp(count: Decimal) -> str:
    """Write a count as the exchange does: two decimals."""
    return f"{count:.2f}"


def milliseconds(moment: dt.datetime) -> int:
    """Return Unix milliseconds."""
    return int(moment.timestamp() * 1000)


@dataclass(slots=True)
class OrderRecord:
    """One order of a member, from its acceptance on.

    Attributes:
        number: Place in the list of all orders.
        user_id: Whose order it is.
        client_order_id: The member's own name for it; empty when none was given.
        ticker: Its market.
        event_ticker: Its event.
        state: As the engine last told.
        created_at: When it was accepted.
        updated_at: When it last changed.
        group_id: The order group it belongs to; empty for none.
        has_ended: Whether nothing of it can fill any more.
        reason: Why it last changed, in the exchange's words.
    """

    number: int
    user_id: str
    client_order_id: str
    ticker: str
    event_ticker: str
    state: OrderState
    created_at: dt.datetime
    updated_at: dt.datetime
    group_id: str = ""
    has_ended: bool = False
    reason: UpdateReason = UpdateReason.NONE
    taker_cost: Decimal = ZERO
    maker_cost: Decimal = ZERO
    taker_fees: Decimal = ZERO
    maker_fees: Decimal = ZERO

    @property
    def order(self) -> NewOrder:
        """Return the order as it arrived, with what was amended since."""
        return self.state.order

    @property
    def order_id(self) -> str:
        """Return the exchange's identity of the order."""
        return self.state.order_id

    @property
    def status(self) -> str:
        """Return the exchange's word: an order that filled whole was executed."""
        if not self.has_ended:
            return "resting"
        return "executed" if self.state.filled == self.order.count else "canceled"

    def average_price(self) -> Decimal:
        """Return the mean YES price of what filled, in dollars."""
        paid = (self.taker_cost + self.maker_cost) / self.state.filled
        return self.order.side.own_price(paid)

    def body(self) -> dict[str, Any]:
        """Return the order as the exchange writes it."""
        order, side = self.order, self.order.side
        body: dict[str, Any] = {
            "order_id": self.order_id,
            "user_id": self.user_id,
            "client_order_id": self.client_order_id,
            "ticker": self.ticker,
            **directions(side),
            "type": "limit",
            "status": self.status,
            "yes_price_dollars": dollars(order.price),
            "no_price_dollars": dollars(ONE - order.price),
            "fill_count_fp": count_fp(self.state.filled),
            "remaining_count_fp": count_fp(ZERO if self.has_ended else self.state.remaining),
            "initial_count_fp": count_fp(order.count),
            "taker_fill_cost_dollars": dollars(self.taker_cost),
            "maker_fill_cost_dollars": dollars(self.maker_cost),
            "taker_fees_dollars": dollars(self.taker_fees),
            "maker_fees_dollars": dollars(self.maker_fees),
            "expiration_time": None if order.expires_at is None else format_utc(order.expires_at),
            "created_time": format_utc(self.created_at),
            "last_update_time": format_utc(self.updated_at),
            "self_trade_prevention_type": order.self_trade_prevention.value,
            "order_group_id": self.group_id or None,
            "cancel_order_on_pause": order.cancel_on_pause,
            "subaccount_number": 0,
            "exchange_index": SHARD,
        }
        return body

    def acknowledged(self, at: dt.datetime) -> dict[str, Any]:
        """Return what a create or amend answers: what filled so far and what rests."""
        body: dict[str, Any] = {
            "order_id": self.order_id,
            **self.named(),
            "fill_count": count_fp(self.state.filled),
            "remaining_count": count_fp(ZERO if self.has_ended else self.state.remaining),
            "ts_ms": milliseconds(at),
        }
        if self.state.filled > 0:
            fee = (self.taker_fees + self.maker_fees) / self.state.filled
            body["average_fill_price"] = dollars(round_down(self.average_price(), FEE_STEP))
            body["average_fee_paid"] = dollars(round_up(fee, FEE_STEP))
        return body

    def named(self) -> dict[str, str]:
        """Return the member's own name of the order, where it has one."""
        return {"client_order_id": self.client_order_id} if self.client_order_id else {}


@dataclass(frozen=True, slots=True)
class FillRecord:
    """One fill of a member's order."""

    number: int
    trade_id: str
    user_id: str
    order_id: str
    ticker: str
    side: BookSide
    yes_price: Decimal
    count: Decimal
    fee: Decimal
    is_taker: bool
    at: dt.datetime

    def body(self) -> dict[str, Any]:
        """Return the fill as the exchange writes it."""
        return {
            "fill_id": self.trade_id,
            "trade_id": self.trade_id,
            "exchange_index": SHARD,
            "order_id": self.order_id,
            "ticker": self.ticker,
            "market_ticker": self.ticker,
            **directions(self.side),
            "count_fp": count_fp(self.count),
            "yes_price_dollars": dollars(self.yes_price),
            "no_price_dollars": dollars(ONE - self.yes_price),
            "is_taker": self.is_taker,
            "fee_cost": dollars(self.fee),
            "created_time": format_utc(self.at),
            "ts": int(self.at.timestamp()),
            "subaccount_number": 0,
        }


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One trade that the recordings do not hold, for everybody to see."""

    number: int
    trade_id: str
    ticker: str
    yes_price: Decimal
    count: Decimal
    taker: BookSide
    at: dt.datetime

    def body(self) -> dict[str, Any]:
        """Return the trade as the exchange lists it."""
        return {
            "trade_id": self.trade_id,
            "ticker": self.ticker,
            "count_fp": count_fp(self.count),
            "yes_price_dollars": dollars(self.yes_price),
            "no_price_dollars": dollars(ONE - self.yes_price),
            "taker_side": self.taker.bought.value,
            "taker_outcome_side": self.taker.bought.value,
            "taker_book_side": self.taker.value,
            "created_time": format_utc(self.at),
            "is_block_trade": False,
        }


@dataclass(frozen=True, slots=True)
class SettlementRecord:
    """What one market paid one member."""

    number: int
    user_id: str
    ticker: str
    event_ticker: str
    won: bool
    yes_count: Decimal
    yes_cost: Decimal
    no_count: Decimal
    no_cost: Decimal
    revenue: Decimal
    fees: Decimal
    at: dt.datetime

    def corrected(self, *, won: bool, at: dt.datetime) -> SettlementRecord:
        """Return what is paid after the result was told anew."""
        revenue = self.yes_count if won else self.no_count
        return replace(self, won=won, revenue=revenue, at=at)

    def body(self) -> dict[str, Any]:
        """Return the settlement as the exchange writes it."""
        return {
            "ticker": self.ticker,
            "exchange_index": SHARD,
            "event_ticker": self.event_ticker,
            "market_result": "yes" if self.won else "no",
            "yes_count_fp": count_fp(self.yes_count),
            "yes_total_cost_dollars": dollars(self.yes_cost),
            "no_count_fp": count_fp(self.no_count),
            "no_total_cost_dollars": dollars(self.no_cost),
            "revenue": int(round_down(self.revenue, CENT) * 100),
            "settled_time": format_utc(self.at),
            "fee_cost": dollars(self.fees),
            "value": 100 if self.won else 0,
        }


@dataclass(slots=True)
class GroupRecord:
    """Orders that end together once more than a limit of them fills within fifteen seconds."""

    group_id: str
    user_id: str
    limit: Decimal
    is_triggered: bool = False
    matched: list[tuple[dt.datetime, Decimal]] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """Return the group as the exchange lists it."""
        return {
            "id": self.group_id,
            "contracts_limit_fp": count_fp(self.limit),
            "is_auto_cancel_enabled": True,
            "exchange_index": SHARD,
        }

    def match(self, count: Decimal, at: dt.datetime) -> bool:
        """Count contracts that filled; say whether that is more than the limit allows."""
        self.matched = [(when, size) for when, size in self.matched if at - when < GROUP_WINDOW]
        self.matched.append((at, count))
        return self.is_exceeded(at)

    def is_exceeded(self, at: dt.datetime) -> bool:
        """Say whether more filled within the window than the limit allows."""
        recent = sum((size for when, size in self.matched if at - when < GROUP_WINDOW), ZERO)
        return recent > self.limit


#: How far back an order group counts.
GROUP_WINDOW: Final = dt.timedelta(seconds=15)


def directions(side: BookSide) -> dict[str, str]:
    """Return the direction of an order or fill, in the present words and the deprecated ones."""
    return {
        "outcome_side": side.bought.value,
        "book_side": side.value,
        "side": side.bought.value,
        "action": "buy",
    }
