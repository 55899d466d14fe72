"""The matching engine of one market: orders in, events out.

Price-time priority in YES price space. An arrival trades at the resting order's price; every fill
carries the exact fee of both parties. The engine knows no accounts: what an order may cost and how
much a reduce-only order may take is for the caller to say (:mod:`markets.matching.clearing`).

An operation that raises has changed nothing. An order that has expired never trades, whether or not
its expiry was announced yet.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from boz.core.errors import InvalidDataError
from boz.core.money import COUNT_STEP, MICRO_STEP, ZERO
from boz.core.schemas import BookLevel, FeeTerms, OrderBook, Side
from markets.domain.fees import (
    CENTICENT_RULES,
    DIRECT_PRECISION,
    FillFee,
    OrderFeeAccumulator,
    RoundingRules,
    maker_rate,
    taker_rate,
)
from markets.domain.ticks import PriceRange, is_on_grid
from markets.matching.book import (
    DOLLAR_TICKS,
    HalfBook,
    LiveOrder,
    Plan,
    plan_match,
    to_count,
    to_lots,
    to_price,
)
from markets.matching.events import (
    Accepted,
    Amended,
    Canceled,
    Event,
    Events,
    Filled,
    FillLeg,
    LevelChanged,
    UpdateReason,
)
from markets.matching.orders import (
    Amendment,
    BookSide,
    NewOrder,
    OrderRefusedError,
    OrderState,
    Refusal,
    TimeInForce,
)


class MarketPhase(StrEnum):
    """What a market lets happen."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ForeseenFill:
    """One side of a trade that would happen.

    Attributes:
        order_id: The party's order.
        account: The party.
        side: Bid or ask on the YES price.
        price: Dollars per contract of what this party would buy.
        count: Contracts.
        fee: Dollars, net.
    """

    order_id: str
    account: str
    side: BookSide
    price: Decimal
    count: Decimal
    fee: Decimal

    @property
    def cash(self) -> Decimal:
        """Return the exact dollars that would leave, before any payout of matched pairs."""
        return self.price * self.count + self.fee


@dataclass(frozen=True, slots=True)
class Preview:
    """What an operation would do at once, before it is done.

    Attributes:
        taken: The arrival's fills, in order.
        given: The other side of each.
        self_cancels: Resting orders of the same account that it would cancel.
        resting: Contracts that would rest afterwards.
    """

    taken: tuple[ForeseenFill, ...] = ()
    given: tuple[ForeseenFill, ...] = ()
    self_cancels: tuple[str, ...] = ()
    resting: Decimal = ZERO

    @property
    def filled(self) -> Decimal:
        """Return the contracts that would fill."""
        return sum((fill.count for fill in self.taken), ZERO)


