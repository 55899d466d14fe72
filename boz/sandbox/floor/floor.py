"""The trading floor: who trades, what they ordered, what filled, what was paid.

Only markets in which somebody traded or whose book is watched get an engine; every other market is
read from the recordings as ever. Nothing happens between calls: each brings the floor to its
``now`` first, so the same calls at the same moments give the same floor.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from boz.core.errors import InsufficientBalanceError
from boz.core.money import ZERO
from boz.core.schemas import Side
from boz.sandbox.exchange import ListedMarket
from boz.sandbox.floor import messages
from boz.sandbox.floor.background import Background
from boz.sandbox.floor.books import Books, Listings
from boz.sandbox.floor.hours import Hours, Pause
from boz.sandbox.floor.journal import Journal
from boz.sandbox.floor.members import Member, Members
from boz.sandbox.floor.pit import NOBODY, Pit
from boz.sandbox.floor.records import (
    GroupRecord,
    OrderRecord,
)
from markets.matching import (
    Accounts,
    Amendment,
    BookSide,
    Event,
    MarketPhase,
    NewOrder,
    OrderRefusedError,
    OrderState,
    Refusal,
    SelfTradePrevention,
    TimeInForce,
    UpdateReason,
)

#: What a member starts with, in dollars.
STARTING_CASH: Final = Decimal("10000")
#: Nobody in particular never runs out of money.
_ENDLESS: Final = Decimal(10) ** 12
_CODES: Final = {
    Refusal.INVALID_PRICE: (400, "invalid_price"),
    Refusal.INVALID_COUNT: (400, "invalid_order_size"),
    Refusal.INVALID_ORDER: (400, "invalid_order"),
    Refusal.EXPIRY_PASSED: (400, "invalid_order"),
    Refusal.DUPLICATE_ORDER: (409, "order_already_exists"),
    Refusal.UNKNOWN_ORDER: (404, "not_found"),
    Refusal.TRADING_PAUSED: (400, "exchange_paused"),
    Refusal.MARKET_INACTIVE: (400, "MARKET_INACTIVE"),
}


class FloorRefusedError(Exception):
    """Something that the exchange does not do, in its words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the HTTP status, the code and the sentence."""
        super().__init__(message)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order as a member sends it; the names are the exchange's."""

    ticker: str
    client_order_id: str
    side: BookSide
    price: Decimal
    count: Decimal
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    expires_at: dt.datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    group_id: str = ""


@dataclass(frozen=True, slots=True)
class FloorOptions:
    """How a floor behaves.

    Attributes:
        seed: Decides identities, random orders and faults by chance.
        orders_per_minute: Random orders per market and minute; 0 for none.
        history_days: Days after which what is settled moves to the historical tier; None for never.
        maintenance: Whether trading rests on Thursday mornings.
    """

    seed: int = 0
    orders_per_minute: float = 0.0
    history_days: int | None = None
    maintenance: bool = False


