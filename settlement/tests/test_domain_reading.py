from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boz.core.schemas import Bracket
from settlement.domain.reading import PaidMarket, compare, whole_degree

LADDER = (
    Bracket(high_f=79),
    Bracket(low_f=80, high_f=81),
    Bracket(low_f=82, high_f=83),
    Bracket(low_f=84, high_f=85),
    Bracket(low_f=86),
)


def paid(*winners: int) -> list[PaidMarket]:
    return [
        PaidMarket(ticker=f"M{index}", bracket=bracket, is_yes=index in winners)
        for index, bracket in enumerate(LADDER)
    ]


def test_everything_agrees_says_nothing():
    found = compare(paid(3), exchange_value_f=Decimal("84.00"), our_reading_f=84)

    assert found.sentences == []


def test_another_reading_is_a_difference_and_no_mismatch():
    """Miami, 2024-11-27: settled on 84, the final report says 81."""
    found = compare(paid(3), exchange_value_f=Decimal("84.00"), our_reading_f=81)

    assert found.strike_mismatches == ()
    (sentence,) = found.reading_differences
    assert "settled on 84°" in sentence
    assert "81°" in sentence
    assert "would have paid 80° to 81°" in sentence
    assert "governs money" in sentence


def test_another_reading_in_the_same_bracket_says_so():
    found = compare(paid(3), exchange_value_f=Decimal("84"), our_reading_f=85)

    assert "in the same bracket" in found.reading_differences[0]


def test_results_against_the_strikes_name_both_markets():
    found = compare(paid(1), exchange_value_f=Decimal("84"), our_reading_f=84)

    assert len(found.strike_mismatches) == 2
    assert "M1 (80° to 81°) paid YES, but by its strikes 84° pays NO." in found.sentences
    assert found.reading_differences == ()


@pytest.mark.parametrize(
    ("winners", "words"), [((), "No market"), ((1, 3), "2 markets paid YES (M1, M3)")]
)
def test_exactly_one_market_should_pay(winners, words):
    found = compare(paid(*winners), exchange_value_f=None, our_reading_f=None)

    assert words in found.strike_mismatches[0]


def test_without_a_value_our_reading_is_held_against_the_winner():
    agrees = compare(paid(1), exchange_value_f=None, our_reading_f=81)
    differs = compare(paid(1), exchange_value_f=None, our_reading_f=82)

    assert agrees.sentences == []
    assert "paid 80° to 81°" in differs.reading_differences[0]


def test_a_value_between_degrees_is_a_mismatch():
    found = compare(paid(3), exchange_value_f=Decimal("84.50"), our_reading_f=None)

    assert "no whole degree" in found.strike_mismatches[0]


def test_zero_degrees_is_a_value():
    zero = [
        PaidMarket("A", Bracket(high_f=-1), is_yes=False),
        PaidMarket("B", Bracket(low_f=0), is_yes=True),
    ]

    assert compare(zero, exchange_value_f=Decimal(0), our_reading_f=0).sentences == []
    assert compare(zero, exchange_value_f=Decimal(0), our_reading_f=-1).reading_differences


@given(high=st.integers(-80, 140))
def test_a_ladder_settled_by_its_strikes_never_mismatches(high):
    markets = [PaidMarket(str(b), b, is_yes=b.contains(high)) for b in LADDER]

    assert compare(markets, exchange_value_f=Decimal(high), our_reading_f=high).sentences == []


@pytest.mark.parametrize(
    ("value", "degree"),
    [(None, None), (Decimal("0.00"), 0), (Decimal("-3"), -3), (Decimal("1.5"), None)],
)
def test_whole_degree(value, degree):
    assert whole_degree(value) == degree