class MatchingEngine:
    """One market's book and rules.

    Args:
        market_ticker: The market.
        price_ranges: Its price grid.
        terms: The fee terms in force; see :meth:`change_terms`.
        rules: How the exchange rounds fees.
        precision: What balances are aligned to, in dollars.

    Raises:
        InvalidDataError: If the grid is finer than $0.0001 or is empty.
    """

    def __init__(
        self,
        market_ticker: str,
        *,
        price_ranges: Sequence[PriceRange],
        terms: FeeTerms,
        rules: RoundingRules = CENTICENT_RULES,
        precision: Decimal = DIRECT_PRECISION,
    ) -> None:
        """Start open, with an empty book."""
        if not price_ranges:
            raise InvalidDataError(f"The market {market_ticker} has no price grid.")
        for part in price_ranges:
            if part.start % MICRO_STEP or part.step % MICRO_STEP:
                raise InvalidDataError(
                    f"The price grid of {market_ticker} is finer than {MICRO_STEP} dollars."
                )
        self.market_ticker = market_ticker
        self._price_ranges = tuple(price_ranges)
        self._terms = terms
        self._fresh_fees = OrderFeeAccumulator(precision=precision, rules=rules)
        self._phase = MarketPhase.OPEN
        self._halves = {side: HalfBook(side) for side in BookSide}
        self._live: dict[str, LiveOrder] = {}
        self._seen: set[str] = set()
        self._expiries: list[tuple[dt.datetime, int, str]] = []
        self._now: dt.datetime | None = None
        self._seq = 0
        self._trades = 0
        self._events: list[Event] = []

    @property
    def phase(self) -> MarketPhase:
        """Return what the market lets happen."""
        return self._phase

    @property
    def terms(self) -> FeeTerms:
        """Return the fee terms of the next fill."""
        return self._terms

    def change_terms(self, terms: FeeTerms) -> None:
        """Charge other fees from the next fill on, resting orders included."""
        self._terms = terms

    # What stands in the book.

    def book(self, at: dt.datetime) -> OrderBook:
        """Return the book as displayed: the bids for YES and the bids for NO."""
        return OrderBook(
            market_ticker=self.market_ticker,
            at=at,
            yes_bids=self.bids(Side.YES),
            no_bids=self.bids(Side.NO),
        )

    def bids(self, side: Side) -> tuple[BookLevel, ...]:
        """Return the bids for one contract at that contract's prices, best first."""
        half = self._halves[BookSide.buying(side)]
        return tuple(
            BookLevel(price_dollars=_own_price(side, ticks), count=to_count(lots))
            for ticks, lots in half.levels()
        )

    def order(self, order_id: str) -> OrderState | None:
        """Return a resting order, or None when it rests no more or never did."""
        live = self._live.get(order_id)
        return None if live is None else live.state()

    def orders(self, account: str | None = None) -> tuple[OrderState, ...]:
        """Return the resting orders, of one account or all, in the order of their acceptance."""
        return tuple(
            live.state()
            for live in self._live.values()
            if account is None or live.order.account == account
        )

    def queue_position(self, order_id: str) -> Decimal:
        """Return the contracts that must trade before this order does.

        Raises:
            OrderRefusedError: If no such order rests.
        """
        live = self._live.get(order_id)
        if live is None:
            raise _unknown(order_id)
        return to_count(self._halves[live.side].lots_ahead(live))

    # What an order would do.

    def cost_at_once(
        self, side: BookSide, yes_price: Decimal, count: Decimal, *, takes: bool
    ) -> Decimal:
        """Return the dollars that a new order pays when it fills in one trade, fee included."""
        rate = taker_rate(self._terms) if takes else maker_rate(self._terms)
        price = side.own_price(yes_price)
        fee, _ = self._charge(self._fresh_fees, price, count, rate)
        return price * count + fee.net

    def preview(
        self,
        order: NewOrder,
        now: dt.datetime,
        *,
        reducible: Decimal | None = None,
        without: Container[str] = (),
    ) -> Preview:
        """Return what :meth:`submit` would do at once; nothing changes.

        Args:
            order: As for :meth:`submit`.
            now: As for :meth:`submit`.
            reducible: As for :meth:`submit`.
            without: Resting orders to leave out, as if they had been canceled before.

        Raises:
            OrderRefusedError: As :meth:`submit` would.
        """
        now = self._latest(now)
        self._require_new(order, now, reducible)
        arrival = LiveOrder.arriving(order, self._fresh_fees)
        return self._preview(arrival, now, _lots_allowed(order, reducible), without)

    def preview_amend(
        self,
        order_id: str,
        amendment: Amendment,
        now: dt.datetime,
        *,
        without: Container[str] = (),
    ) -> Preview:
        """Return what :meth:`amend` would do at once; nothing changes.

        Args:
            order_id: As for :meth:`amend`.
            amendment: As for :meth:`amend`.
            now: As for :meth:`amend`.
            without: Resting orders to leave out, as if they had been canceled before.

        Raises:
            OrderRefusedError: As :meth:`amend` would.
        """
        now = self._latest(now)
        live, lots = self._require_amendment(order_id, amendment, now)
        if lots <= 0:
            return Preview()
        if _keeps_place(live, amendment, lots):
            return Preview(resting=to_count(lots))
        return self._preview(_amended(live, amendment, lots), now, lots, without)

    # What changes the book.

    def submit(
        self, order: NewOrder, now: dt.datetime, *, reducible: Decimal | None = None
    ) -> Events:
        """Take in an order, match it, and let it rest or end.

        Args:
            order: The order.
            now: The moment at which it reaches the market.
            reducible: For a reduce-only order, the contracts of the position it may close.

        Raises:
            OrderRefusedError: If the order is malformed, its id was used before, or the market is
                not open.
        """
        now = self._latest(now)
        self._require_new(order, now, reducible)
        self._begin(now)
        self._seen.add(order.order_id)
        arrival = LiveOrder.arriving(order, self._fresh_fees)
        self._events.append(Accepted(self._next_seq(), now, arrival.state()))
        self._enter(arrival, now, lots=_lots_allowed(order, reducible))
        return self._finish()

    def cancel(
        self, order_id: str, now: dt.datetime, *, reason: UpdateReason = UpdateReason.NONE
    ) -> Events:
        """Take a resting order out; possible while trading is paused.

        Raises:
            OrderRefusedError: If no such order rests, or the market is closed.
        """
        now = self._latest(now)
        live = self._require_live(order_id, now)
        self._begin(now)
        self._leave(live, reason)
        return self._finish()

    def amend(self, order_id: str, amendment: Amendment, now: dt.datetime) -> Events:
        """Change price, size or expiry of a resting order.

        A smaller size or another expiry keeps the place in the queue; another price or a larger
        size loses it and may trade at once. A total count that has filled already ends the order
        (what the exchange does then is UNVERIFIED; buying more than asked is never right).

        Raises:
            OrderRefusedError: If no such order rests, the market is not open, or the order would be
                malformed.
        """
        now = self._latest(now)
        live, lots = self._require_amendment(order_id, amendment, now)
        self._begin(now)
        if lots <= 0:
            self._leave(live, UpdateReason.AMEND)
        elif _keeps_place(live, amendment, lots):
            live.order = _amended(live, amendment, lots).order
            if amendment.changes_expiry:
                self._watch_expiry(live)
            self._shrink(live, live.lots - lots, UpdateReason.AMEND)
        else:
            self._withdraw(live)
            changed = _amended(live, amendment, lots)
            self._emit_amended(changed, UpdateReason.AMEND, kept_place=False)
            self._enter(changed, now, lots=lots)
        return self._finish()

    def decrease(
        self,
        order_id: str,
        now: dt.datetime,
        *,
        by: Decimal | None = None,
        to: Decimal | None = None,
    ) -> Events:
        """Make a resting order smaller by, or down to, a count; nothing left ends it.

        A ``by`` larger than what remains ends the order too, since a fill may have come first.

        Raises:
            OrderRefusedError: If no such order rests, the market is not open, not exactly one of
                ``by`` and ``to`` is given, it is no count, or ``to`` is more than remains.
        """
        now = self._latest(now)
        self._require_open()
        live = self._require_live(order_id, now)
        less = _lots_less(live, by, to)
        self._begin(now)
        if less >= live.lots:
            self._leave(live, UpdateReason.DECREASE)
        else:
            live.order = live.amended(
                price=live.order.price, lots=live.lots - less, expires_at=live.order.expires_at
            ).order
            self._shrink(live, less, UpdateReason.DECREASE)
        return self._finish()

    def expire(self, now: dt.datetime) -> Events:
        """Take out what has expired by ``now``, each at the moment of its expiry."""
        self._begin(self._latest(now))
        return self._finish()

    def cancel_all(
        self,
        now: dt.datetime,
        *,
        account: str | None = None,
        reason: UpdateReason = UpdateReason.NONE,
    ) -> Events:
        """Take out every resting order, of one account or all.

        Raises:
            OrderRefusedError: If the market is closed.
        """
        self._require_not_closed()
        self._begin(self._latest(now))
        self._leave_each(reason, lambda live: account is None or live.order.account == account)
        return self._finish()

    def pause(self, now: dt.datetime) -> Events:
        """Stop trading; orders stay, but for those that asked to be canceled on a pause.

        Raises:
            OrderRefusedError: If the market is closed.
        """
        self._require_not_closed()
        self._begin(self._latest(now))
        self._phase = MarketPhase.PAUSED
        self._leave_each(UpdateReason.HALT_CANCEL, lambda live: live.order.cancel_on_pause)
        return self._finish()

    def resume(self, now: dt.datetime) -> Events:
        """Let trading go on with what still rests.

        Raises:
            OrderRefusedError: If the market is closed.
        """
        self._require_not_closed()
        self._begin(self._latest(now))
        self._phase = MarketPhase.OPEN
        return self._finish()

    def close(self, now: dt.datetime) -> Events:
        """End trading for good and take out all that rests; closing again changes nothing."""
        self._begin(self._latest(now))
        self._phase = MarketPhase.CLOSED
        self._leave_each(UpdateReason.CLOSE_CANCEL, lambda live: True)
        return self._finish()

    # Matching.

    def _plan(
        self, arrival: LiveOrder, now: dt.datetime, *, lots: int, without: Container[str] = ()
    ) -> Plan:
        against = self._halves[arrival.side.opposite]
        return plan_match(arrival, against, lots=lots, now=now, without=without)

    def _may_trade(self, arrival: LiveOrder, plan: Plan) -> bool:
        """Say whether the plan may be carried out at all.

        A fill-or-kill that meets its own account is treated like immediate-or-cancel.
        """
        if arrival.order.post_only:
            return not plan.encounters and not plan.is_stopped
        is_fok = arrival.order.time_in_force is TimeInForce.FILL_OR_KILL
        return not is_fok or plan.meets_itself or plan.lots == arrival.lots

    def _preview(
        self, arrival: LiveOrder, now: dt.datetime, lots: int, without: Container[str]
    ) -> Preview:
        plan = self._plan(arrival, now, lots=lots, without=without)
        if not self._may_trade(arrival, plan):
            return Preview()
        taken: list[ForeseenFill] = []
        given: list[ForeseenFill] = []
        carried = arrival.accumulator
        for maker, traded in ((item.maker, item.lots) for item in plan.encounters if item.lots):
            fill, carried = self._foresee(arrival, maker.ticks, traded, carried, takes=True)
            taken.append(fill)
            fill, _ = self._foresee(maker, maker.ticks, traded, maker.accumulator, takes=False)
            given.append(fill)
        rests = _may_rest(arrival) and not plan.is_stopped
        return Preview(
            taken=tuple(taken),
            given=tuple(given),
            self_cancels=tuple(
                item.maker.order.order_id for item in plan.encounters if not item.lots
            ),
            resting=to_count(arrival.lots - plan.lots) if rests else ZERO,
        )

    def _foresee(
        self, party: LiveOrder, ticks: int, lots: int, fees: OrderFeeAccumulator, *, takes: bool
    ) -> tuple[ForeseenFill, OrderFeeAccumulator]:
        """Return one party's fill and the fee state after it, changing nothing."""
        price, count = party.side.own_price(to_price(ticks)), to_count(lots)
        rate = taker_rate(self._terms) if takes else maker_rate(self._terms)
        fee, fees = self._charge(fees, price, count, rate)
        order = party.order
        fill = ForeseenFill(order.order_id, order.account, party.side, price, count, fee.net)
        return fill, fees

    def _charge(
        self, fees: OrderFeeAccumulator, price: Decimal, count: Decimal, rate: Decimal
    ) -> tuple[FillFee, OrderFeeAccumulator]:
        return fees.charge(count=count, price=price, rate=rate, multiplier=self._terms.multiplier)

    def _enter(self, arrival: LiveOrder, now: dt.datetime, *, lots: int) -> None:
        """Match an order that is in no queue with what it meets, then let it rest or end."""
        plan = self._plan(arrival, now, lots=lots)
        if not self._may_trade(arrival, plan):
            post_only = arrival.order.post_only
            self._end(
                arrival, UpdateReason.POST_ONLY_CROSS_CANCEL if post_only else UpdateReason.NONE
            )
            return
        for encounter in plan.encounters:
            if encounter.lots:
                self._trade(arrival, encounter.maker, encounter.lots)
            else:
                self._leave(encounter.maker, UpdateReason.SELF_TRADE_CANCEL)
        if arrival.lots == 0:
            self._live.pop(arrival.order.order_id, None)
        elif plan.is_stopped:
            self._end(arrival, UpdateReason.SELF_TRADE_CANCEL)
        elif _may_rest(arrival):
            self._rest(arrival)
        else:
            capped = arrival.order.reduce_only and plan.lots == lots
            self._end(arrival, UpdateReason.REDUCE_ONLY_CANCEL if capped else UpdateReason.NONE)

    def _trade(self, taker: LiveOrder, maker: LiveOrder, lots: int) -> None:
        self._trades += 1
        number, now, yes_price = self._trades, self._moment(), to_price(maker.ticks)
        taker.lots -= lots
        self._halves[maker.side].shrink(maker, lots)
        if maker.lots == 0:
            del self._live[maker.order.order_id]
        taker_leg = self._leg(taker, yes_price, lots, taker_rate(self._terms))
        maker_leg = self._leg(maker, yes_price, lots, maker_rate(self._terms))
        count = to_count(lots)
        self._events.append(
            Filled(self._next_seq(), now, number, yes_price, count, taker_leg, maker_leg)
        )
        self._emit_level(maker, -lots)

    def _leg(self, party: LiveOrder, yes_price: Decimal, lots: int, rate: Decimal) -> FillLeg:
        """Book one party's fill, whose remainder is reduced already."""
        count, price = to_count(lots), party.side.own_price(yes_price)
        fee, party.accumulator = self._charge(party.accumulator, price, count, rate)
        party.filled_lots += lots
        party.fees += fee.net
        return FillLeg(party.state(), party.side, price, fee, price * count + fee.net)

    # Queues.

    def _rest(self, order: LiveOrder) -> None:
        self._live[order.order.order_id] = order
        self._halves[order.side].add(order)
        self._watch_expiry(order)
        self._emit_level(order, order.lots)

    def _withdraw(self, order: LiveOrder) -> None:
        """Take an order off the displayed book without ending it."""
        self._halves[order.side].remove(order)
        self._emit_level(order, -order.lots)

    def _leave(self, order: LiveOrder, reason: UpdateReason) -> None:
        """End a resting order."""
        self._withdraw(order)
        self._end(order, reason)

    def _leave_each(self, reason: UpdateReason, applies: Callable[[LiveOrder], bool]) -> None:
        for live in [live for live in self._live.values() if applies(live)]:
            self._leave(live, reason)

    def _end(self, order: LiveOrder, reason: UpdateReason) -> None:
        """End an order that is in no queue."""
        self._live.pop(order.order.order_id, None)
        reduced_by, order.lots = to_count(order.lots), 0
        now, state = self._moment(), order.state()
        self._events.append(Canceled(self._next_seq(), now, state, reduced_by, reason))

    def _shrink(self, order: LiveOrder, lots: int, reason: UpdateReason) -> None:
        """Take ``lots`` off a resting order that keeps its place and goes on resting."""
        self._halves[order.side].shrink(order, lots)
        self._emit_amended(order, reason, kept_place=True)
        if lots:
            self._emit_level(order, -lots)

    def _watch_expiry(self, order: LiveOrder) -> None:
        if order.order.expires_at is not None:
            entry = (order.order.expires_at, self._seq, order.order.order_id)
            heapq.heappush(self._expiries, entry)

    # Events.

    def _latest(self, now: dt.datetime) -> dt.datetime:
        """Return ``now``, or the latest moment seen when the caller's clock went back."""
        return now if self._now is None else max(now, self._now)

    def _moment(self) -> dt.datetime:
        if self._now is None:
            raise RuntimeError("An event before the first operation.")
        return self._now

    def _begin(self, now: dt.datetime) -> None:
        """Start an operation that will not fail: first take out what has expired."""
        self._events = []
        while self._expiries and self._expiries[0][0] <= now:
            at, _, order_id = heapq.heappop(self._expiries)
            live = self._live.get(order_id)
            if live is not None and live.order.expires_at == at:
                self._now = self._latest(at)
                self._leave(live, UpdateReason.EXPIRY_CANCEL)
        self._now = now

    def _finish(self) -> Events:
        return tuple(self._events)

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _emit_level(self, order: LiveOrder, lots: int) -> None:
        side, now = order.side.bought, self._moment()
        price, delta, order_id = _own_price(side, order.ticks), to_count(lots), order.order.order_id
        self._events.append(LevelChanged(self._next_seq(), now, side, price, delta, order_id))

    def _emit_amended(self, order: LiveOrder, reason: UpdateReason, *, kept_place: bool) -> None:
        now, state = self._moment(), order.state()
        self._events.append(Amended(self._next_seq(), now, state, kept_place, reason))

    # Refusals.

    def _require_not_closed(self) -> None:
        if self._phase is MarketPhase.CLOSED:
            raise OrderRefusedError(
                Refusal.MARKET_INACTIVE, f"The market {self.market_ticker} is closed."
            )

    def _require_open(self) -> None:
        self._require_not_closed()
        if self._phase is MarketPhase.PAUSED:
            raise OrderRefusedError(
                Refusal.TRADING_PAUSED, f"Trading in {self.market_ticker} is paused."
            )

    def _require_live(self, order_id: str, now: dt.datetime) -> LiveOrder:
        self._require_not_closed()
        live = self._live.get(order_id)
        if live is None or live.has_expired(now):
            raise _unknown(order_id)
        return live

    def _require_price(self, price: Decimal) -> None:
        if not price.is_finite() or not is_on_grid(price, self._price_ranges):
            raise OrderRefusedError(
                Refusal.INVALID_PRICE,
                f"A price of {price} is not on the price grid of {self.market_ticker}.",
            )

    def _require_new(self, order: NewOrder, now: dt.datetime, reducible: Decimal | None) -> None:
        self._require_open()
        self._require_price(order.price)
        _require_count(order.count)
        _require_flags(order, reducible)
        _require_expiry(order.expires_at, now)
        if order.order_id in self._seen:
            raise OrderRefusedError(
                Refusal.DUPLICATE_ORDER, f"There was an order {order.order_id} already."
            )

    def _require_amendment(
        self, order_id: str, amendment: Amendment, now: dt.datetime
    ) -> tuple[LiveOrder, int]:
        """Return the order meant and what shall remain of it, in lots."""
        self._require_open()
        live = self._require_live(order_id, now)
        self._require_price(amendment.price)
        _require_count(amendment.count)
        if amendment.changes_expiry:
            _require_expiry(amendment.expires_at, now)
        return live, to_lots(amendment.count) - live.filled_lots


