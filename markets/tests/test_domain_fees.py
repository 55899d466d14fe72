from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidOrderError, OperatorActionRequired
from boz.core.schemas import FeeTerms, FeeType
from markets.domain.fees import (
    RETAIL_PRECISION,
    SIX_DECIMAL_RULES,
    TAKER_RATE,
    OrderFeeAccumulator,
    fee_terms_from_exchange,
    maker_rate,
    taker_rate,
)

D = Decimal
QUADRATIC = FeeTerms(fee_type=FeeType.QUADRATIC)
PAYLOAD = Path(__file__).parent / "payloads" / "fees_fills_2026-08.json"
FILLS = json.loads(PAYLOAD.read_text())["fills"]


def _trade_fee(*, count, price):
    fee, _ = OrderFeeAccumulator().charge(count=count, price=price, rate=TAKER_RATE)
    return fee.trade_fee


def _charge(fill, accumulator):
    return accumulator.charge(
        count=D(fill["count"]),
        price=D(fill["price"]),
        rate=TAKER_RATE,
        multiplier=D(fill["multiplier"]),
    )


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: f"{fill['count']}@{fill['price']}")
def test_recorded_account_fills_are_reproduced_exactly(fill):
    fee, _ = _charge(fill, OrderFeeAccumulator())

    assert fee.net == D(fill["fee"])


def test_recorded_fills_tell_the_two_wordings_apart():
    later = OrderFeeAccumulator(rules=SIX_DECIMAL_RULES)

    differing = [fill for fill in FILLS if _charge(fill, later)[0].net != D(fill["fee"])]

    assert [(fill["count"], fill["price"]) for fill in differing] == [("71.94", "0.0130")]


def test_all_recorded_fills_are_present():
    assert len(FILLS) == 33


def test_one_contract_at_22_cents_costs_one_point_two_cents_win_or_lose():
    fee = _trade_fee(count=D("1"), price=D("0.22"))

    assert fee == D("0.0121")


@pytest.mark.parametrize(
    ("count", "price", "rate", "nets", "carried"),
    [
        ("1", "0.055", "0.1635", ["0.0150", "0.0050", "0.0150"], "0.0095"),
        ("0.30", "0.50", "0.0546", ["0.0100", "0.0000", "0.0100"], "0.0077"),
        ("0.03", "0.3301", "0.07", ["0.010097", "0.000097", "0.000097"], "0.018791"),
    ],
)
def test_worked_examples_of_the_exchange_are_reproduced(count, price, rate, nets, carried):
    """Three equal fills of one order as on the exchange's page.

    The page states trade fees (0.0085, 0.0041, 0.0005) without a rate; the rates here give those.
    ``carried`` is the page's accumulator column on the third fill, before its rebate.
    """
    accumulator = OrderFeeAccumulator(precision=RETAIL_PRECISION)
    seen = []
    before_rebate = D("0")
    for _ in nets:
        before = accumulator.accumulated
        fee, accumulator = accumulator.charge(count=D(count), price=D(price), rate=D(rate))
        before_rebate = before + fee.rounding_fee
        seen.append(fee.net)

    assert seen == [D(net) for net in nets]
    assert before_rebate == D(carried)


def test_later_wording_rounds_the_trade_fee_to_six_decimals():
    accumulator = OrderFeeAccumulator(precision=RETAIL_PRECISION, rules=SIX_DECIMAL_RULES)

    fee, _ = accumulator.charge(count=D("1"), price=D("0.055"), rate=TAKER_RATE)

    assert fee.trade_fee == D("0.003639")
    assert fee.rounding_fee == D("0.001361")
    assert fee.net == D("0.005")


def test_later_wording_carries_three_overpayments_into_one_rebate():
    accumulator = OrderFeeAccumulator(
        precision=RETAIL_PRECISION, rules=SIX_DECIMAL_RULES, accumulated=D("0.008")
    )

    # 10 contracts at 0.10: trade fee 0.063, so 0.007 of rounding joins what is carried.
    fee, after = accumulator.charge(count=D("10"), price=D("0.10"), rate=TAKER_RATE)

    assert fee.rebate == D("0.01")
    assert after.accumulated == D("0.005")


def test_rates_follow_the_fee_type():
    with_maker = FeeTerms(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)

    assert taker_rate(QUADRATIC) == taker_rate(with_maker) == D("0.07")
    assert maker_rate(QUADRATIC) == 0
    assert maker_rate(with_maker) == D("0.0175")


@pytest.mark.parametrize("fee_type", ["flat", "quadratic_with_combo_maker_fees", ""])
def test_unknown_fee_type_stops_trading(fee_type):
    with pytest.raises(OperatorActionRequired, match="cannot compute"):
        fee_terms_from_exchange(fee_type, D("1"))


@pytest.mark.parametrize("multiplier", ["-1", "NaN", "Infinity"])
def test_senseless_multiplier_stops_trading(multiplier):
    with pytest.raises(OperatorActionRequired, match="multiplier"):
        fee_terms_from_exchange("quadratic", D(multiplier))


def test_multiplier_of_zero_is_a_value():
    terms = fee_terms_from_exchange("quadratic", D("0"))

    fee, _ = OrderFeeAccumulator().charge(
        count=D("1"), price=D("0.22"), rate=taker_rate(terms), multiplier=terms.multiplier
    )
    assert fee.net == 0


@pytest.mark.parametrize(("count", "price"), [("0", "0.5"), ("-1", "0.5"), ("1", "1.01")])
def test_impossible_fill_has_no_fee(count, price):
    with pytest.raises(InvalidOrderError):
        _trade_fee(count=D(count), price=D(price))


PRICES = st.integers(1, 9999).map(lambda n: D(n) / 10000)
COUNTS = st.integers(1, 100_000).map(lambda n: D(n) / 100)


@settings(deadline=None)  # a busy machine is no failure
@given(
    fills=st.lists(st.tuples(COUNTS, PRICES, st.booleans()), min_size=1, max_size=12),
    precision=st.sampled_from([D("0.0001"), D("0.01")]),
    six_decimals=st.booleans(),
)
def test_fee_is_never_negative_and_the_balance_stays_on_the_account_grid(
    fills, precision, six_decimals
):
    accumulator = OrderFeeAccumulator(precision=precision)
    if six_decimals:
        accumulator = OrderFeeAccumulator(precision=precision, rules=SIX_DECIMAL_RULES)
    model_fees = paid = D("0")
    for count, price, is_taker in fills:
        rate = TAKER_RATE if is_taker else D("0")
        fee, accumulator = accumulator.charge(count=count, price=price, rate=rate)

        assert fee.net >= 0
        assert 0 <= fee.rounding_fee < precision
        assert (count * price + fee.net) % precision == 0

        model_fees += rate * count * price * (1 - price)
        paid += fee.net

    assert accumulator.accumulated >= 0
    assert paid >= model_fees


@settings(deadline=None)  # a busy machine is no failure
@given(count=COUNTS, price=PRICES)
def test_fee_is_the_same_for_yes_and_its_mirror(count, price):
    yes = _trade_fee(count=count, price=price)
    no = _trade_fee(count=count, price=1 - price)

    assert yes == no
    assert yes - D("0.0001") < D("0.07") * count * price * (1 - price) <= yes
