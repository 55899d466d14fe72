"""The orders that rest in one market, in price-time priority, and what an arrival would meet.

Prices are whole $0.0001 and counts whole 0.01 contracts in here, so that comparing, adding and
looking up are exact and fast; decimals begin outside.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from boz.core.money import COUNT_STEP, MICRO_STEP, ZERO
from markets.domain.fees import OrderFeeAccumulator
from markets.matching.orders import BookSide, NewOrder, OrderState, SelfTradePrevention

#: Whole price steps in a dollar.
DOLLAR_TICKS = 10_000


def to_ticks(price: Decimal) -> int:
    """Return a price in whole $0.0001; the price must be a multiple of it."""
    return int(price / MICRO_STEP)


def to_price(ticks: int) -> Decimal:
    """Return a price in dollars."""
    return Decimal(ticks).scaleb(-4)


def to_lots(count: Decimal) -> int:
    """Return a count in whole 0.01 contracts; the count must be a multiple of it."""
    return int(count / COUNT_STEP)


def to_count(lots: int) -> Decimal:
    """Return a count of contracts."""
    return Decimal(lots).scaleb(-2)


@dataclass(slots=True)
class LiveOrder:
    """An order that can still fill; the only thing in the core that changes in place.

    Attributes:
        order: As it arrived, with what was amended since.
        ticks: Its YES price in $0.0001.
        lots: What remains, in 0.01 contracts.
        filled_lots: What has filled, in 0.01 contracts.
        fees: Dollars of fees charged so far.
        accumulator: The fee rounding it carries from fill to fill.
    """

    order: NewOrder
    ticks: int
    lots: int
    filled_lots: int
    fees: Decimal
    accumulator: OrderFeeAccumulator

    @classmethod
    def arriving(cls, order: NewOrder, accumulator: OrderFeeAccumulator) -> LiveOrder:
        """Return a valid order before anything happened to it."""
        return cls(order, to_ticks(order.price), to_lots(order.count), 0, ZERO, accumulator)

    @property
    def side(self) -> BookSide:
        """Return its side."""
        return self.order.side

    def has_expired(self, now: dt.datetime) -> bool:
        """Say whether it may no longer trade at ``now``."""
        return self.order.expires_at is not None and self.order.expires_at <= now

    def state(self) -> OrderState:
        """Return how it stands, as a value."""
        return OrderState(
            order=self.order,
            filled=to_count(self.filled_lots),
            remaining=to_count(self.lots),
            fees=self.fees,
            fee_carry=self.accumulator.accumulated,
        )

    def amended(self, *, price: Decimal, lots: int, expires_at: dt.datetime | None) -> LiveOrder:
        """Return the order as it would stand with another price, remainder and expiry."""
        count = to_count(self.filled_lots + lots)
        order = replace(self.order, price=price, count=count, expires_at=expires_at)
        return replace(self, order=order, ticks=to_ticks(price), lots=lots)


class HalfBook:
    """The resting orders of one side, best price first and earliest first within a price."""

    def __init__(self, side: BookSide) -> None:
        """Start empty."""
        self._sign = -1 if side is BookSide.BID else 1
        self._queues: dict[int, dict[str, LiveOrder]] = {}
        self._totals: dict[int, int] = {}
        #: Prices times the sign, rising, so that the best price comes first on either side.
        self._ranks: list[int] = []

    def add(self, order: LiveOrder) -> None:
        """Put an order behind all others of its price."""
        queue = self._queues.get(order.ticks)
        if queue is None:
            queue = self._queues[order.ticks] = {}
            self._totals[order.ticks] = 0
            bisect.insort(self._ranks, order.ticks * self._sign)
        queue[order.order.order_id] = order
        self._totals[order.ticks] += order.lots

    def remove(self, order: LiveOrder) -> None:
        """Take an order out of its queue."""
        queue = self._queues[order.ticks]
        del queue[order.order.order_id]
        self._totals[order.ticks] -= order.lots
        if not queue:
            del self._queues[order.ticks], self._totals[order.ticks]
            del self._ranks[bisect.bisect_left(self._ranks, order.ticks * self._sign)]

    def shrink(self, order: LiveOrder, lots: int) -> None:
        """Take ``lots`` off an order that keeps its place; one with nothing left is removed."""
        self._totals[order.ticks] -= lots
        order.lots -= lots
        if order.lots == 0:
            self.remove(order)

    def levels(self) -> Iterator[tuple[int, int]]:
        """Yield ``(ticks, lots)``, best price first."""
        for rank in self._ranks:
            yield rank * self._sign, self._totals[rank * self._sign]

    def within(self, limit_ticks: int) -> Iterator[LiveOrder]:
        """Yield the orders at a price an arrival with this limit would take, in priority."""
        for rank in self._ranks:
            if rank > limit_ticks * self._sign:
                return
            yield from self._queues[rank * self._sign].values()

    def lots_ahead(self, order: LiveOrder) -> int:
        """Return what must trade before this order does: better prices, then earlier arrivals."""
        ahead = 0
        for ticks, lots in self.levels():
            if ticks == order.ticks:
                break
            ahead += lots
        for other in self._queues[order.ticks].values():
            if other is order:
                break
            ahead += other.lots
        return ahead


@dataclass(frozen=True, slots=True)
class Encounter:
    """One resting order that an arrival meets.

    Attributes:
        maker: The resting order.
        lots: What they trade; 0 when the resting order is canceled as it is of the same account.
    """

    maker: LiveOrder
    lots: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an arrival meets, in order, before anything is done.

    Attributes:
        encounters: Trades and self-trade cancels, in order.
        lots: What trades in all.
        meets_itself: Whether it comes upon an order of its own account.
        is_stopped: Whether that cancels what is left of the arrival.
    """

    encounters: tuple[Encounter, ...]
    lots: int
    meets_itself: bool
    is_stopped: bool


def plan_match(
    arrival: LiveOrder,
    against: HalfBook,
    *,
    lots: int,
    now: dt.datetime,
    without: Container[str] = (),
) -> Plan:
    """Walk the opposite side for ``lots`` at the arrival's limit or better; nothing changes.

    Args:
        arrival: The order that arrives.
        against: The opposite side.
        lots: How much it may trade, in 0.01 contracts.
        now: Orders that have expired by then are passed over.
        without: Orders that are passed over as well.
    """
    encounters: list[Encounter] = []
    left, meets_itself = lots, False
    for maker in against.within(arrival.ticks):
        if left == 0:
            break
        if maker.has_expired(now) or maker.order.order_id in without:
            continue
        if maker.order.account == arrival.order.account:
            meets_itself = True
            if arrival.order.self_trade_prevention is SelfTradePrevention.TAKER_AT_CROSS:
                return Plan(tuple(encounters), lots - left, meets_itself=True, is_stopped=True)
            encounters.append(Encounter(maker, 0))
            continue
        traded = min(left, maker.lots)
        encounters.append(Encounter(maker, traded))
        left -= traded
    return Plan(tuple(encounters), lots - left, meets_itself, is_stopped=False)
