"""Whatever people do in a market, in whatever order, money and contracts add up after each step."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from boz.core.errors import InsufficientBalanceError
from boz.core.schemas import FeeTerms, FeeType, Side
from markets.domain.ticks import PriceRange
from markets.matching import (
    Accepted,
    Accounts,
    Amended,
    Amendment,
    BookSide,
    Canceled,
    ClearedMarket,
    Filled,
    LevelChanged,
    MarketPhase,
    MatchingEngine,
    NewOrder,
    OrderRefusedError,
    Refusal,
    SelfTradePrevention,
    TimeInForce,
)

D = Decimal
T0 = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
BID, ASK = BookSide.BID, BookSide.ASK
GTC, IOC = TimeInForce.GOOD_TILL_CANCELED, TimeInForce.IMMEDIATE_OR_CANCEL
TAPERED = (
    PriceRange(D("0"), D("0.10"), D("0.001")),
    PriceRange(D("0.10"), D("0.90"), D("0.01")),
    PriceRange(D("0.90"), D("1"), D("0.001")),
)
#: Few prices and small counts, so that orders meet; the edges of the grid and sub-penny prices too.
PRICES = st.sampled_from(
    ["0.41", "0.40", "0.42", "0.41", "0.001", "0.01", "0.015", "0.985", "0.999"]
)
COUNTS = st.one_of(st.integers(1, 5), st.integers(1, 30).map(lambda n: n * 100)).map(
    lambda lots: Decimal(lots) / 100
)
CASH = {"rich": "500", "also": "500", "thin": "6", "poor": "0.0317"}
ACCOUNTS = st.sampled_from(sorted(CASH))
ORDERS = st.tuples(
    ACCOUNTS,
    st.sampled_from(BookSide),
    PRICES,
    COUNTS,
    st.sampled_from([GTC, GTC, GTC, *TimeInForce]),
    st.sampled_from(SelfTradePrevention),
    st.sampled_from([None, None, None, 1, 5]),
    st.sampled_from(["", "", "", "", "post_only", "reduce_only", "cancel_on_pause"]),
)

PLAIN = (SelfTradePrevention.TAKER_AT_CROSS, None, "")


class MarketMachine(RuleBasedStateMachine):
    """Keeps its own ledger of what the events say and compares it with the market's."""

    @initialize(maker_fees=st.booleans(), multiplier=st.sampled_from(["1", "0.5", "3"]))
    def start(self, maker_fees, multiplier):
        kind = FeeType.QUADRATIC_WITH_MAKER_FEES if maker_fees else FeeType.QUADRATIC
        terms = FeeTerms(fee_type=kind, multiplier=D(multiplier))
        self.market, self.twin = _market(terms), _market(terms)
        self.now = T0
        self.made = 0
        self.seq = 0
        self.last_at = T0
        self.seen_orders: list[str] = []
        self.queue: list[list] = []  # [order id, side, yes price, count] in order of arrival
        self.book: dict[tuple[Side, Decimal], Decimal] = {}
        self.net = dict.fromkeys(CASH, Fraction(0))
        self.cash = {name: Fraction(amount) for name, amount in CASH.items()}
        self.filled: dict[str, Decimal] = {}

    def do(self, name, *args, **more):
        """Carry out one operation on the market and on its twin, which must do the same."""
        events = error = None
        try:
            events = getattr(self.market, name)(*args, **more)
        except (OrderRefusedError, InsufficientBalanceError) as refused:
            error = refused
        try:
            assert getattr(self.twin, name)(*args, **more) == events
        except (OrderRefusedError, InsufficientBalanceError) as refused:
            assert (type(refused), refused.message) == (type(error), error.message)
        for event in events or ():
            self.note(event)
        return events, error

    def note(self, event):
        self.seq += 1
        assert event.seq == self.seq
        assert event.at >= self.last_at
        self.last_at = event.at
        if isinstance(event, Filled):
            self.note_fill(event)
        elif isinstance(event, LevelChanged):
            self.note_level(event)
        elif isinstance(event, Accepted):
            self.seen_orders.append(event.state.order_id)
            self.filled[event.state.order_id] = D("0")
        elif isinstance(event, Canceled):
            assert event.state.remaining == 0
            assert event.reduced_by > 0
            assert event.state.filled == self.filled[event.state.order_id]
        elif isinstance(event, Amended):
            assert event.state.order.count == event.state.filled + event.state.remaining

    def note_fill(self, event):
        taker, maker = event.taker, event.maker
        assert taker.account != maker.account
        assert {taker.side, maker.side} == {BID, ASK}
        assert taker.price + maker.price == 1
        assert _is_within(taker.state.order, event.yes_price)
        first = self.first_in_line(maker.side)
        assert (first[0], first[2]) == (maker.state.order_id, event.yes_price)
        for leg in (taker, maker):
            assert leg.fee.net >= 0
            self.filled[leg.state.order_id] += event.count
            assert leg.state.filled == self.filled[leg.state.order_id]
            assert leg.state.filled <= leg.state.order.count
            self.move(leg.account, leg.side, leg.price, event.count, leg.fee.net)
        assert not taker.state.order.post_only

    def move(self, account, side, price, count, fee):
        """Book one side of a trade in fractions, independently of the accounts."""
        sign = 1 if side is BID else -1
        net = self.net[account]
        closed = min(Fraction(count), max(Fraction(0), -sign * net))
        self.net[account] = net + sign * Fraction(count)
        self.cash[account] += closed - Fraction(price) * Fraction(count) - Fraction(fee)

    def first_in_line(self, side):
        sign = -1 if side is BID else 1
        return min(
            (entry for entry in self.queue if entry[1] is side), key=lambda entry: sign * entry[2]
        )

    def note_level(self, event):
        key = (event.side, event.price)
        self.book[key] = self.book.get(key, D("0")) + event.delta
        assert self.book[key] >= 0
        if self.book[key] == 0:
            del self.book[key]
        side = BookSide.buying(event.side)
        if event.delta > 0:
            yes_price = side.own_price(event.price)
            self.queue.append([event.order_id, side, yes_price, event.delta])
            return
        (entry,) = [entry for entry in self.queue if entry[0] == event.order_id]
        entry[3] += event.delta
        assert entry[3] >= 0
        if entry[3] == 0:
            self.queue.remove(entry)

    # What people do.

    @rule(orders=st.lists(ORDERS, min_size=3, max_size=8))
    def submit(self, orders):
        for order in orders:
            self.submit_one(*order)

    def submit_one(self, account, side, price, count, time_in_force, prevention, life, flag):
        self.made += 1
        order = NewOrder(
            order_id=f"o{self.made}",
            account=account,
            side=side,
            price=D(price),
            count=count,
            time_in_force=IOC if flag == "reduce_only" else time_in_force,
            self_trade_prevention=prevention,
            expires_at=None if life is None else self.now + dt.timedelta(seconds=life),
            **({flag: True} if flag else {}),
        )
        held = abs(self.net[account])
        events, error = self.do("submit", order, self.now)
        if error is not None:
            assert isinstance(error, InsufficientBalanceError) or error.refusal in {
                Refusal.INVALID_ORDER,
                Refusal.TRADING_PAUSED,
                Refusal.MARKET_INACTIVE,
            }
            return
        if flag == "reduce_only":
            assert abs(self.net[account]) <= held
        if order.time_in_force is not GTC:
            assert self.market.engine.order(order.order_id) is None
        fills = [event for event in events if isinstance(event, Filled)]
        if flag == "post_only":
            assert not fills
        if order.time_in_force is TimeInForce.FILL_OR_KILL and fills:
            own_met = any(
                isinstance(event, Canceled) and event.reason.value == "SelfTradeCancel"
                for event in events
            )
            assert own_met or sum(fill.count for fill in fills) == count

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), price=PRICES, count=COUNTS, life=st.sampled_from([-1, 0, 3]))
    def amend(self, data, price, count, life):
        order_id, side, yes_price, resting = data.draw(st.sampled_from(self.queue))
        if data.draw(st.booleans()):
            price = yes_price
        amendment = Amendment(
            price=D(price),
            count=self.filled[order_id] + count,
            changes_expiry=life >= 0,
            expires_at=self.now + dt.timedelta(seconds=life) if life > 0 else None,
        )
        keeps = amendment.price == yes_price and count <= resting
        ahead = self.market.engine.queue_position(order_id)
        events, _ = self.do("amend", order_id, amendment, self.now)
        for event in events or ():
            if isinstance(event, Amended):
                assert event.kept_place is keeps
                if keeps:
                    assert self.market.engine.queue_position(order_id) == ahead
                    assert self.market.engine.order(order_id).order.side is side

    @precondition(lambda self: self.queue)
    @rule(data=st.data(), count=COUNTS, by=st.booleans())
    def decrease(self, data, count, by):
        order_id, _, _, resting = data.draw(st.sampled_from(self.queue))
        events, _ = self.do("decrease", order_id, self.now, **{"by" if by else "to": count})
        if events:
            left = max(D("0"), resting - count) if by else count
            state = self.market.engine.order(order_id)
            assert (D("0") if state is None else state.remaining) == left

    @precondition(lambda self: self.seen_orders)
    @rule(data=st.data())
    def cancel(self, data):
        order_id = data.draw(st.sampled_from(self.seen_orders))
        rested = [entry[3] for entry in self.queue if entry[0] == order_id]
        events, error = self.do("cancel", order_id, self.now)
        if self.market.engine.phase is not MarketPhase.CLOSED and rested:
            (end,) = [event for event in events if getattr(event, "reduced_by", None)]
            assert end.reduced_by == rested[0]
        else:
            assert error.refusal in {Refusal.UNKNOWN_ORDER, Refusal.MARKET_INACTIVE}

    @rule(seconds=st.integers(1, 3))
    def pass_time(self, seconds):
        self.now += dt.timedelta(seconds=seconds)
        self.do("expire", self.now)
        for state in self.market.engine.orders():
            assert state.order.expires_at is None or state.order.expires_at > self.now

    @rule(kind=st.sampled_from(["pause", "halt", "sweep", "sweep one"]), account=ACCOUNTS)
    def disturb(self, kind, account):
        if kind == "sweep":
            self.do("cancel_all", self.now)
        elif kind == "sweep one":
            self.do("cancel_all", self.now, account=account)
            assert not self.market.engine.orders(account)
        else:
            self.do("pause", self.now)
            assert not any(state.order.cancel_on_pause for state in self.market.engine.orders())
            if kind == "halt":
                self.submit_one(account, BID, "0.40", D("1"), GTC, *PLAIN)
            self.do("resume", self.now)

    @precondition(lambda self: self.made > 60)
    @rule(yes_value=st.sampled_from(["0", "1", "0.3333"]))
    def end(self, yes_value):
        self.do("close", self.now)
        assert not self.queue
        for account, net in self.net.items():
            each = Fraction(yes_value) if net > 0 else 1 - Fraction(yes_value)
            paid = abs(net) * each
            self.cash[account] += Fraction((paid * 10_000).__floor__(), 10_000)
            self.net[account] = Fraction(0)
        assert self.market.settle(D(yes_value)) == self.twin.settle(D(yes_value))

    # What must hold after each step.

    @invariant()
    def nobody_owes_and_nothing_is_lost(self):
        accounts = self.market.accounts
        totals = accounts.totals()
        assert totals.paid_in == totals.cash + totals.collateral + totals.kept
        assert totals.paid_in == sum(D(amount) for amount in CASH.values())
        for account in CASH:
            balance = accounts.balance(account)
            assert balance.cash >= 0
            assert balance.cash % D("0.0001") == 0
            assert balance.reserved >= 0
            assert Fraction(balance.cash) == self.cash[account]

    @invariant()
    def contracts_come_in_pairs_and_equal_the_fills(self):
        held = {account: self.market.accounts.position(account, "M").net for account in self.net}
        assert {account: Fraction(net) for account, net in held.items()} == self.net
        assert sum(held.values()) == 0
        assert self.market.accounts.open_interest("M") == sum(
            net for net in held.values() if net > 0
        )

    @invariant()
    def the_book_is_what_the_events_said(self):
        engine = self.market.engine
        book = engine.book(self.now)
        assert not book.is_crossed
        shown = {
            (side, level.price_dollars): level.count for side in Side for level in book.bids(side)
        }
        assert shown == self.book
        resting = {state.order_id: state.remaining for state in engine.orders()}
        assert resting == {entry[0]: entry[3] for entry in self.queue}

    @invariant()
    def whoever_has_no_order_reserves_nothing(self):
        with_orders = {state.order.account for state in self.market.engine.orders()}
        for account in set(CASH) - with_orders:
            assert self.market.accounts.balance(account).reserved == 0


def _market(terms):
    accounts = Accounts()
    for name, cash in CASH.items():
        accounts.open(name, D(cash))
    return ClearedMarket(MatchingEngine("M", price_ranges=TAPERED, terms=terms), accounts)


def _is_within(order, yes_price):
    return yes_price <= order.price if order.side is BID else yes_price >= order.price


TestMarket = MarketMachine.TestCase
TestMarket.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
