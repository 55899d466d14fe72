"""One market with its accounts: nothing trades that somebody could not pay for.

What an order needs is checked before it is matched; the exact fills and fees move the accounts
after. Reserves are for one fill per order, so an order split into very many tiny fills may round to
more than was reserved: such an order is taken out (``MarginCancel``) before cash could go below
zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from typing import TypeAlias

from boz.core.errors import InvalidOrderError
from boz.core.schemas import FeeTerms
from markets.matching.accounts import Accounts, Settlement
from markets.matching.claims import Claim
from markets.matching.engine import ForeseenFill, MarketPhase, MatchingEngine, Preview
from markets.matching.events import Events, Filled, LevelChanged, UpdateReason
from markets.matching.orders import Amendment, NewOrder
from markets.matching.positions import Position

Foresee: TypeAlias = Callable[[Collection[str]], Preview]


class ClearedMarket:
    """A matching engine whose orders are paid for from accounts.

    Operations on orders go through here, never to the engine itself, so that the accounts always
    know what rests.

    Args:
        engine: The market, with an empty book.
        accounts: The accounts, shared by all markets of the exchange.
    """

    def __init__(self, engine: MatchingEngine, accounts: Accounts) -> None:
        """Start with what the engine and the accounts hold."""
        self.engine = engine
        self.accounts = accounts

    @property
    def ticker(self) -> str:
        """Return the market's ticker."""
        return self.engine.market_ticker

    def submit(self, order: NewOrder, now: dt.datetime) -> Events:
        """Take in an order that its account can pay for.

        Raises:
            InsufficientBalanceError: If it cannot; nothing changed.
            OrderRefusedError: As :meth:`MatchingEngine.submit`; nothing changed.
            InvalidDataError: If the account is unknown.
        """
        position = self.accounts.position(order.account, self.ticker)
        reducible = position.reducible(order.side) if order.reduce_only else None
        count = order.count if reducible is None else min(order.count, reducible)

        def foresee(without: Collection[str]) -> Preview:
            return self.engine.preview(order, now, reducible=reducible, without=without)

        short = self._require_paid(order, count, foresee)
        events = self._margin_cancel(short, now)
        return events + self._book(self.engine.submit(order, now, reducible=reducible))

    def amend(self, order_id: str, amendment: Amendment, now: dt.datetime) -> Events:
        """Change a resting order into one that its account can pay for.

        Raises:
            InsufficientBalanceError: If it cannot; nothing changed.
            OrderRefusedError: As :meth:`MatchingEngine.amend`; nothing changed.
        """

        def foresee(without: Collection[str]) -> Preview:
            return self.engine.preview_amend(order_id, amendment, now, without=without)

        foresee(())
        short: tuple[str, ...] = ()
        state = self.engine.order(order_id)
        if state is not None and _may_cost_more(state.order, amendment):
            amended = replace(state.order, price=amendment.price)
            short = self._require_paid(amended, amendment.count - state.filled, foresee)
        events = self._margin_cancel(short, now)
        return events + self._book(self.engine.amend(order_id, amendment, now))

    def cancel(
        self, order_id: str, now: dt.datetime, *, reason: UpdateReason = UpdateReason.NONE
    ) -> Events:
        """Take a resting order out; see :meth:`MatchingEngine.cancel`."""
        return self._book(self.engine.cancel(order_id, now, reason=reason))

    def decrease(
        self,
        order_id: str,
        now: dt.datetime,
        *,
        by: Decimal | None = None,
        to: Decimal | None = None,
    ) -> Events:
        """Make a resting order smaller; see :meth:`MatchingEngine.decrease`."""
        return self._book(self.engine.decrease(order_id, now, by=by, to=to))

    def expire(self, now: dt.datetime) -> Events:
        """Take out what has expired; see :meth:`MatchingEngine.expire`."""
        return self._book(self.engine.expire(now))

    def cancel_all(
        self,
        now: dt.datetime,
        *,
        account: str | None = None,
        reason: UpdateReason = UpdateReason.NONE,
    ) -> Events:
        """Take out all orders of one account or all; see :meth:`MatchingEngine.cancel_all`."""
        return self._book(self.engine.cancel_all(now, account=account, reason=reason))

    def pause(self, now: dt.datetime) -> Events:
        """Stop trading; see :meth:`MatchingEngine.pause`."""
        return self._book(self.engine.pause(now))

    def resume(self, now: dt.datetime) -> Events:
        """Let trading go on; see :meth:`MatchingEngine.resume`."""
        return self._book(self.engine.resume(now))

    def close(self, now: dt.datetime) -> Events:
        """End trading; see :meth:`MatchingEngine.close`."""
        return self._book(self.engine.close(now))

    def change_terms(self, terms: FeeTerms) -> None:
        """Charge other fees from the next fill on, and reserve for them."""
        self.engine.change_terms(terms)
        for account in self.accounts:
            self._refresh_claims(account, self.accounts.resting(account, self.ticker))

    def settle(self, yes_value: Decimal) -> tuple[Settlement, ...]:
        """Pay out the outcome of a closed market.

        Args:
            yes_value: Dollars per YES contract: 1, 0 or a scalar value.

        Raises:
            InvalidOrderError: If the market is not closed.
            InvalidDataError: If the value lies outside 0 to 1.
        """
        if self.engine.phase is not MarketPhase.CLOSED:
            raise InvalidOrderError(f"The market {self.ticker} is not closed; it has no outcome.")
        return self.accounts.settle(self.ticker, yes_value)

    def _require_paid(self, order: NewOrder, count: Decimal, foresee: Foresee) -> tuple[str, ...]:
        """Refuse what the order's account cannot pay for.

        It must be able to pay its limit for all of it, as the exchange asks before it matches, and
        what would really happen, to the last fraction.

        Returns:
            Resting orders of others that it would meet and that could not pay for the trade.
        """
        short: list[str] = []
        while True:
            preview = foresee(short)
            self._require_funds(order, count, preview)
            unable = self._unable(preview)
            if unable is None:
                return tuple(short)
            short.append(unable)

    def _require_funds(self, order: NewOrder, count: Decimal, preview: Preview) -> None:
        account, accounts = order.account, self.accounts
        cash = accounts.balance(account).cash
        position = accounts.position(account, self.ticker)
        gone = {order.order_id, *preview.self_cancels}
        at_limit = self._claim(order, count, takes=bool(preview.taken))
        accounts.require_funds(
            account, self.ticker, without=gone, claim=at_limit, position=position, cash=cash
        )
        for fill in preview.taken:
            position, cash = _after(fill, position, cash)
        rest = self._claim(order, preview.resting, takes=False)
        accounts.require_funds(
            account, self.ticker, without=gone, claim=rest, position=position, cash=cash
        )

    def _unable(self, preview: Preview) -> str | None:
        """Return the first resting order whose account could not pay for its fill."""
        held: dict[str, tuple[Position, Decimal]] = {}
        for fill in preview.given:
            position, cash = held.get(fill.account) or (
                self.accounts.position(fill.account, self.ticker),
                self.accounts.balance(fill.account).cash,
            )
            held[fill.account] = position, cash = _after(fill, position, cash)
            if cash < 0:
                return fill.order_id
        return None

    def _margin_cancel(self, order_ids: tuple[str, ...], now: dt.datetime) -> Events:
        events: Events = ()
        for order_id in order_ids:
            events += self.cancel(order_id, now, reason=UpdateReason.MARGIN_CANCEL)
        return events

    def _claim(self, order: NewOrder, count: Decimal, *, takes: bool) -> Claim | None:
        if count <= 0:
            return None
        cost = self.engine.cost_at_once(order.side, order.price, count, takes=takes)
        return Claim(order.order_id, order.side, order.price, count, cost)

    def _book(self, events: Events) -> Events:
        """Move the accounts as the events say."""
        touched: dict[str, set[str]] = {}
        for event in events:
            if isinstance(event, LevelChanged):
                continue
            if isinstance(event, Filled):
                for leg in (event.taker, event.maker):
                    self.accounts.book_fill(leg, self.ticker, event.count)
                    touched.setdefault(leg.account, set()).add(leg.state.order_id)
            else:
                order = event.state.order
                touched.setdefault(order.account, set()).add(order.order_id)
        for account, order_ids in touched.items():
            self._refresh_claims(account, order_ids)
        return events

    def _refresh_claims(self, account: str, order_ids: Collection[str]) -> None:
        claims: dict[str, Claim | None] = {}
        for order_id in order_ids:
            state = self.engine.order(order_id)
            claims[order_id] = (
                None if state is None else self._claim(state.order, state.remaining, takes=False)
            )
        self.accounts.set_claims(account, self.ticker, claims)


def _may_cost_more(order: NewOrder, amendment: Amendment) -> bool:
    return amendment.price != order.price or amendment.count > order.count


def _after(fill: ForeseenFill, position: Position, cash: Decimal) -> tuple[Position, Decimal]:
    after, payout = position.after_fill(fill.side, price=fill.price, count=fill.count, fee=fill.fee)
    return after, cash + payout - fill.cash
