"""What the exchange writes down: orders, fills, trades, settlements, groups; and tells at once."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Iterable
from typing import Any

from boz.core.clock import format_utc
from boz.core.money import ONE, ZERO
from boz.sandbox.exchange import ListedMarket
from boz.sandbox.floor import messages
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
    Canceled,
    Event,
    Filled,
    FillLeg,
    LevelChanged,
    UpdateReason,
)

#: A group of orders that filled too much, and when it did.
Triggered = tuple[GroupRecord, dt.datetime]


class Journal:
    """Records of a floor, oldest first; whoever listens hears of each as it is written.

    Args:
        accounts: Cash and positions, moved already when an event is written down.
        seed: Decides identities.
    """

    def __init__(self, accounts: Accounts, *, seed: int) -> None:
        """Start empty."""
        self.accounts = accounts
        self.listeners: list[Listener] = []
        self.orders: dict[str, OrderRecord] = {}
        #: Order ids by member and client order id; a name stays taken for ever.
        self.named: dict[tuple[str, str], str] = {}
        self.groups: dict[str, GroupRecord] = {}
        self.trades: list[TradeRecord] = []
        self._fills: list[FillRecord] = []
        self._settlements: list[SettlementRecord] = []
        # Identities, not secrets.
        self._random = random.Random(f"floor:{seed}")  # noqa: S311

    def tell(self, news: News) -> None:
        """Let everybody hear who listens."""
        for listener in list(self.listeners):
            listener(news)

    def identity(self) -> str:
        """Return a new identity."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    # What is written --------------------------------------------------------------------------

    def take_in(self, record: OrderRecord) -> None:
        """Write down an order that was accepted."""
        self.orders[record.order_id] = record
        if record.client_order_id:
            self.named[record.user_id, record.client_order_id] = record.order_id

    def write(self, item: ListedMarket, events: Iterable[Event]) -> list[Triggered]:
        """Write down what an engine did; return the groups of which too much filled."""
        triggered: list[Triggered] = []
        for event in events:
            match event:
                case Accepted() | Amended() | Canceled():
                    self._change_order(event)
                case Filled():
                    triggered += self._fill(item, event)
                case LevelChanged():
                    pass  # books are told as they are after everything
        return triggered

    def _change_order(self, event: Accepted | Amended | Canceled) -> None:
        record = self.orders.get(event.state.order_id)
        if record is None:
            return
        record.state, record.updated_at = event.state, event.at
        if not isinstance(event, Accepted):
            record.reason = event.reason
        record.has_ended = isinstance(event, Canceled)
        self.tell(messages.user_order(record))

    def _fill(self, item: ListedMarket, event: Filled) -> list[Triggered]:
        """Write down a trade for both who made it."""
        trade_id = self.identity()
        accounts = {event.taker.account, event.maker.account}
        if not accounts <= RECORDED:
            trade = TradeRecord(
                len(self.trades) + 1, trade_id, item.ticker, event.yes_price, event.count,
                event.taker.side, event.at,
            )  # fmt: skip
            self.trades.append(trade)
            self.tell(messages.floor_trade(trade))
        triggered: list[Triggered] = []
        for leg, is_taker in ((event.taker, True), (event.maker, False)):
            record = self.orders.get(leg.state.order_id)
            if record is None:
                continue
            self._fill_order(record, leg, event, trade_id, is_taker=is_taker)
            group = self.groups.get(record.group_id)
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
        self.tell(messages.fill(fill, record, held.net))
        self.tell(messages.user_order(record))
        self.tell(messages.position(record.user_id, record.ticker, held))

    def settle(self, item: ListedMarket, pit: Pit, now: dt.datetime) -> None:
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
                self.tell(messages.position(paid.account, item.ticker, held))
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

    def require_repayable(self, item: ListedMarket, now: dt.datetime) -> None:
        """Refuse to correct a payment that somebody could not give back.

        Raises:
            ValueError: If somebody has spent it.
        """
        if not item.life.is_paid(now):
            return
        for record in self._settlements:
            held = self.accounts.balance(record.user_id).available
            if record.ticker == item.ticker and record.revenue > held:
                raise ValueError(f"a member has spent what {item.ticker} paid")

    # What is read -----------------------------------------------------------------------------

    def orders_of(self, user_id: str) -> list[OrderRecord]:
        """Return a member's orders, oldest first."""
        return [record for record in self.orders.values() if record.user_id == user_id]

    def orders_in(self, group: GroupRecord) -> list[OrderRecord]:
        """Return the orders of a group, oldest first."""
        return [record for record in self.orders.values() if record.group_id == group.group_id]

    def fills_of(self, user_id: str) -> list[FillRecord]:
        """Return a member's fills, oldest first."""
        return [record for record in self._fills if record.user_id == user_id]

    def settlements_of(self, user_id: str) -> list[SettlementRecord]:
        """Return what markets paid a member, oldest first."""
        return [record for record in self._settlements if record.user_id == user_id]

    def groups_of(self, user_id: str) -> list[GroupRecord]:
        """Return a member's groups, oldest first."""
        return [group for group in self.groups.values() if group.user_id == user_id]

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
