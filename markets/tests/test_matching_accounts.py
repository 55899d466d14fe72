from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.errors import InsufficientBalanceError, InvalidDataError, InvalidOrderError
from boz.core.schemas import FeeTerms, FeeType
from markets.domain.ticks import PriceRange
from markets.matching import (
    Accounts,
    Amendment,
    BookSide,
    Canceled,
    ClearedMarket,
    Filled,
    MatchingEngine,
    NewOrder,
    Position,
    SelfTradePrevention,
    TimeInForce,
    UpdateReason,
)
from markets.matching.claims import Claim, ClaimBook

D = Decimal
T0 = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
BID, ASK = BookSide.BID, BookSide.ASK
IOC = TimeInForce.IMMEDIATE_OR_CANCEL
CENTS = (PriceRange(D("0"), D("1"), D("0.01")),)
MILS = (PriceRange(D("0"), D("1"), D("0.001")),)
TERMS = FeeTerms(fee_type=FeeType.QUADRATIC)
MAKER_TERMS = FeeTerms(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)


class Floor:
    """A market with rich accounts a and b and what a test adds."""

    def __init__(self, terms=TERMS, price_ranges=CENTS, **cash):
        self.accounts = Accounts()
        for name, amount in {"a": "1000", "b": "1000", **cash}.items():
            self.accounts.open(name, D(amount))
        self.engine = MatchingEngine("M", price_ranges=price_ranges, terms=terms)
        self.market = ClearedMarket(self.engine, self.accounts)
        self.number = 0

    def submit(self, account, side, price, count, **more):
        self.number += 1
        order = NewOrder(f"{account}{self.number}", account, side, D(price), D(count), **more)
        events = self.market.submit(order, T0)
        return order.order_id, events

    def cash(self, account):
        return self.accounts.balance(account).cash

    def available(self, account):
        return self.accounts.balance(account).available

    def net(self, account):
        return self.accounts.position(account, "M").net

    def trade(self, buyer, seller, price, count):
        self.submit(seller, ASK, price, count)
        self.submit(buyer, BID, price, count)

    def is_balanced(self):
        totals = self.accounts.totals()
        return totals.paid_in == totals.cash + totals.collateral + totals.kept


def test_both_sides_of_a_new_pair_pay_a_dollar_together():
    floor = Floor()

    floor.trade("a", "b", "0.20", "10")

    assert floor.cash("a") == D("1000") - D("2") - D("0.112")
    assert floor.cash("b") == D("1000") - D("8")
    assert (floor.net("a"), floor.net("b")) == (10, -10)
    assert floor.accounts.open_interest("M") == 10
    assert floor.is_balanced()


def test_buying_the_opposite_closes_and_pays_a_dollar_a_pair_at_once():
    floor = Floor(c="100")
    floor.trade("a", "b", "0.20", "10")
    before = floor.cash("a")

    floor.submit("c", BID, "0.30", "4")
    floor.submit("a", ASK, "0.30", "4")

    position = floor.accounts.position("a", "M")
    assert floor.cash("a") - before == D("4") * D("0.30") - D("0.0588")
    assert (position.net, position.cost, position.realised) == (6, D("1.2"), D("0.4"))
    assert floor.accounts.open_interest("M") == 10
    assert floor.is_balanced()


def test_closing_on_both_sides_ends_contracts():
    floor = Floor()
    floor.trade("a", "b", "0.20", "10")

    floor.trade("b", "a", "0.50", "10")

    assert floor.accounts.open_interest("M") == 0
    assert (floor.net("a"), floor.net("b")) == (0, 0)
    assert floor.accounts.position("a", "M").realised == 3
    assert floor.accounts.position("b", "M").realised == -3
    assert floor.is_balanced()


