"""How scores are written for people; nothing here marks text as safe."""

from __future__ import annotations

from django import template

from boz.console.templatetags.console import NOTHING
from prediction.selectors import Comparison, Figure

register = template.Library()


@register.filter
def score(figure: Figure | None) -> str:
    """Write a mean score: ``0.636``."""
    return NOTHING if figure is None else f"{figure.mean:.3f}"


@register.filter
def interval(figure: Figure | None) -> str:
    """Write the interval of a score: ``0.601 to 0.671``; nothing where there is none."""
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{figure.low:.3f} to {figure.high:.3f}"


@register.filter
def skill(comparison: Comparison | None) -> str:
    """Write a skill with its sign: ``+12.3%``."""
    if comparison is None or comparison.skill is None:
        return NOTHING
    return f"{comparison.skill * 100:+.1f}%"


@register.filter
def difference(comparison: Comparison | None) -> str:
    """Write how far a score is from the reference's: ``-0.012 (-0.030 to +0.006)``."""
    if comparison is None:
        return NOTHING
    told = comparison.difference
    if told.low is None or told.high is None:
        return f"{told.mean:+.3f}"
    return f"{told.mean:+.3f} ({told.low:+.3f} to {told.high:+.3f})"


@register.filter
def better(comparison: Comparison | None) -> str:
    """Return the class of a shown difference: ``gain``, ``loss``, or nothing within chance."""
    if comparison is None or not comparison.difference.is_settled:
        return ""
    return "gain" if comparison.difference.mean < 0 else "loss"


@register.filter
def degrees(value: float | None) -> str:
    """Write degrees Fahrenheit: ``2.1``."""
    return NOTHING if value is None else f"{value:.1f}"


@register.filter
def signed_degrees(value: float | None) -> str:
    """Write a bias with its sign: ``+0.3``."""
    return NOTHING if value is None else f"{value:+.1f}"


@register.filter
def share(value: float | None) -> str:
    """Write a share to a tenth of a per cent: ``81.3%``."""
    return NOTHING if value is None else f"{value * 100:.1f}%"