class Floor:
    """Everything on the exchange that is not a recording."""

    def __init__(self, listings: Listings, options: FloorOptions) -> None:
        """Start without members over the markets that ``listings`` holds."""
        self.members = Members(seed=options.seed)
        self.accounts = Accounts()
        for nobody in sorted(NOBODY):
            self.accounts.open(nobody, _ENDLESS)
        self.hours = Hours(maintenance=options.maintenance)
        self.history_days = options.history_days
        self.journal = Journal(self.accounts, seed=options.seed)
        self._listings = listings
        self._options = options
        self._now: dt.datetime | None = None
        self._pits: dict[str, Pit] = {}
        self.books = Books(listings, self._pits, self.journal)

    # Members ----------------------------------------------------------------------------------

    def join(self, cash: Decimal = STARTING_CASH) -> Member:
        """Return a new member with some cash and no key."""
        member = self.members.join()
        self.accounts.open(member.user_id, cash)
        return member

    # Time -------------------------------------------------------------------------------------

    def advance(self, now: dt.datetime) -> None:
        """Bring everything to ``now``."""
        before = self._now
        if before is not None and now <= before:
            return
        self._now = self.books.now = now
        if before is None:
            return
        self._follow_market_flow(before, now)
        for ticker, pit in list(self._pits.items()):
            item = self._item(ticker)
            self._write(item, pit.advance(item, now))
            self.journal.settle(item, pit, now)
        if self.journal.listeners:
            for item in self._listings.exchange.listed():
                for news in messages.lifecycle(item, after=before, until=now):
                    self.journal.tell(news)
            exchange = self._listings.exchange
            for news in messages.recorded_trades(exchange, after=before, until=now):
                self.journal.tell(news)
            self.books.show()

    def _follow_market_flow(self, before: dt.datetime, now: dt.datetime) -> None:
        """Give every open market an engine while random orders come in."""
        if self._options.orders_per_minute:
            for item in self._listings.exchange.listed():
                if item.status(now) == "active":
                    self._pit(item, before if before >= item.life.opens_at else now)

    def pause(self, pause: Pause, now: dt.datetime) -> None:
        """Let trading or the whole exchange rest, or go on."""
        self.advance(now)
        self.hours.ordered = pause
        for ticker, pit in self._pits.items():
            if pit.engine.phase is not MarketPhase.CLOSED:
                self._write(self._item(ticker), pit.rest_or_resume(now))
        self.books.show()

    def determine(self, ticker: str, *, won: bool, now: dt.datetime) -> None:
        """Tell a market's result: before its time, or anew.

        Raises:
            ValueError: If there is no such market, it does not trade yet, or its result stands.
        """
        item = self._listings.exchange.market(ticker, now)
        if item is None or item.status(now) == "initialized":
            raise ValueError(f"the market {ticker!r} does not trade yet")
        self.advance(now)
        told = item.life.result(now)
        if told is won:
            raise ValueError(f"the result of {ticker} is {'yes' if won else 'no'} already")
        self.journal.require_repayable(item, now)
        if told is None:
            life = item.life.ended_early(now, won=won)
        else:
            life = item.life.amended(now, won=won)
        self._listings.exchange = self._listings.exchange.with_life(ticker, life)
        changed = self._item(ticker)
        pit = self._pits.get(ticker)
        if pit is not None:
            self._write(changed, pit.advance(changed, now))
            self.journal.settle(changed, pit, now)
        if changed.life.closes_at != item.life.closes_at:
            self.journal.tell(messages.closing_moved(changed))
        self.journal.tell(messages.determined(changed, now))
        self.books.show()

    # Orders -----------------------------------------------------------------------------------

    def create(self, user_id: str, ticket: Ticket, now: dt.datetime) -> OrderRecord:
        """Take in an order.

        Raises:
            FloorRefusedError: If it is not taken; there is no order then, but for a post-only one
                that would have taken: that is on record as canceled.
        """
        self._require_running()
        self.advance(now)
        item = self._require_market(ticket.ticker, now)
        name = ticket.client_order_id
        if name and (user_id, name) in self.journal.named:
            raise FloorRefusedError(409, "order_already_exists", "order already exists")
        group = self._require_group(user_id, ticket.group_id)
        order = NewOrder(
            order_id=self.journal.identity(),
            account=user_id,
            side=ticket.side,
            price=ticket.price,
            count=ticket.count,
            time_in_force=ticket.time_in_force,
            self_trade_prevention=ticket.self_trade_prevention,
            expires_at=ticket.expires_at,
            post_only=ticket.post_only,
            reduce_only=ticket.reduce_only,
            cancel_on_pause=ticket.cancel_on_pause,
        )
        pit = self._pit(item, now)
        events = _carried_out(lambda: pit.submit(order, now))
        record = OrderRecord(
            number=len(self.journal.orders) + 1,
            user_id=user_id,
            client_order_id=name,
            ticker=item.ticker,
            event_ticker=item.market.event_ticker,
            state=OrderState(order, remaining=order.count),
            created_at=now,
            updated_at=now,
            group_id=ticket.group_id,
        )
        self.journal.take_in(record)
        self._write(item, events)
        self.books.show(cause=record)
        if group is not None and group.is_triggered:
            self._cancel_group(group, now)
        if record.reason is UpdateReason.POST_ONLY_CROSS_CANCEL:
            raise FloorRefusedError(400, "post_only_cross", "post only order would cross the book")
        return record

    def amend(
        self,
        user_id: str,
        order_id: str,
        now: dt.datetime,
        *,
        ticker: str,
        side: str,
        price: Decimal,
        count: Decimal,
        client_order_id: str = "",
        renamed: str = "",
        changes_expiry: bool = False,
        expires_at: dt.datetime | None = None,
    ) -> OrderRecord:
        """Change a resting order's price, total count or expiry.

        Raises:
            FloorRefusedError: If it is not changed.
        """
        self._require_running()
        record = self._require_resting(user_id, order_id, now)
        self._require_market(record.ticker, now)
        if ticker != record.ticker:
            raise FloorRefusedError(400, "order_ticker_mismatch", "the order is of another market")
        if side != record.order.side.value:
            raise FloorRefusedError(400, "order_side_mismatch", "the order is on the other side")
        if client_order_id and client_order_id != record.client_order_id:
            raise FloorRefusedError(
                400, "order_id_and_client_order_id_mismatch", "the order has another name"
            )
        if renamed and self.journal.named.get((user_id, renamed), order_id) != order_id:
            raise FloorRefusedError(409, "order_already_exists", "order already exists")
        amendment = Amendment(price, count, changes_expiry, expires_at)
        pit = self._pits[record.ticker]
        events = _carried_out(lambda: pit.amend(order_id, amendment, now))
        if renamed:
            record.client_order_id = renamed
            self.journal.named[user_id, renamed] = order_id
        self._write(self._item(record.ticker), events)
        self.books.show(cause=record)
        return record

    def decrease(
        self,
        user_id: str,
        order_id: str,
        now: dt.datetime,
        *,
        by: Decimal | None,
        to: Decimal | None,
    ) -> OrderRecord:
        """Make a resting order smaller.

        Raises:
            FloorRefusedError: If it is not changed.
        """
        self._require_running()
        record = self._require_resting(user_id, order_id, now)
        self._require_market(record.ticker, now)
        pit = self._pits[record.ticker]
        events = _carried_out(lambda: pit.market.decrease(order_id, now, by=by, to=to))
        self._write(self._item(record.ticker), events)
        self.books.show(cause=record)
        return record

    def cancel(
        self, user_id: str, order_id: str, now: dt.datetime, *, ticker: str = ""
    ) -> tuple[OrderRecord, Decimal]:
        """Take a resting order out; return it and the contracts that were still open.

        Raises:
            FloorRefusedError: If it does not rest any more, or cancels are not taken.
        """
        self._require_running()
        record = self._require_resting(user_id, order_id, now)
        if ticker and ticker != record.ticker:
            raise FloorRefusedError(404, "not_found", f"order {order_id} does not exist")
        remaining = record.state.remaining
        pit = self._pits[record.ticker]
        events = _carried_out(lambda: pit.market.cancel(order_id, now))
        self._write(self._item(record.ticker), events)
        self.books.show(cause=record)
        return record, remaining

    def cancel_everything(self, user_id: str, now: dt.datetime) -> None:
        """Take out every resting order of a member.

        Raises:
            FloorRefusedError: If cancels are not taken.
        """
        self._require_running()
        self.advance(now)
        for record in self.journal.orders_of(user_id):
            if not record.has_ended:
                self.cancel(user_id, record.order_id, now)

    # What members see -------------------------------------------------------------------------

    def order(self, user_id: str, order_id: str, now: dt.datetime) -> OrderRecord:
        """Return a member's order.

        Raises:
            FloorRefusedError: If the member has no such order.
        """
        self.advance(now)
        record = self.journal.orders.get(order_id)
        if record is None or record.user_id != user_id:
            raise FloorRefusedError(404, "not_found", f"order {order_id} does not exist")
        return record

    def queue_position(self, record: OrderRecord) -> Decimal:
        """Return the contracts that must trade before a resting order does."""
        return self._pits[record.ticker].engine.queue_position(record.order_id)

    def portfolio_value(self, user_id: str, now: dt.datetime) -> Decimal:
        """Return what positions would bring at the best bids, nothing where nobody bids."""
        total = ZERO
        for ticker, held in self.accounts.positions(user_id).items():
            if held.net:
                side = Side.YES if held.net > 0 else Side.NO
                total += abs(held.net) * (self.books.book(ticker, now).best_bid(side) or ZERO)
        return total

    def settled_at(self, ticker: str, now: dt.datetime) -> dt.datetime | None:
        """Return when a market paid, None while it has not."""
        life = self._item(ticker).life
        return life.settles_at if now >= life.settles_at else None

    def event_of(self, ticker: str) -> str:
        """Return the event of a market."""
        return self._item(ticker).market.event_ticker

    def cutoff(self, now: dt.datetime) -> dt.datetime:
        """Return the moment before which settled things are in the historical tier."""
        if self.history_days is None:
            return _LONG_AGO
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - dt.timedelta(days=self.history_days)

    # Order groups -----------------------------------------------------------------------------

    def create_group(self, user_id: str, limit: Decimal, now: dt.datetime) -> GroupRecord:
        """Return a new group of orders."""
        self.advance(now)
        group = GroupRecord(self.journal.identity(), user_id, limit)
        self.journal.groups[group.group_id] = group
        self.journal.tell(messages.group(group, "created", now))
        return group

    def group(self, user_id: str, group_id: str) -> GroupRecord:
        """Return a member's group.

        Raises:
            FloorRefusedError: If the member has no such group.
        """
        group = self.journal.groups.get(group_id)
        if group is None or group.user_id != user_id:
            raise FloorRefusedError(404, "not_found", f"order group {group_id} does not exist")
        return group

    def limit_group(self, group: GroupRecord, limit: Decimal, now: dt.datetime) -> None:
        """Change how much of a group may fill; less than has filled already ends its orders."""
        self.advance(now)
        group.limit = limit
        self.journal.tell(messages.group(group, "limit_updated", now))
        if group.is_exceeded(now):
            self.trigger_group(group, now)

    def reset_group(self, group: GroupRecord, now: dt.datetime) -> None:
        """Let a group take orders again, counting from nothing."""
        self.advance(now)
        group.is_triggered = False
        group.matched.clear()
        self.journal.tell(messages.group(group, "reset", now))

    def trigger_group(self, group: GroupRecord, now: dt.datetime) -> None:
        """End all orders of a group and take no new ones until it is reset."""
        self.advance(now)
        group.is_triggered = True
        self._cancel_group(group, now)
        self.journal.tell(messages.group(group, "triggered", now))

    def delete_group(self, group: GroupRecord, now: dt.datetime) -> None:
        """End all orders of a group and forget it."""
        self.advance(now)
        self._cancel_group(group, now)
        del self.journal.groups[group.group_id]
        self.journal.tell(messages.group(group, "deleted", now))

    def _cancel_group(self, group: GroupRecord, now: dt.datetime) -> None:
        for record in self.journal.orders_in(group):
            if not record.has_ended:
                pit = self._pits[record.ticker]
                events = pit.market.cancel(record.order_id, now)
                self._write(self._item(record.ticker), events)
        self.books.show()

    def _require_group(self, user_id: str, group_id: str) -> GroupRecord | None:
        if not group_id:
            return None
        group = self.group(user_id, group_id)
        if group.is_triggered:
            raise FloorRefusedError(
                400, "order_group_triggered", "the order group must be reset first"
            )
        return group

    # Tools ------------------------------------------------------------------------------------

    def _write(self, item: ListedMarket, events: Iterable[Event]) -> None:
        """Write down what an engine did, and end the groups of which too much filled."""
        for group, at in self.journal.write(item, events):
            self.trigger_group(group, at)

    def _pit(self, item: ListedMarket, now: dt.datetime) -> Pit:
        pit = self._pits.get(item.ticker)
        if pit is None:
            background = None
            if self._options.orders_per_minute:
                background = Background(
                    item.ticker,
                    seed=self._options.seed,
                    per_minute=self._options.orders_per_minute,
                )
            pit = self._pits[item.ticker] = Pit(item, self.accounts, self.hours, now, background)
        return pit

    def _item(self, ticker: str) -> ListedMarket:
        return self._listings.exchange.listed_market(ticker)

    def _require_running(self) -> None:
        if self.hours.is_shut:
            raise FloorRefusedError(503, "exchange_paused", "the exchange is paused")

    def _require_market(self, ticker: str, now: dt.datetime) -> ListedMarket:
        item = self._listings.exchange.market(ticker, now)
        if item is None:
            raise FloorRefusedError(404, "market_not_found", f"market {ticker} does not exist")
        if item.status(now) != "active":
            raise FloorRefusedError(400, "MARKET_INACTIVE", f"market {ticker} does not trade")
        return item

    def _require_resting(self, user_id: str, order_id: str, now: dt.datetime) -> OrderRecord:
        record = self.order(user_id, order_id, now)
        if self._item(record.ticker).status(now) != "active":
            raise FloorRefusedError(
                400, "MARKET_INACTIVE", f"market {record.ticker} does not trade"
            )
        if record.has_ended:
            raise FloorRefusedError(404, "not_found", f"order {order_id} does not rest")
        return record


def _carried_out(operation: Callable[[], Iterable[Event]]) -> Iterable[Event]:
    """Return what an operation did, or its refusal in the exchange's words.

    Raises:
        FloorRefusedError: If it was refused; nothing changed.
    """
    try:
        return operation()
    except InsufficientBalanceError as error:
        raise FloorRefusedError(400, "insufficient_balance", "Insufficient balance") from error
    except OrderRefusedError as error:
        status, code = _CODES[error.refusal]
        raise FloorRefusedError(status, code, error.message) from error


_LONG_AGO: Final = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