def test_an_order_through_the_position_closes_and_opens():
    floor = Floor(c="100")
    floor.trade("a", "b", "0.20", "10")
    floor.submit("c", BID, "0.30", "15")

    floor.submit("a", ASK, "0.30", "15")

    position = floor.accounts.position("a", "M")
    assert (position.net, position.cost, position.realised) == (-5, D("3.5"), D("1"))
    assert position.traded == D("2") + D("15") * D("0.70")
    assert floor.is_balanced()


@pytest.mark.parametrize(
    ("yes_value", "to_a", "to_b"),
    [("1", "10", "0"), ("0", "0", "10"), ("0.35", "3.5", "6.5")],
)
def test_settlement_pays_the_outcome_and_nothing_twice(yes_value, to_a, to_b):
    floor = Floor()
    floor.trade("a", "b", "0.20", "10")
    cash = {name: floor.cash(name) for name in "ab"}
    floor.market.close(T0)

    paid = floor.market.settle(D(yes_value))

    assert {item.account: item.payout for item in paid} == {"a": D(to_a), "b": D(to_b)}
    assert {item.account: (item.net, item.cost) for item in paid} == {"a": (10, 2), "b": (-10, 8)}
    assert floor.cash("a") - cash["a"] == D(to_a)
    assert floor.accounts.open_interest("M") == 0
    assert floor.accounts.position("a", "M").realised == D(to_a) - 2
    assert floor.market.settle(D(yes_value)) == ()
    assert floor.is_balanced()


def test_fractions_of_a_scalar_payout_stay_with_the_exchange():
    floor = Floor()
    floor.trade("a", "b", "0.20", "0.01")
    kept = floor.accounts.totals().kept
    floor.market.close(T0)

    paid = floor.market.settle(D("0.333"))

    assert [item.payout for item in paid] == [D("0.0033"), D("0.0066")]
    assert floor.accounts.totals().kept - kept == D("0.0001")
    assert floor.is_balanced()


@pytest.mark.parametrize("value", ["-0.01", "1.01", "NaN"])
def test_an_impossible_outcome_pays_nobody(value):
    floor = Floor()
    floor.trade("a", "b", "0.20", "10")
    floor.market.close(T0)
    before = floor.accounts.totals()

    with pytest.raises(InvalidDataError):
        floor.market.settle(D(value))

    assert floor.accounts.totals() == before


def test_an_open_market_is_not_settled():
    floor = Floor()
    floor.trade("a", "b", "0.20", "10")

    with pytest.raises(InvalidOrderError):
        floor.market.settle(D("1"))


def test_a_resting_order_reserves_its_cost_until_it_ends():
    floor = Floor(MAKER_TERMS)
    order_id, _ = floor.submit("a", BID, "0.20", "10")

    assert floor.available("a") == D("1000") - D("2") - D("0.028")
    floor.market.decrease(order_id, T0, to=D("5"))
    assert floor.available("a") == D("1000") - D("1") - D("0.014")
    floor.market.cancel(order_id, T0)
    assert floor.available("a") == 1000
    assert floor.cash("a") == 1000


def test_changed_fees_change_what_resting_orders_reserve():
    floor = Floor()
    floor.submit("a", BID, "0.20", "10")

    floor.market.change_terms(MAKER_TERMS)

    assert floor.available("a") == D("1000") - D("2") - D("0.028")


@pytest.mark.parametrize(("cash", "is_taken"), [("2.112", True), ("2.1119", False)])
def test_an_order_needs_its_cost_and_its_fee_to_the_last_fraction(cash, is_taken):
    floor = Floor(p=cash)
    floor.submit("b", ASK, "0.20", "10")

    if is_taken:
        floor.submit("p", BID, "0.20", "10")
        assert floor.cash("p") == 0
    else:
        with pytest.raises(InsufficientBalanceError):
            floor.submit("p", BID, "0.20", "10")
        assert (floor.cash("p"), floor.net("p"), floor.available("b")) == (D(cash), 0, 992)


def test_the_limit_must_be_payable_even_if_the_book_is_cheaper():
    floor = Floor(p="5")
    floor.submit("b", ASK, "0.20", "10")

    with pytest.raises(InsufficientBalanceError):
        floor.submit("p", BID, "0.90", "10", time_in_force=IOC)


