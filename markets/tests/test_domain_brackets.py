from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import Bracket, StrikeType
from markets.domain.brackets import bracket_from_strikes, prove_ladder


def _ladder(*edges: int) -> list[Bracket]:
    """Tile the line: each edge is the first degree of the next bracket."""
    inner = [Bracket(low_f=a, high_f=b - 1) for a, b in itertools.pairwise(edges)]
    return [Bracket(high_f=edges[0] - 1), *inner, Bracket(low_f=edges[-1])]


@pytest.mark.parametrize(
    ("kind", "floor", "cap", "pays", "does_not_pay"),
    [
        ("less", None, "66", [65, -10], [66, 67]),
        ("greater", "73", None, [74, 120], [73, 72]),
        ("between", "66", "67", [66, 67], [65, 68]),
        ("less", None, "0", [-1], [0, 1]),
        ("greater", "0", None, [1], [0, -1]),
        ("between", "-1", "0", [-1, 0], [-2, 1]),
        ("between", "0", "1", [0, 1], [-1, 2]),
        (StrikeType.GREATER, "73.00", None, [74], [73]),
    ],
)
def test_strikes_pay_at_the_whole_degrees_of_the_rules(kind, floor, cap, pays, does_not_pay):
    bracket = bracket_from_strikes(
        strike_type=kind,
        floor_strike=None if floor is None else Decimal(floor),
        cap_strike=None if cap is None else Decimal(cap),
    )

    assert all(bracket.contains(degree) for degree in pays)
    assert not any(bracket.contains(degree) for degree in does_not_pay)


@pytest.mark.parametrize(
    ("kind", "floor", "cap", "sentence"),
    [
        ("less", None, None, "needs a cap strike and no floor"),
        ("less", "60", "66", "needs a cap strike and no floor"),
        ("greater", None, "73", "needs a floor strike and no cap"),
        ("between", "66", None, "both a floor and a cap"),
        ("between", "68", "66", "reversed"),
        ("greater", "70.99", None, "whole degree"),
        ("less", None, "NaN", "whole degree"),
        ("less", None, "900", "no possible temperature"),
        ("structured", "1", "2", "not one we can settle"),
    ],
)
def test_contradictory_strikes_are_refused_with_a_reason(kind, floor, cap, sentence):
    with pytest.raises(InvalidDataError, match=sentence):
        bracket_from_strikes(
            strike_type=kind,
            floor_strike=None if floor is None else Decimal(floor),
            cap_strike=None if cap is None else Decimal(cap),
        )


def test_ladder_is_ordered_from_coldest_to_warmest():
    ladder = _ladder(66, 68, 70, 72, 74)

    assert prove_ladder(list(reversed(ladder))) == tuple(ladder)


@pytest.mark.parametrize(
    ("brackets", "sentence"),
    [
        ([Bracket(high_f=61), Bracket(low_f=63)], "gap at 62°"),
        ([Bracket(high_f=61), Bracket(low_f=65)], "gap at 62° to 64°"),
        ([Bracket(high_f=61), Bracket(low_f=61)], "both pay at 61°"),
        ([Bracket(high_f=61), Bracket(low_f=62, high_f=63)], "no bracket pays above 63°"),
        ([Bracket(low_f=62, high_f=63), Bracket(low_f=64)], "no bracket pays below 62°"),
        ([Bracket(high_f=61), Bracket(high_f=61), Bracket(low_f=62)], "both pay at 61°"),
        ([Bracket(high_f=61), Bracket(low_f=62), Bracket(low_f=62)], "both pay at 62°"),
        ([Bracket(high_f=-1), Bracket(low_f=1)], "gap at 0°"),
        ([Bracket(high_f=61)], "at least two"),
        ([], "at least two"),
    ],
)
def test_ladder_that_does_not_tile_is_quarantined_and_named(brackets, sentence):
    with pytest.raises(QuarantinedError, match=sentence):
        prove_ladder(brackets)


@settings(deadline=None)  # a busy machine is no failure
@given(
    edges=st.lists(st.integers(-60, 120), min_size=1, max_size=9, unique=True).map(sorted),
    high_f=st.integers(-80, 140),
)
def test_exactly_one_bracket_of_a_proven_ladder_pays(edges, high_f):
    ladder = prove_ladder(_ladder(*edges))

    assert sum(bracket.contains(high_f) for bracket in ladder) == 1


@settings(deadline=None)  # a busy machine is no failure
@given(
    edges=st.lists(st.integers(-60, 120), min_size=3, max_size=9, unique=True).map(sorted),
    data=st.data(),
)
def test_ladder_missing_any_rung_is_quarantined(edges, data):
    ladder = _ladder(*edges)
    del ladder[data.draw(st.integers(0, len(ladder) - 1))]

    with pytest.raises(QuarantinedError):
        prove_ladder(ladder)
