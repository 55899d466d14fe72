"""Money, prices and counts as exact decimals.

Amounts are ``Decimal`` built from strings and rounded in one stated direction. Probabilities are
floats; :func:`probability_to_decimal` is the one place where a float becomes a decimal.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation

ZERO = Decimal("0")
ONE = Decimal("1")
CENT = Decimal("0.01")
#: The exchange's account grid and the smallest price step: one hundredth of a cent.
MICRO_STEP = Decimal("0.0001")
FEE_STEP = Decimal("0.000001")
COUNT_STEP = Decimal("0.01")


def to_decimal(value: str | int | Decimal, *, name: str) -> Decimal:
    """Read an exact decimal.

    Raises:
        ValueError: If ``value`` is a float (inexact), no number, or not finite.
    """
    if isinstance(value, bool | float):
        raise ValueError(f"{name} must be exact (a string or Decimal), was {value!r}")
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a decimal number, was {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"{name} must be finite, was {value!r}")
    return number


def round_up(amount: Decimal, step: Decimal = MICRO_STEP) -> Decimal:
    """Round towards plus infinity to a multiple of ``step`` (what we owe)."""
    return (amount / step).to_integral_value(rounding=ROUND_CEILING) * step


def round_down(amount: Decimal, step: Decimal = MICRO_STEP) -> Decimal:
    """Round towards minus infinity to a multiple of ``step`` (what we get)."""
    return (amount / step).to_integral_value(rounding=ROUND_FLOOR) * step


def probability_to_decimal(probability: float) -> Decimal:
    """Return a probability as a decimal with six places, half even.

    Raises:
        ValueError: If the value is outside 0..1 or NaN.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"a probability lies in 0..1, was {probability!r}")
    return Decimal(repr(probability)).quantize(FEE_STEP, rounding=ROUND_HALF_EVEN)


def format_dollars(amount: Decimal) -> str:
    """Write an amount for people: ``$1.25``, ``-$0.0125``; at least two decimals."""
    sign = "-" if amount < 0 else ""
    magnitude = abs(amount).normalize()
    exponent = magnitude.as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) else 2)
    return f"{sign}${magnitude:,.{places}f}"
