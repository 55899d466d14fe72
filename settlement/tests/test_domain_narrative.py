from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from boz.core.schemas import Bracket, Side
from settlement.domain.narrative import TradeFacts, tell

WON = TradeFacts(
    city="New York",
    climate_day=dt.date(2024, 11, 15),
    ticker="KXHIGHNY-24NOV15-B54.5",
    bracket=Bracket(low_f=54, high_f=55),
    side=Side.YES,
    count=Decimal("10.00"),
    cost_dollars=Decimal("3.00"),
    fees_dollars=Decimal("0.147"),
    probability=0.42,
    market_probability=0.31,
    expected_value_dollars=Decimal("0.1053"),
    reasons=("The edge is above the least we ask for.",),
    confidence="medium",
    confidence_reason="The top bracket has 33%.",
    mean_f=54.4,
    sd_f=2.3,
    settled_high_f=55,
    is_won=True,
    pnl_dollars=Decimal("6.853"),
)
LOST = replace(WON, is_won=False, settled_high_f=57, pnl_dollars=Decimal("-3.147"))


def test_a_won_trade_answers_all_five_questions():
    told = tell(WON)

    assert told.what_we_traded == (
        "10 YES contracts on 54° to 55° in New York on 2024-11-15 (KXHIGHNY-24NOV15-B54.5), "
        "for $3.00 (30¢ each) plus $0.15 in fees."
    )
    assert told.what_happened == (
        "The high was 55°, inside of 54° to 55°. YES paid: +$6.85 after fees."
    )
    assert told.why_we_took_it == (
        "We gave YES 42%, the market 31%; expected was 10.5¢ per contract after fees. "
        "The edge is above the least we ask for."
    )
    assert told.why_it_ended_so == (
        "Our mean of 54.4° was 0.6° too cold, within its usual error of 2.3°. By our own odds "
        "such a trade wins 42 times in 100, and this one did. Luck counts for +$5.80 of the "
        "result. We were nearer to the outcome."
    )
    assert told.confidence_then == (
        "Confidence was MEDIUM. The distribution was 54.4° ± 2.3°. The top bracket has 33%."
    )


def test_a_lost_trade_tells_bad_luck_from_a_wrong_forecast():
    unlucky = tell(LOST).why_it_ended_so
    wrong = tell(replace(LOST, settled_high_f=61)).why_it_ended_so

    assert "1.1 times its usual error" in unlucky
    assert "the forecast was wrong" not in unlucky
    assert "loses 58 times in 100" in unlucky
    assert "The market was nearer" in unlucky
    assert "the forecast was wrong" in wrong


def test_how_far_outside_is_told():
    assert "2° outside of 54° to 55°" in tell(LOST).what_happened
    assert "4° outside" in tell(replace(LOST, settled_high_f=50)).what_happened


def test_luck_is_the_result_less_what_was_expected():
    assert WON.luck_dollars == Decimal("6.853") - Decimal("1.053")
    assert LOST.luck_dollars == Decimal("-3.147") - Decimal("1.053")


@pytest.mark.parametrize(
    "changes",
    [
        {"mean_f": None, "sd_f": None},
        {"settled_high_f": None},
        {"market_probability": None},
        {"count": Decimal(0)},
        {"confidence_reason": ""},
    ],
)
def test_missing_facts_are_told_not_invented(changes):
    told = tell(replace(LOST, **changes))

    assert "None" not in " ".join(
        (told.what_we_traded, told.what_happened, told.why_we_took_it, told.confidence_then)
    )
    assert "None" not in told.why_it_ended_so


@pytest.mark.parametrize(
    ("probability", "belief", "odds"),
    [
        (0.003, "less than 1%", "wins less than once in 100"),
        (0.01, "1%", "wins 1 time in 100"),
        (0.998, "more than 99%", "wins more than 99 times in 100"),
    ],
)
def test_what_was_not_certain_never_reads_so(probability, belief, odds):
    told = tell(replace(WON, probability=probability))

    assert f"We gave YES {belief}, the market 31%" in told.why_we_took_it
    assert odds in told.why_it_ended_so


def test_money_is_told_to_the_cent_and_prices_to_a_tenth_of_one():
    told = tell(
        replace(
            LOST,
            count=Decimal("2.00"),
            cost_dollars=Decimal("0.66"),
            fees_dollars=Decimal("0.030954"),
            pnl_dollars=Decimal("-0.690954"),
            expected_value_dollars=Decimal("0.0434567"),
        )
    )

    assert "for $0.66 (33¢ each) plus $0.03 in fees" in told.what_we_traded
    assert "YES did not pay: -$0.69 after fees" in told.what_happened
    assert "expected was 4.3¢ per contract" in told.why_we_took_it
    assert "Luck counts for -$0.78 of the result" in told.why_it_ended_so


def test_less_than_half_a_cent_has_no_sign():
    told = tell(replace(LOST, pnl_dollars=Decimal("-0.0040")))

    assert "did not pay: $0.00 after fees" in told.what_happened


def test_the_same_facts_give_the_same_text():
    assert tell(WON) == tell(replace(WON))


def test_mismatches_are_told_with_what_happened():
    told = tell(replace(WON, mismatches=("The exchange settled on 84°; our reading is 81°.",)))

    assert told.what_happened.endswith("our reading is 81°.")