def test_the_limit_is_payable_with_the_fee_of_a_taker():
    floor = Floor(p="9.0629", q="9.063")
    floor.submit("b", ASK, "0.20", "20")

    with pytest.raises(InsufficientBalanceError):
        floor.submit("p", BID, "0.90", "10", time_in_force=IOC)
    floor.submit("q", BID, "0.90", "10", time_in_force=IOC)
    assert floor.cash("q") == D("9.063") - D("2.112")


@pytest.mark.parametrize(("count", "nominal"), [("0.30", "0.0017"), ("10.30", "0.0551")])
def test_an_order_split_by_many_small_makers_pays_the_rounding_of_each_fill(count, nominal):
    floor = Floor(price_ranges=MILS, p=nominal)
    for _ in range(30):
        floor.submit("b", ASK, "0.005", "0.01")

    with pytest.raises(InsufficientBalanceError):
        floor.submit("p", BID, "0.005", count)

    floor.accounts.deposit("p", D("0.0060"))
    floor.submit("p", BID, "0.005", count)
    assert floor.net("p") == D("0.30")
    assert floor.available("p") >= 0


def test_a_refused_order_leaves_the_reserves_as_they_were():
    floor = Floor(p="5")
    order_id, _ = floor.submit("p", BID, "0.40", "10")

    with pytest.raises(InsufficientBalanceError):
        floor.market.amend(order_id, Amendment(D("0.60"), D("10")), T0)

    assert floor.available("p") == 1
    with pytest.raises(InsufficientBalanceError):
        floor.submit("p", BID, "0.40", "3")


def test_what_would_fill_first_closes_first():
    floor = Floor(p="100")
    floor.trade("b", "p", "0.50", "10")
    floor.submit("p", BID, "0.30", "10")
    assert floor.accounts.balance("p").reserved == 0

    floor.submit("p", BID, "0.40", "4")
    assert floor.accounts.balance("p").reserved == D("0.30") * 4

    floor.submit("p", BID, "0.20", "1")
    assert floor.accounts.balance("p").reserved == D("0.30") * 4 + D("0.20")


def test_a_close_that_costs_more_than_it_pays_reserves_the_difference():
    claims = ClaimBook()
    claims.put(Claim("o", ASK, D("0.001"), D("0.01"), D("0.0101")))

    assert claims.reserve(Position(net=D("5"))) == D("0.0001")
    assert claims.reserve(Position()) == D("0.0101")


def test_reserved_cash_is_not_spent_twice():
    floor = Floor(p="5")
    floor.submit("p", BID, "0.40", "10")

    with pytest.raises(InsufficientBalanceError):
        floor.submit("p", ASK, "0.60", "10")
    with pytest.raises(InsufficientBalanceError):
        floor.accounts.withdraw("p", D("1.01"))
    floor.accounts.withdraw("p", D("1"))
    assert floor.available("p") == 0
    assert floor.is_balanced()


def test_reserves_of_other_markets_count():
    floor = Floor(p="5")
    floor.submit("p", BID, "0.40", "10")
    other = ClearedMarket(MatchingEngine("N", price_ranges=CENTS, terms=TERMS), floor.accounts)

    with pytest.raises(InsufficientBalanceError):
        other.submit(NewOrder("x", "p", BID, D("0.40"), D("10")), T0)


def test_a_position_is_closed_without_cash():
    floor = Floor(p="2.112")
    floor.submit("b", ASK, "0.20", "10")
    floor.submit("p", BID, "0.20", "10")
    assert floor.cash("p") == 0

    floor.submit("p", ASK, "0.30", "10")

    with pytest.raises(InsufficientBalanceError):
        floor.submit("p", ASK, "0.31", "1")
    floor.submit("b", BID, "0.30", "10")
    assert floor.net("p") == 0
    assert floor.cash("p") == 3


