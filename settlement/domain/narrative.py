"""What a settled trade teaches, in sentences made from plain values.

The same values always give the same text. Money is dollars, temperatures degrees Fahrenheit.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from boz.core.money import CENT, format_dollars
from boz.core.schemas import Bracket, Side

#: Within this many of its standard deviations a forecast did what it promised.
USUAL_ERROR_SDS = 1.0
#: Beyond this many it was wrong rather than unlucky.
WRONG_FORECAST_SDS = 2.0


@dataclass(frozen=True, slots=True)
class TradeFacts:
    """Everything a post-mortem is written from.

    Attributes:
        cost_dollars: Paid for the contracts, without fees.
        probability: Ours that the side pays, when the trade was decided.
        market_probability: The market's for the side then; None without a quote.
        expected_value_dollars: Per contract after fees, then.
        mean_f: Mean of our distribution then; None when no prediction is on record.
        sd_f: Its standard deviation.
        settled_high_f: The value that governed money; None when the exchange gave none.
        mismatches: Sentences of the settlement on what did not agree.
    """

    city: str
    climate_day: dt.date
    ticker: str
    bracket: Bracket
    side: Side
    count: Decimal
    cost_dollars: Decimal
    fees_dollars: Decimal
    probability: float
    market_probability: float | None
    expected_value_dollars: Decimal
    reasons: tuple[str, ...]
    confidence: str
    confidence_reason: str
    mean_f: float | None
    sd_f: float | None
    settled_high_f: int | None
    is_won: bool
    pnl_dollars: Decimal
    mismatches: tuple[str, ...] = ()

    @property
    def error_f(self) -> float | None:
        """Return predicted mean less the settled high."""
        if self.mean_f is None or self.settled_high_f is None:
            return None
        return self.mean_f - self.settled_high_f

    @property
    def expected_dollars(self) -> Decimal:
        """Return what the trade was expected to earn, after fees."""
        return self.expected_value_dollars * self.count

    @property
    def luck_dollars(self) -> Decimal:
        """Return the result less the value expected then."""
        return self.pnl_dollars - self.expected_dollars


@dataclass(frozen=True, slots=True)
class Narrative:
    """The five answers of a post-mortem."""

    what_we_traded: str
    what_happened: str
    why_we_took_it: str
    why_it_ended_so: str
    confidence_then: str


def tell(facts: TradeFacts) -> Narrative:
    """Return what a settled trade teaches."""
    return Narrative(
        what_we_traded=_what_we_traded(facts),
        what_happened=_what_happened(facts),
        why_we_took_it=_why_we_took_it(facts),
        why_it_ended_so=_why_it_ended_so(facts),
        confidence_then=_confidence_then(facts),
    )


def _what_we_traded(facts: TradeFacts) -> str:
    count = f"{facts.count.normalize():f}"
    noun = "contract" if facts.count == 1 else "contracts"
    each = "" if facts.count == 0 else f" ({_cents(facts.cost_dollars / facts.count)} each)"
    return (
        f"{count} {facts.side.value.upper()} {noun} on {facts.bracket.label} in {facts.city} on "
        f"{facts.climate_day} ({facts.ticker}), for {_dollars(facts.cost_dollars)}{each} "
        f"plus {_dollars(facts.fees_dollars)} in fees."
    )


def _what_happened(facts: TradeFacts) -> str:
    outcome = "paid" if facts.is_won else "did not pay"
    result = f"{facts.side.value.upper()} {outcome}: {_signed(facts.pnl_dollars)} after fees."
    if facts.settled_high_f is None:
        high = "The exchange gave the results without a temperature."
    else:
        inside = facts.bracket.contains(facts.settled_high_f)
        where = "inside" if inside else f"{_distance(facts)} outside"
        high = f"The high was {facts.settled_high_f}°, {where} of {facts.bracket.label}."
    return " ".join((high, result, *facts.mismatches))


def _why_we_took_it(facts: TradeFacts) -> str:
    belief = f"We gave {facts.side.value.upper()} {_percent(facts.probability)}"
    if facts.market_probability is None:
        belief += "; the market's own probability was not known"
    else:
        belief += f", the market {_percent(facts.market_probability)}"
    expected = f"expected was {_cents(facts.expected_value_dollars)} per contract after fees"
    return " ".join((f"{belief}; {expected}.", *facts.reasons))


def _why_it_ended_so(facts: TradeFacts) -> str:
    return " ".join(
        part
        for part in (_forecast_sentence(facts), _odds_sentence(facts), _market_sentence(facts))
        if part
    )


def _forecast_sentence(facts: TradeFacts) -> str:
    error = facts.error_f
    if error is None or not facts.sd_f:
        return "The forecast cannot be compared with the outcome."
    direction = "warm" if error > 0 else "cold"
    sds = abs(error) / facts.sd_f
    miss = f"Our mean of {facts.mean_f:.1f}° was {abs(error):.1f}° too {direction}"
    if abs(error) < 0.05:
        miss = f"Our mean of {facts.mean_f:.1f}° was right"
    if sds <= USUAL_ERROR_SDS:
        return f"{miss}, within its usual error of {facts.sd_f:.1f}°."
    if sds <= WRONG_FORECAST_SDS:
        return f"{miss}, {sds:.1f} times its usual error of {facts.sd_f:.1f}°."
    return f"{miss}, {sds:.1f} times its usual error of {facts.sd_f:.1f}°: the forecast was wrong."


def _odds_sentence(facts: TradeFacts) -> str:
    wins = facts.probability if facts.is_won else 1.0 - facts.probability
    verb = "wins" if facts.is_won else "loses"
    return (
        f"By our own odds such a trade {verb} {_times(wins)}, and this one did. "
        f"Luck counts for {_signed(facts.luck_dollars)} of the result."
    )


def _market_sentence(facts: TradeFacts) -> str:
    if facts.market_probability is None:
        return ""
    happened = 1.0 if facts.is_won else 0.0
    ours = abs(facts.probability - happened)
    theirs = abs(facts.market_probability - happened)
    if ours == theirs:
        return "The market had given the same odds."
    nearer = "We were" if ours < theirs else "The market was"
    return f"{nearer} nearer to the outcome."


def _confidence_then(facts: TradeFacts) -> str:
    belief = ""
    if facts.mean_f is not None and facts.sd_f is not None:
        belief = f" The distribution was {facts.mean_f:.1f}° ± {facts.sd_f:.1f}°."
    reason = f" {facts.confidence_reason}" if facts.confidence_reason else ""
    return f"Confidence was {facts.confidence.upper()}.{belief}{reason}"


def _distance(facts: TradeFacts) -> str:
    high, bracket = facts.settled_high_f, facts.bracket
    if high is None:
        return "somewhere"
    if bracket.low_f is not None and high < bracket.low_f:
        return f"{bracket.low_f - high}°"
    if bracket.high_f is not None and high > bracket.high_f:
        return f"{high - bracket.high_f}°"
    return "0°"


def _cents(dollars: Decimal) -> str:
    """Write a price per contract to a tenth of a cent: ``33¢``, ``4.3¢``."""
    cents = f"{dollars * 100:.1f}".removesuffix(".0")
    return f"{'0' if cents == '-0' else cents}¢"


def _dollars(dollars: Decimal) -> str:
    """Write an amount to the cent; the ledger keeps the exact one."""
    cents = dollars.quantize(CENT)
    return format_dollars(abs(cents) if cents == 0 else cents)


def _signed(dollars: Decimal) -> str:
    return f"{'+' if dollars.quantize(CENT) > 0 else ''}{_dollars(dollars)}"


def _percent(probability: float) -> str:
    """Write a probability in whole percent; what is not certain never reads so."""
    if 0.0 < probability < 0.005:
        return "less than 1%"
    if 0.995 <= probability < 1.0:
        return "more than 99%"
    return f"{probability:.0%}"


def _times(probability: float) -> str:
    if 0.0 < probability < 0.005:
        return "less than once in 100"
    if 0.995 <= probability < 1.0:
        return "more than 99 times in 100"
    times = round(100 * probability)
    return f"{times} {'time' if times == 1 else 'times'} in 100"