def _own_price(side: Side, ticks: int) -> Decimal:
    return to_price(ticks if side is Side.YES else DOLLAR_TICKS - ticks)


def _may_rest(order: LiveOrder) -> bool:
    return order.order.time_in_force is TimeInForce.GOOD_TILL_CANCELED


def _amended(live: LiveOrder, amendment: Amendment, lots: int) -> LiveOrder:
    expires_at = amendment.expires_at if amendment.changes_expiry else live.order.expires_at
    return live.amended(price=amendment.price, lots=lots, expires_at=expires_at)


def _keeps_place(live: LiveOrder, amendment: Amendment, lots: int) -> bool:
    return amendment.price == live.order.price and lots <= live.lots


def _lots_allowed(order: NewOrder, reducible: Decimal | None) -> int:
    """Return how much may trade at once."""
    lots = to_lots(order.count)
    if reducible is None or not order.reduce_only:
        return lots
    return min(lots, to_lots(max(ZERO, reducible)))


def _lots_less(live: LiveOrder, by: Decimal | None, to: Decimal | None) -> int:
    if by is not None and to is None:
        _require_count(by)
        return to_lots(by)
    if to is not None and by is None:
        if to != ZERO:
            _require_count(to)
        if to_lots(to) > live.lots:
            raise OrderRefusedError(
                Refusal.INVALID_COUNT, f"An order of {to_count(live.lots)} cannot shrink to {to}."
            )
        return live.lots - to_lots(to)
    raise OrderRefusedError(Refusal.INVALID_ORDER, "Decrease an order by or to a count, not both.")