def test_reduce_only_is_bound_by_the_position_the_accounts_know():
    floor = Floor()
    floor.trade("a", "b", "0.20", "10")
    floor.submit("b", BID, "0.30", "99")

    _, events = floor.submit("a", ASK, "0.30", "50", time_in_force=IOC, reduce_only=True)
    _, again = floor.submit("a", ASK, "0.30", "50", time_in_force=IOC, reduce_only=True)

    assert floor.net("a") == 0
    assert [event.reason for event in events if isinstance(event, Canceled)] == [
        UpdateReason.REDUCE_ONLY_CANCEL
    ]
    assert not [event for event in again if isinstance(event, Filled)]


def test_an_amendment_must_be_payable_and_a_smaller_one_always_is():
    floor = Floor(p="5")
    order_id, _ = floor.submit("p", BID, "0.40", "10")

    for amendment in (Amendment(D("0.51"), D("10")), Amendment(D("0.40"), D("13"))):
        with pytest.raises(InsufficientBalanceError):
            floor.market.amend(order_id, amendment, T0)
    assert floor.available("p") == 1
    floor.market.amend(order_id, Amendment(D("0.40"), D("12")), T0)
    floor.market.amend(order_id, Amendment(D("0.40"), D("2")), T0)
    assert floor.available("p") == D("4.2")


def test_orders_replaced_by_maker_prevention_free_their_cash():
    floor = Floor(p="5")
    floor.submit("p", BID, "0.40", "12")

    floor.submit("p", ASK, "0.40", "8", self_trade_prevention=SelfTradePrevention.MAKER)

    assert [state.order.side for state in floor.engine.orders("p")] == [ASK]
    assert floor.available("p") == D("0.2")


def test_a_maker_whose_fills_round_beyond_its_cash_is_taken_out_first():
    floor = Floor(price_ranges=MILS, p="0.0015")
    poor, _ = floor.submit("p", BID, "0.005", "0.30")

    for _ in range(15):
        floor.submit("a", ASK, "0.005", "0.01", time_in_force=IOC)
    _, events = floor.submit("a", ASK, "0.005", "0.01", time_in_force=IOC)

    (first, _) = [event for event in events if isinstance(event, Canceled)]
    assert (first.state.order_id, first.reason) == (poor, UpdateReason.MARGIN_CANCEL)
    assert floor.cash("p") == 0
    assert floor.net("p") == D("0.15")
    assert not floor.engine.orders()
    assert floor.is_balanced()


@pytest.mark.parametrize("amount", ["-1", "0.00001", "NaN"])
def test_odd_amounts_are_no_deposit(amount):
    accounts = Accounts()
    accounts.open("a")

    with pytest.raises(InvalidDataError):
        accounts.deposit("a", D(amount))
    with pytest.raises(InvalidDataError):
        accounts.open("b", D(amount))
    assert list(accounts) == ["a"]


def test_unknown_and_double_accounts_are_named():
    floor = Floor()

    with pytest.raises(InvalidDataError):
        floor.submit("z", BID, "0.20", "1")
    with pytest.raises(InvalidDataError):
        floor.accounts.open("a")
    with pytest.raises(InvalidDataError):
        floor.accounts.balance("z")


cents = st.integers(1, 99).map(lambda value: D(value) / 100)
counts = st.integers(1, 5000).map(lambda value: D(value) / 100)


@given(st.lists(st.tuples(st.sampled_from(BookSide), cents, counts), max_size=30), cents)
def test_realised_less_cost_is_exactly_what_moved(fills, yes_value):
    position, moved = Position(), D("0")

    for side, price, count in fills:
        position, payout = position.after_fill(side, price=price, count=count, fee=D("0"))
        moved += payout - price * count
        assert position.realised - position.cost == moved
        assert position.cost >= 0
        assert position.cost <= abs(position.net)
    position, payout = position.after_settlement(yes_value)

    assert position.realised == moved + payout
    assert (position.net, position.cost) == (0, 0)
