"""The trading floor: who trades, what they ordered, what filled, what was paid.

Only markets in which somebody traded or whose book is watched get an engine; every other market is
read from the recordings as ever. Nothing happens between calls: each brings the floor to its
``now`` first, so the same calls at the same moments give the same floor.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from boz.core.clock import format_utc
from boz.core.errors import InsufficientBalanceError
from boz.core.money import ONE, ZERO
from boz.core.schemas import OrderBook, Side
from boz.sandbox.exchange import Exchange, Life, ListedMarket, unix
from boz.sandbox.floor import messages
from boz.sandbox.floor.background import Background
from boz.sandbox.floor.hours import Hours, Pause
from boz.sandbox.floor.members import Member, Members
from boz.sandbox.floor.news import Listener, News
from boz.sandbox.floor.pit import NOBODY, RECORDED, Pit
from boz.sandbox.floor.records import (
    FillRecord,
    GroupRecord,
    OrderRecord,
    SettlementRecord,
    TradeRecord,
    count_fp,
    dollars,
)
from markets.matching import (
    Accepted,
    Accounts,
    Amended,
    Amendment,
    BookSide,
    Canceled,
    Event,
    Filled,
    FillLeg,
    LevelChanged,
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
    Refusal.TRADING_PAUSED: (409, "exchange_paused"),
    Refusal.MARKET_INACTIVE: (409, "MARKET_INACTIVE"),
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


class Listings(Protocol):
    """Whoever holds the exchange's listing; a changed life of a market replaces it."""

    exchange: Exchange


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
        self.listeners: list[Listener] = []
        self._listings = listings
        self._options = options
        # Identities, not secrets.
        self._random = random.Random(f"floor:{options.seed}")  # noqa: S311
        self._now: dt.datetime | None = None
        self._pits: dict[str, Pit] = {}
        self._shown: dict[str, OrderBook] = {}
        self._watches_all = False
        self._orders: dict[str, OrderRecord] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._fills: list[FillRecord] = []
        self._trades: list[TradeRecord] = []
        self._settlements: list[SettlementRecord] = []
        self._groups: dict[str, GroupRecord] = {}

    # Members ----------------------------------------------------------------------------------

    def join(self, cash: Decimal = STARTING_CASH) -> Member:
        """Return a new member with some cash and no key."""
        member = self.members.join()
        self.accounts.open(member.user_id, cash)
        return member

    # Time -------------------------------------------------------------------------------------

    def advance(self, now: dt.datetime) -> None:
        """Bring everything to ``now``."""
        before, self._now = self._now, now
        if before is None or now <= before:
            return
        self._follow_market_flow(before, now)
        for ticker, pit in list(self._pits.items()):
            item = self._item(ticker)
            self._book_events(item, pit, pit.advance(item, now))
            self._settle(item, pit, now)
        if self.listeners:
            for item in self._listings.exchange.listed():
                for news in messages.lifecycle(item, after=before, until=now):
                    self._tell(news)
            exchange = self._listings.exchange
            for news in messages.recorded_trades(exchange, after=before, until=now):
                self._tell(news)
            self._show_books()

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
                self._book_events(self._item(ticker), pit, pit.rest_or_resume(now))
        self._show_books()

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
        self._require_repayable(item, now)
        if told is None:
            life = item.life.ended_early(now, won=won)
        else:
            life = item.life.amended(now, won=won)
        self._change_life(ticker, life)
        changed = self._item(ticker)
        pit = self._pits.get(ticker)
        if pit is not None:
            self._book_events(changed, pit, pit.advance(changed, now))
            self._settle(changed, pit, now)
        if changed.life.closes_at != item.life.closes_at:
            self._tell(messages.closing_moved(changed))
        self._tell(messages.determined(changed, now))
        self._show_books()

    def _require_repayable(self, item: ListedMarket, now: dt.datetime) -> None:
        if not item.life.is_paid(now):
            return
        for record in self._settlements:
            held = self.accounts.balance(record.user_id).available
            if record.ticker == item.ticker and record.revenue > held:
                raise ValueError(f"a member has spent what {item.ticker} paid")

    def _change_life(self, ticker: str, life: Life) -> None:
        self._listings.exchange = self._listings.exchange.with_life(ticker, life)

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
        if name and (user_id, name) in self._named:
            raise FloorRefusedError(409, "order_already_exists", "order already exists")
        group = self._require_group(user_id, ticket.group_id)
        order = NewOrder(
            order_id=self._identity(),
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
        events = _carried_out(lambda: pit.market.submit(order, now))
        self._record(item, order, ticket, now)
        self._book_events(item, pit, events)
        self._show_books(cause=self._orders[order.order_id])
        record = self._orders[order.order_id]
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
        if renamed and self._named.get((user_id, renamed), order_id) != order_id:
            raise FloorRefusedError(409, "order_already_exists", "order already exists")
        amendment = Amendment(price, count, changes_expiry, expires_at)
        pit = self._pits[record.ticker]
        events = _carried_out(lambda: pit.market.amend(order_id, amendment, now))
        if renamed:
            record.client_order_id = renamed
            self._named[user_id, renamed] = order_id
        self._book_events(self._item(record.ticker), pit, events)
        self._show_books(cause=record)
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
        self._book_events(self._item(record.ticker), pit, events)
        self._show_books(cause=record)
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
        self._book_events(self._item(record.ticker), pit, events)
        self._show_books(cause=record)
        return record, remaining

    def cancel_everything(self, user_id: str, now: dt.datetime) -> None:
        """Take out every resting order of a member.

        Raises:
            FloorRefusedError: If cancels are not taken.
        """
        self._require_running()
        self.advance(now)
        for record in self.orders_of(user_id):
            if not record.has_ended:
                self.cancel(user_id, record.order_id, now)

    # What members see -------------------------------------------------------------------------

    def order(self, user_id: str, order_id: str, now: dt.datetime) -> OrderRecord:
        """Return a member's order.

        Raises:
            FloorRefusedError: If the member has no such order.
        """
        self.advance(now)
        record = self._orders.get(order_id)
        if record is None or record.user_id != user_id:
            raise FloorRefusedError(404, "not_found", f"order {order_id} does not exist")
        return record

    def orders_of(self, user_id: str) -> list[OrderRecord]:
        """Return a member's orders, oldest first."""
        return [record for record in self._orders.values() if record.user_id == user_id]

    def fills_of(self, user_id: str) -> list[FillRecord]:
        """Return a member's fills, oldest first."""
        return [record for record in self._fills if record.user_id == user_id]

    def settlements_of(self, user_id: str) -> list[SettlementRecord]:
        """Return what markets paid a member, oldest first."""
        return [record for record in self._settlements if record.user_id == user_id]

    def queue_position(self, record: OrderRecord) -> Decimal:
        """Return the contracts that must trade before a resting order does."""
        return self._pits[record.ticker].engine.queue_position(record.order_id)

    def position_bodies(self, user_id: str) -> list[dict[str, Any]]:
        """Return a member's positions as the exchange writes them."""
        return [self._position_body(user_id, ticker) for ticker in self.accounts.positions(user_id)]

    def _position_body(self, user_id: str, ticker: str) -> dict[str, Any]:
        held = self.accounts.position(user_id, ticker)
        records: list[FillRecord | SettlementRecord] = [*self._fills, *self._settlements]
        changes = [
            record.at for record in records if (record.user_id, record.ticker) == (user_id, ticker)
        ]
        return {
            "ticker": ticker,
            "exchange_index": 0,
            "total_traded_dollars": dollars(held.traded),
            "position_fp": count_fp(held.net),
            "market_exposure_dollars": dollars(held.cost),
            "realized_pnl_dollars": dollars(held.realised),
            "fees_paid_dollars": dollars(held.fees),
            "last_updated_ts": format_utc(max(changes)),
        }

    def portfolio_value(self, user_id: str, now: dt.datetime) -> Decimal:
        """Return what positions would bring at the best bids, nothing where nobody bids."""
        total = ZERO
        for ticker, held in self.accounts.positions(user_id).items():
            if held.net:
                side = Side.YES if held.net > 0 else Side.NO
                total += abs(held.net) * (self.book(ticker, now).best_bid(side) or ZERO)
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

    # Books, trades ----------------------------------------------------------------------------

    def knows(self, ticker: str) -> bool:
        """Say whether there is such a market by now."""
        return (
            self._now is not None and self._listings.exchange.market(ticker, self._now) is not None
        )

    def tickers_by_id(self) -> dict[str, str]:
        """Return every market's ticker by its identity on the stream."""
        return {
            messages.market_id(item.ticker): item.ticker
            for item in self._listings.exchange.listed()
        }

    def has_engine(self, ticker: str) -> bool:
        """Say whether a market differs from its recording: somebody trades there."""
        return ticker in self._pits

    def book(self, ticker: str, now: dt.datetime) -> OrderBook:
        """Return a market's book as everybody sees it."""
        pit = self._pits.get(ticker)
        if pit is not None:
            return pit.engine.book(now)
        return messages.book_of(self._item(ticker), now)

    def trades(self) -> list[TradeRecord]:
        """Return the trades that the recordings do not hold, oldest first."""
        return self._trades

    def open_interest(self, ticker: str) -> Decimal:
        """Return the contracts that exist beside the recorded ones."""
        return self.accounts.open_interest(ticker)

    def watch(self, ticker: str) -> None:
        """Tell the changes of a market's book and quotes from now on."""
        if ticker not in self._shown:
            self._shown[ticker] = self.book(ticker, self._require_now())

    def watch_everything(self) -> None:
        """Tell the changes of every market that trades, now or later."""
        self._watches_all = True
        self._watch_new()

    def _watch_new(self) -> None:
        for item in self._listings.exchange.listed():
            if item.status(self._require_now()) == "active":
                self.watch(item.ticker)

    def snapshot_message(self, ticker: str) -> dict[str, Any]:
        """Return a watched book as the stream tells it."""
        return messages.snapshot(self._shown[ticker])

    def ticker_message(self, ticker: str) -> dict[str, Any]:
        """Return a market's quotes as the stream tells them."""
        now = self._require_now()
        item = self._item(ticker)
        _, size = self._last_trade(item, now)
        return messages.ticker_message(self.market_body(item, now), size, now)

    def market_body(self, item: ListedMarket, now: dt.datetime) -> dict[str, Any]:
        """Return a market as the exchange writes it, with what happened here in it."""
        body = self._listings.exchange.market_body(item, now)
        if item.ticker not in self._pits:
            return body
        book = self.book(item.ticker, now)
        price, _ = self._last_trade(item, now)
        counts = {
            "volume_fp": dt.datetime.min.replace(tzinfo=dt.UTC),
            "volume_24h_fp": now - dt.timedelta(days=1),
        }
        own = [trade for trade in self._trades if trade.ticker == item.ticker]
        for name, since in counts.items():
            more = sum((trade.count for trade in own if trade.at > since), ZERO)
            body[name] = count_fp(Decimal(body[name]) + more)
        interest = Decimal(body["open_interest_fp"]) + self.accounts.open_interest(item.ticker)
        return body | {
            **_quotes(book),
            "last_price_dollars": dollars(price),
            "open_interest_fp": count_fp(interest),
        }

    def book_body(self, item: ListedMarket, now: dt.datetime, *, depth: int) -> dict[str, Any]:
        """Return both sides' bids, ascending, the best ``depth`` of each; 0 gives all."""
        if item.ticker not in self._pits:
            return self._listings.exchange.book_body(item, now, depth=depth)
        book = self.book(item.ticker, now)
        return {
            f"{side.value}_dollars": messages.levels_of(book, side)[-depth if depth else 0 :]
            for side in Side
        }

    def _last_trade(self, item: ListedMarket, now: dt.datetime) -> tuple[Decimal, Decimal]:
        """Return price and count of a market's last trade, recorded or not; 0 for none."""
        own = next((trade for trade in reversed(self._trades) if trade.ticker == item.ticker), None)
        recorded = item.last_trade(unix(now))
        if own is not None and (recorded is None or own.at >= recorded.at):
            return own.yes_price, own.count
        return (ZERO, ZERO) if recorded is None else (recorded.price, recorded.count)

    def _show_books(self, cause: OrderRecord | None = None) -> None:
        """Tell what changed in the watched books since they were last told."""
        now = self._require_now()
        if not self.listeners:
            return
        if self._watches_all:
            self._watch_new()
        for ticker, before in list(self._shown.items()):
            book = self.book(ticker, now)
            changes = list(messages.deltas(before, book, cause))
            self._shown[ticker] = book
            for news in changes:
                self._tell(news)
            if changes:
                self._tell(messages.ticked(self.ticker_message(ticker)))

    # Order groups -----------------------------------------------------------------------------

    def create_group(self, user_id: str, limit: Decimal, now: dt.datetime) -> GroupRecord:
        """Return a new group of orders."""
        self.advance(now)
        group = GroupRecord(self._identity(), user_id, limit)
        self._groups[group.group_id] = group
        self._tell(messages.group(group, "created", now))
        return group

    def group(self, user_id: str, group_id: str) -> GroupRecord:
        """Return a member's group.

        Raises:
            FloorRefusedError: If the member has no such group.
        """
        group = self._groups.get(group_id)
        if group is None or group.user_id != user_id:
            raise FloorRefusedError(404, "not_found", f"order group {group_id} does not exist")
        return group

    def groups_of(self, user_id: str) -> list[GroupRecord]:
        """Return a member's groups, oldest first."""
        return [group for group in self._groups.values() if group.user_id == user_id]

    def orders_in(self, group: GroupRecord) -> list[OrderRecord]:
        """Return the orders of a group, oldest first."""
        return [record for record in self._orders.values() if record.group_id == group.group_id]

    def limit_group(self, group: GroupRecord, limit: Decimal, now: dt.datetime) -> None:
        """Change how much of a group may fill; less than has filled already ends its orders."""
        self.advance(now)
        group.limit = limit
        self._tell(messages.group(group, "limit_updated", now))
        if group.is_exceeded(now):
            self.trigger_group(group, now)

    def reset_group(self, group: GroupRecord, now: dt.datetime) -> None:
        """Let a group take orders again, counting from nothing."""
        self.advance(now)
        group.is_triggered = False
        group.matched.clear()
        self._tell(messages.group(group, "reset", now))

    def trigger_group(self, group: GroupRecord, now: dt.datetime) -> None:
        """End all orders of a group and take no new ones until it is reset."""
        self.advance(now)
        group.is_triggered = True
        self._cancel_group(group, now)
        self._tell(messages.group(group, "triggered", now))

    def delete_group(self, group: GroupRecord, now: dt.datetime) -> None:
        """End all orders of a group and forget it."""
        self.advance(now)
        self._cancel_group(group, now)
        del self._groups[group.group_id]
        self._tell(messages.group(group, "deleted", now))

    def _cancel_group(self, group: GroupRecord, now: dt.datetime) -> None:
        for record in self.orders_in(group):
            if not record.has_ended:
                pit = self._pits[record.ticker]
                events = pit.market.cancel(record.order_id, now)
                self._book_events(self._item(record.ticker), pit, events)
        self._show_books()

    def _require_group(self, user_id: str, group_id: str) -> GroupRecord | None:
        if not group_id:
            return None
        group = self.group(user_id, group_id)
        if group.is_triggered:
            raise FloorRefusedError(
                400, "order_group_triggered", "the order group must be reset first"
            )
        return group

    # Bookkeeping ------------------------------------------------------------------------------

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

    def _record(
        self, item: ListedMarket, order: NewOrder, ticket: Ticket, now: dt.datetime
    ) -> None:
        self._orders[order.order_id] = OrderRecord(
            number=len(self._orders) + 1,
            user_id=order.account,
            client_order_id=ticket.client_order_id,
            ticker=item.ticker,
            event_ticker=item.market.event_ticker,
            state=OrderState(order, remaining=order.count),
            created_at=now,
            updated_at=now,
            group_id=ticket.group_id,
        )
        if ticket.client_order_id:
            self._named[order.account, ticket.client_order_id] = order.order_id

    def _book_events(self, item: ListedMarket, pit: Pit, events: Iterable[Event]) -> None:
        """Write down what an engine did, and tell it."""
        triggered: list[tuple[GroupRecord, dt.datetime]] = []
        for event in events:
            match event:
                case Accepted() | Amended() | Canceled():
                    self._change_order(event)
                case Filled():
                    pit.note(event)
                    triggered += self._fill(item, event)
                case LevelChanged():
                    pass  # books are told as they are after everything
        for group, at in triggered:
            self.trigger_group(group, at)

    def _change_order(self, event: Accepted | Amended | Canceled) -> None:
        record = self._orders.get(event.state.order_id)
        if record is None:
            return
        record.state, record.updated_at = event.state, event.at
        if not isinstance(event, Accepted):
            record.reason = event.reason
        record.has_ended = isinstance(event, Canceled)
        self._tell(messages.user_order(record))

    def _fill(self, item: ListedMarket, event: Filled) -> list[tuple[GroupRecord, dt.datetime]]:
        """Write down a trade for both who made it."""
        trade_id = self._identity()
        accounts = {event.taker.account, event.maker.account}
        if not accounts <= RECORDED:
            trade = TradeRecord(
                len(self._trades) + 1, trade_id, item.ticker, event.yes_price, event.count,
                event.taker.side, event.at,
            )  # fmt: skip
            self._trades.append(trade)
            self._tell(messages.floor_trade(trade))
        triggered = []
        for leg, is_taker in ((event.taker, True), (event.maker, False)):
            record = self._orders.get(leg.state.order_id)
            if record is None:
                continue
            self._fill_order(record, leg, event, trade_id, is_taker=is_taker)
            group = self._groups.get(record.group_id)
            if group is not None and group.match(event.count, event.at):
                triggered.append((group, event.at))
        return triggered

    def _fill_order(
        self, record: OrderRecord, leg: FillLeg, event: Filled, trade_id: str, *, is_taker: bool
    ) -> None:
        record.state, record.updated_at = leg.state, event.at
        record.reason = UpdateReason.TRADE
        record.has_ended = leg.state.remaining == 0
        cost = leg.price * event.count
        if is_taker:
            record.taker_cost += cost
            record.taker_fees += leg.fee.net
        else:
            record.maker_cost += cost
            record.maker_fees += leg.fee.net
        fill = FillRecord(
            len(self._fills) + 1, trade_id, record.user_id, record.order_id, record.ticker,
            leg.side, event.yes_price, event.count, leg.fee.net, is_taker, event.at,
        )  # fmt: skip
        self._fills.append(fill)
        held = self.accounts.position(record.user_id, record.ticker)
        self._tell(messages.fill(fill, record, held.net))
        self._tell(messages.user_order(record))
        self._tell(messages.position(record.user_id, record.ticker, held))

    def _settle(self, item: ListedMarket, pit: Pit, now: dt.datetime) -> None:
        """Pay out a market whose time has come, or correct what it paid."""
        life = item.life
        if now < life.settles_at or pit.settled_won is life.won:
            return
        value = ONE if life.won else ZERO
        if pit.settled_won is None:
            for paid in pit.market.settle(value):
                if paid.account in NOBODY:
                    continue
                self._settlements.append(
                    SettlementRecord(
                        number=len(self._settlements) + 1,
                        user_id=paid.account,
                        ticker=item.ticker,
                        event_ticker=item.market.event_ticker,
                        won=life.won,
                        yes_count=max(ZERO, paid.net),
                        yes_cost=paid.cost if paid.net > 0 else ZERO,
                        no_count=max(ZERO, -paid.net),
                        no_cost=paid.cost if paid.net < 0 else ZERO,
                        revenue=paid.payout,
                        fees=paid.fees,
                        at=life.settles_at,
                    )
                )
                held = self.accounts.position(paid.account, item.ticker)
                self._tell(messages.position(paid.account, item.ticker, held))
        else:
            self._correct(item, now)
        pit.settled_won = life.won

    def _correct(self, item: ListedMarket, now: dt.datetime) -> None:
        """Take back what a market paid and pay what it should have."""
        for index, record in enumerate(self._settlements):
            if record.ticker != item.ticker:
                continue
            corrected = record.corrected(won=item.life.won, at=now)
            self._settlements[index] = corrected
            change = corrected.revenue - record.revenue
            if change > 0:
                self.accounts.deposit(record.user_id, change)
            else:
                self.accounts.withdraw(record.user_id, -change)

    # Tools ------------------------------------------------------------------------------------

    def _tell(self, news: News) -> None:
        for listener in list(self.listeners):
            listener(news)

    def _item(self, ticker: str) -> ListedMarket:
        return self._listings.exchange.listed_market(ticker)

    def _identity(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _require_now(self) -> dt.datetime:
        if self._now is None:
            raise RuntimeError("the floor has not been brought to any moment yet")
        return self._now

    def _require_running(self) -> None:
        if self.hours.is_shut:
            raise FloorRefusedError(503, "exchange_paused", "the exchange is paused")

    def _require_market(self, ticker: str, now: dt.datetime) -> ListedMarket:
        item = self._listings.exchange.market(ticker, now)
        if item is None:
            raise FloorRefusedError(404, "market_not_found", f"market {ticker} does not exist")
        if item.status(now) != "active":
            raise FloorRefusedError(409, "MARKET_INACTIVE", f"market {ticker} does not trade")
        return item

    def _require_resting(self, user_id: str, order_id: str, now: dt.datetime) -> OrderRecord:
        record = self.order(user_id, order_id, now)
        if self._item(record.ticker).status(now) != "active":
            raise FloorRefusedError(
                409, "MARKET_INACTIVE", f"market {record.ticker} does not trade"
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


def _quotes(book: OrderBook) -> dict[str, str]:
    """Return the best quotes; an empty side shows a bid of 0 and an ask of 1."""
    bid, no_bid = (book.bids(side)[:1] for side in (Side.YES, Side.NO))
    yes_bid = bid[0].price_dollars if bid else ZERO
    yes_ask = ONE - no_bid[0].price_dollars if no_bid else ONE
    return {
        "yes_bid_dollars": dollars(yes_bid),
        "yes_bid_size_fp": count_fp(bid[0].count if bid else ZERO),
        "yes_ask_dollars": dollars(yes_ask),
        "yes_ask_size_fp": count_fp(no_bid[0].count if no_bid else ZERO),
        "no_bid_dollars": dollars(ONE - yes_ask),
        "no_ask_dollars": dollars(ONE - yes_bid),
    }


_LONG_AGO: Final = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