def _require_count(count: Decimal) -> None:
    if not count.is_finite() or count <= 0 or count % COUNT_STEP != 0:
        raise OrderRefusedError(
            Refusal.INVALID_COUNT, f"A count is a multiple of {COUNT_STEP} above 0, was {count}."
        )


def _require_flags(order: NewOrder, reducible: Decimal | None) -> None:
    can_rest = order.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    problem = ""
    if not order.order_id or not order.account:
        problem = "An order needs an id and an account."
    elif order.post_only and not can_rest:
        problem = "A post-only order must be able to rest."
    elif order.expires_at is not None and not can_rest:
        problem = "Only a good-till-canceled order can expire."
    elif order.reduce_only and order.time_in_force is not TimeInForce.IMMEDIATE_OR_CANCEL:
        problem = "A reduce-only order must be immediate-or-cancel."
    elif order.reduce_only and reducible is None:
        problem = "A reduce-only order needs the position that it may reduce."
    if problem:
        raise OrderRefusedError(Refusal.INVALID_ORDER, problem)


def _require_expiry(expires_at: dt.datetime | None, now: dt.datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise OrderRefusedError(Refusal.EXPIRY_PASSED, "The expiry must be in the future.")


def _unknown(order_id: str) -> OrderRefusedError:
    return OrderRefusedError(Refusal.UNKNOWN_ORDER, f"No order {order_id} rests in this market.")
