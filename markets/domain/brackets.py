"""From a market's strikes to the whole degrees that pay, and the proof that a ladder is complete.

Only ``strike_type``, ``floor_strike`` and ``cap_strike`` are read; a label or a ticker letter says
nothing here. The settled temperature is a whole degree, so every bracket is a run of integers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

from boz.core.errors import InvalidDataError, QuarantinedError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F, Bracket, StrikeType


def bracket_from_strikes(
    *,
    strike_type: StrikeType | str,
    floor_strike: Decimal | None,
    cap_strike: Decimal | None,
) -> Bracket:
    """Return the whole degrees Fahrenheit for which a market pays YES.

    ``less`` N pays at N-1 and below, ``greater`` N at N+1 and above, ``between`` a and b at both
    and everything between. Zero degrees is a strike like any other.

    Raises:
        InvalidDataError: If the type is unknown or the strikes are missing, superfluous, reversed,
            fractional or no possible temperature.
    """
    kind = _strike_type(strike_type)
    floor_f = _whole_degree(floor_strike, name="floor_strike")
    cap_f = _whole_degree(cap_strike, name="cap_strike")
    facts = {
        "strike_type": kind.value,
        "floor_strike": None if floor_strike is None else str(floor_strike),
        "cap_strike": None if cap_strike is None else str(cap_strike),
    }
    if kind is StrikeType.LESS and floor_f is None and cap_f is not None:
        return Bracket(high_f=cap_f - 1)
    if kind is StrikeType.GREATER and cap_f is None and floor_f is not None:
        return Bracket(low_f=floor_f + 1)
    if kind is StrikeType.BETWEEN and floor_f is not None and cap_f is not None:
        if floor_f > cap_f:
            raise InvalidDataError(f"The strikes are reversed: {floor_f} to {cap_f}.", facts)
        return Bracket(low_f=floor_f, high_f=cap_f)
    needed = {
        StrikeType.LESS: "a cap strike and no floor strike",
        StrikeType.GREATER: "a floor strike and no cap strike",
        StrikeType.BETWEEN: "both a floor and a cap strike",
    }[kind]
    raise InvalidDataError(f"A market of type '{kind.value}' needs {needed}.", facts)


def prove_ladder(brackets: Sequence[Bracket]) -> tuple[Bracket, ...]:
    """Prove that brackets tile the whole-degree line and return them from coldest to warmest.

    Any number of rungs from two on is accepted.

    Raises:
        QuarantinedError: If there are fewer than two rungs, an open end is missing or doubled, or
            two neighbours leave a gap or overlap; the sentence names the degrees.
    """
    if len(brackets) < 2:
        raise QuarantinedError(
            f"A ladder needs at least two brackets, this one has {len(brackets)}.",
            {"brackets": [bracket.label for bracket in brackets]},
        )
    ordered = tuple(sorted(brackets, key=_coldest_first))
    facts = {"brackets": [bracket.label for bracket in ordered]}
    if ordered[0].low_f is not None:
        raise QuarantinedError(
            f"The ladder has a gap: no bracket pays below {ordered[0].low_f}°.", facts
        )
    for colder, warmer in itertools.pairwise(ordered):
        _require_neighbours(colder, warmer, facts)
    if ordered[-1].high_f is not None:
        raise QuarantinedError(
            f"The ladder has a gap: no bracket pays above {ordered[-1].high_f}°.", facts
        )
    return ordered


def _coldest_first(bracket: Bracket) -> tuple[int, int, int, int]:
    low_known, low = (0, 0) if bracket.low_f is None else (1, bracket.low_f)
    high_open, high = (1, 0) if bracket.high_f is None else (0, bracket.high_f)
    return low_known, low, high_open, high


def _require_neighbours(colder: Bracket, warmer: Bracket, facts: dict[str, list[str]]) -> None:
    names = f"'{colder.label}' and '{warmer.label}'"
    if warmer.low_f is None or colder.high_f is None or warmer.low_f <= colder.high_f:
        where = colder.low_f if warmer.low_f is None else warmer.low_f
        if where is None:  # both open at the cold end
            edges = [edge for edge in (colder.high_f, warmer.high_f) if edge is not None]
            where = min(edges)
        raise QuarantinedError(f"The ladder overlaps: {names} both pay at {where}°.", facts)
    first, last = colder.high_f + 1, warmer.low_f - 1
    if first <= last:
        degrees = f"{first}°" if first == last else f"{first}° to {last}°"
        raise QuarantinedError(f"The ladder has a gap at {degrees}, between {names}.", facts)


def _strike_type(value: StrikeType | str) -> StrikeType:
    try:
        return StrikeType(value)
    except ValueError as error:
        raise InvalidDataError(
            f"The strike type '{value}' is not one we can settle.", {"strike_type": str(value)}
        ) from error


def _whole_degree(strike: Decimal | None, *, name: str) -> int | None:
    if strike is None:
        return None
    if not strike.is_finite() or strike != strike.to_integral_value():
        raise InvalidDataError(f"The {name} must be a whole degree, was {strike}.")
    degree = int(strike)
    if not PLAUSIBLE_LOW_F <= degree <= PLAUSIBLE_HIGH_F:
        raise InvalidDataError(f"The {name} {degree}° is no possible temperature.")
    return degree
