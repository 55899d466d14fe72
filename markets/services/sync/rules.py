"""A hash of an event's rules that changes only when the wording does.

Each day's rules name the day and each bracket's name its strikes; both are blotted out before
hashing, so that two days of the same rules have one hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from decimal import Decimal

from markets.clients.kalshi.objects import ExchangeMarket

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATES = (
    re.compile(rf"\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}\b"),
    re.compile(rf"\b\d{{1,2}}\s+{_MONTH},?\s+\d{{4}}\b"),
    re.compile(r"\b\d{4}-\d{2}-\d{2}\b"),
    re.compile(r"\b\d{1,2}/\d{1,2}/\d{2,4}\b"),
)
_NUMBER = r"-?\d+(?:\.\d+)?"
_DEGREES = re.compile(
    rf"(?<![\w.])(?:{_NUMBER}\s*(?:-|\u2013|to|and)\s*)?{_NUMBER}\s*"
    r"(?:°\s*f?\b|°|degrees\b|fahrenheit\b)"
)
_SPACE = re.compile(r"\s+")


def rules_hash(markets: Iterable[ExchangeMarket]) -> str:
    """Return the SHA-256 of the distinct wordings of an event's markets, hex."""
    wordings = sorted({normalised_rules(market) for market in markets})
    return hashlib.sha256("\n\n".join(wordings).encode()).hexdigest()


def normalised_rules(market: ExchangeMarket) -> str:
    """Return a market's rules without the day's date and the bracket's degrees."""
    text = f"{market.rules_primary}\n{market.rules_secondary}".lower()
    for pattern in _DATES:
        text = pattern.sub("<date>", text)
    text = _DEGREES.sub("<degrees>", text)
    for strike in (market.floor_strike, market.cap_strike):
        if strike is not None:
            text = _strike_pattern(strike).sub("<degrees>", text)
    text = re.sub(r"<degrees>\s*(?:-|\u2013|to|and)\s*<degrees>", "<degrees>", text)
    return _SPACE.sub(" ", text).strip()


def _strike_pattern(strike: Decimal) -> re.Pattern[str]:
    """Match the strike where it stands without a degree sign; times such as 8:00 stay."""
    digits = re.escape(format(strike.normalize(), "f"))
    return re.compile(rf"(?<![\w.:/-]){digits}(?:\.0+)?(?![\w:/]|\.\d)")
