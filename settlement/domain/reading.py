"""Compares what the exchange paid with its own strikes and with our own reading.

The exchange's result governs money. What is found here is told to people and changes no payment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from boz.core.schemas import Bracket


@dataclass(frozen=True, slots=True)
class PaidMarket:
    """One market and what the exchange says it paid."""

    ticker: str
    bracket: Bracket
    is_yes: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sentences on what does not agree; both empty when all does.

    Attributes:
        strike_mismatches: The exchange's results contradict its own value or each other.
        reading_differences: Our own reading of the authority differs from the exchange's value.
    """

    strike_mismatches: tuple[str, ...]
    reading_differences: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """Return all of them, the exchange's own contradictions first."""
        return [*self.strike_mismatches, *self.reading_differences]


def compare(
    markets: Sequence[PaidMarket],
    *,
    exchange_value_f: Decimal | None,
    our_reading_f: int | None,
) -> Comparison:
    """Compare results, strikes, the exchange's value and our own reading.

    Args:
        markets: All markets of the event with their results.
        exchange_value_f: The value the exchange settled on, °F; None when it gave none.
        our_reading_f: Our reading of the climate report, whole °F; None when none is known.
    """
    return Comparison(
        strike_mismatches=(
            *_winner_count(markets),
            *_strikes_against_results(markets, exchange_value_f),
        ),
        reading_differences=tuple(_reading(markets, exchange_value_f, our_reading_f)),
    )


def whole_degree(value_f: Decimal | None) -> int | None:
    """Return a settled value as a whole degree, or None when it is none."""
    if value_f is None or not value_f.is_finite() or value_f != value_f.to_integral_value():
        return None
    return int(value_f)


def _winner_count(markets: Sequence[PaidMarket]) -> list[str]:
    winners = [market.ticker for market in markets if market.is_yes]
    if len(winners) == 1:
        return []
    if not winners:
        return ["No market of the event paid YES; exactly one should."]
    return [f"{len(winners)} markets paid YES ({', '.join(winners)}); exactly one should."]


def _strikes_against_results(markets: Sequence[PaidMarket], value_f: Decimal | None) -> list[str]:
    if value_f is None:
        return []
    degree = whole_degree(value_f)
    if degree is None:
        return [f"The exchange settled on {value_f} °F, which is no whole degree."]
    return [
        f"{market.ticker} ({market.bracket.label}) paid {_word(market.is_yes)}, but by its strikes "
        f"{degree}° pays {_word(market.bracket.contains(degree))}."
        for market in markets
        if market.bracket.contains(degree) != market.is_yes
    ]


def _reading(
    markets: Sequence[PaidMarket], value_f: Decimal | None, reading_f: int | None
) -> list[str]:
    if reading_f is None:
        return []
    if value_f is not None:
        if value_f == reading_f:
            return []
        consequence = _consequence(markets, reading_f)
        return [
            f"The exchange settled on {value_f.normalize():f}°; our reading of the climate report "
            f"is {reading_f}°{consequence}. The exchange's value governs money."
        ]
    winners = [market for market in markets if market.is_yes]
    if any(market.bracket.contains(reading_f) for market in winners):
        return []
    paid = ", ".join(market.bracket.label for market in winners) or "no bracket"
    return [
        f"The exchange paid {paid}, our reading of the climate report is {reading_f}°. "
        "The exchange's result governs money."
    ]


def _consequence(markets: Sequence[PaidMarket], reading_f: int) -> str:
    ours = next((market for market in markets if market.bracket.contains(reading_f)), None)
    if ours is None or ours.is_yes:
        return ", in the same bracket"
    return f", which would have paid {ours.bracket.label}"


def _word(is_yes: bool) -> str:
    return "YES" if is_yes else "NO"
