"""How amounts, chances and times are written for people.

Nothing here marks text as safe: the template escapes all of it.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal

from django import template

from boz.core.money import CENT, MICRO_STEP, format_dollars

register = template.Library()

#: Shown where there is no value; a missing price is never shown as 0.
NOTHING = "\N{EN DASH}"


@register.filter
def dollars(amount: Decimal | None) -> str:
    """Write an amount rounded to the cent for reading: ``$1.25``, ``-$0.01``."""
    if amount is None:
        return NOTHING
    return format_dollars(amount.quantize(CENT, rounding=ROUND_HALF_EVEN))


@register.filter
def signed_dollars(amount: Decimal | None) -> str:
    """Write a result with its sign: ``+$1.25``."""
    if amount is None:
        return NOTHING
    text = dollars(amount)
    return f"+{text}" if amount.quantize(CENT, rounding=ROUND_HALF_EVEN) > 0 else text


@register.filter
def exact_dollars(amount: Decimal | None) -> str:
    """Write an amount with every digit it has."""
    return NOTHING if amount is None else format_dollars(amount)


@register.filter
def cents(price: Decimal | None) -> str:
    """Write a price of a one-dollar contract: ``54¢``, ``0.5¢``."""
    if price is None:
        return NOTHING
    value = (price * 100).normalize()
    return f"{value:f}¢"


@register.filter
def average_price(cost: Decimal | None, count: Decimal | None) -> str:
    """Write what one contract cost on average, to a hundredth of a cent."""
    if cost is None or not count:
        return NOTHING
    return cents((cost / count).quantize(MICRO_STEP, rounding=ROUND_HALF_EVEN))


@register.filter
def percent(probability: float | None) -> str:
    """Write a probability: ``54%``, ``<1%`` and ``>99%`` near the ends, 0 and 1 exactly."""
    if probability is None:
        return NOTHING
    if 0.0 < probability < 0.01:
        return "<1%"
    if 0.99 < probability < 1.0:
        return ">99%"
    return f"{probability * 100:.0f}%"


@register.filter
def quantity(count: Decimal | None) -> str:
    """Write a number of contracts without idle zeros."""
    return NOTHING if count is None else f"{count.normalize():f}"


@register.filter
def utc(moment: dt.datetime | None) -> str:
    """Write a time: ``2024-11-14 15:00 UTC``."""
    if moment is None:
        return NOTHING
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


@register.filter
def tone(amount: Decimal | None) -> str:
    """Return the class of a result: ``gain``, ``loss`` or ``flat``."""
    if amount is None or amount == 0:
        return "flat"
    return "gain" if amount > 0 else "loss"
