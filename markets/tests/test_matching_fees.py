"""Fees and cash of very many split fills against whole-number arithmetic of our own."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest

from boz.core.schemas import FeeTerms, FeeType
from markets.domain.fees import OrderFeeAccumulator
from markets.domain.ticks import PriceRange
from markets.matching import BookSide, Filled, MatchingEngine, NewOrder

D = Decimal
T0 = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
FINEST = (PriceRange(D("0"), D("1"), D("0.0001")),)
RATES = {"taker": 700, "maker": 175}  # in 0.0001
CENT = 100  # in $0.0001


class WholeNumbers:
    """The exchange's rounding in integers: money in whole parts of a dollar.

    The balance after a fill is what it was, less price and fee, rounded down; a cent comes back
    once more than a cent of rounding has gathered and the fill pays for it.
    """

    def __init__(self):
        self.gathered = 0  # in $0.000001
        self.rebates = 0

    def fill(self, *, lots, ticks, rate, percent):
        """Return the balance change and the fee, in $0.000001."""
        exact = rate * percent * lots * ticks * (10_000 - ticks)  # in 1e-16 dollars
        trade_fee = -(-exact // 10**12)  # up to $0.0001
        exact_change = -(lots * ticks) - trade_fee * 100  # in $0.000001
        change = exact_change // 100 * 100
        rounding = exact_change - change
        self.gathered += rounding
        paid = trade_fee * 100 + rounding
        rebate = CENT * 100 if self.gathered > CENT * 100 and paid >= CENT * 100 else 0
        self.gathered -= rebate
        self.rebates += rebate > 0
        return change + rebate, paid - rebate


def _random_fill(dice):
    ticks = dice.choice([1, 100, 150, 5000, 9900, 9999, dice.randint(1, 9999)])
    lots = dice.choice([1, dice.randint(1, 99), dice.randint(1, 500_000)])
    return lots, ticks, dice.choice(("taker", "maker")), dice.choice((0, 50, 100, 300))


@pytest.mark.parametrize("fills", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_fee_and_cash_of_split_fills_are_exact(fills):
    dice = random.Random(20261120)
    done = rebates = cash = fees = expected_cash = expected_fees = 0
    rates = {role: D(rate).scaleb(-4) for role, rate in RATES.items()}
    while done < fills:
        accumulator, oracle = OrderFeeAccumulator(), WholeNumbers()
        for _ in range(dice.choice((1, dice.randint(2, 60), dice.randint(300, 900)))):
            lots, ticks, role, percent = _random_fill(dice)
            count, price = D(lots).scaleb(-2), D(ticks).scaleb(-4)
            fee, accumulator = accumulator.charge(
                count=count, price=price, rate=rates[role], multiplier=D(percent).scaleb(-2)
            )
            change, expected = oracle.fill(
                lots=lots, ticks=ticks, rate=RATES[role], percent=percent
            )
            net = fee.net
            assert net.scaleb(6) == expected
            assert (-price * count - net).scaleb(6) == change
            cash -= price * count + net
            fees += net
            expected_cash += change
            expected_fees += expected
            done += 1
        rebates += oracle.rebates
    assert (cash.scaleb(6), fees.scaleb(6)) == (expected_cash, expected_fees)
    assert rebates > fills / 1_000  # the whole of the rule was at work


@pytest.mark.parametrize("fee_type", list(FeeType))
def test_the_engine_charges_each_party_by_its_role_price_and_order(fee_type):
    dice = random.Random(7)
    terms = FeeTerms(fee_type=fee_type, multiplier=D("0.5"))
    engine = MatchingEngine("M", price_ranges=FINEST, terms=terms)
    charges_makers = fee_type is FeeType.QUADRATIC_WITH_MAKER_FEES
    rates = {"taker": RATES["taker"], "maker": RATES["maker"] if charges_makers else 0}
    orders: dict[str, WholeNumbers] = {}
    roles: dict[str, set[str]] = {}
    for number in range(3_000):
        order = NewOrder(
            order_id=str(number),
            account=dice.choice("abcdef"),
            side=dice.choice(list(BookSide)),
            price=D(dice.randint(4_980, 5_020)).scaleb(-4),
            count=D(dice.randint(1, 3_000)).scaleb(-2),
        )
        for event in engine.submit(order, T0):
            if not isinstance(event, Filled):
                continue
            for role, leg in (("taker", event.taker), ("maker", event.maker)):
                oracle = orders.setdefault(leg.state.order_id, WholeNumbers())
                roles.setdefault(leg.state.order_id, set()).add(role)
                change, fee = oracle.fill(
                    lots=int(event.count.scaleb(2)),
                    ticks=int(leg.price.scaleb(4)),
                    rate=rates[role],
                    percent=50,
                )
                assert leg.cash.scaleb(6) == -change
                assert leg.fee.net.scaleb(6) == fee
                assert leg.state.fee_carry.scaleb(6) == oracle.gathered
    assert any(len(played) == 2 for played in roles.values())
    assert any(oracle.gathered > 0 for oracle in orders.values())
