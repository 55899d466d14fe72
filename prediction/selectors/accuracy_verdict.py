"""What paired scores allow to be said about an engine, in one plain sentence."""

from __future__ import annotations

from prediction.constants import MIN_DAYS_FOR_CLAIM, MIN_DAYS_FOR_VERDICT
from prediction.selectors.accuracy import Figure


def verdict_on(*, days: int, difference: Figure | None) -> str:
    """Say whether a belief was better than the market, and on how many days it rests.

    Args:
        days: Settled climate days on which both were scored.
        difference: Its Brier score less the market's; None where there are no pairs.
    """
    if difference is None or days < MIN_DAYS_FOR_VERDICT:
        return (
            f"No verdict: {days} settled days can be compared with the market,"
            f" {MIN_DAYS_FOR_VERDICT} are needed."
        )
    figures = (
        f"Brier {difference.mean:+.3f} against the market,"
        f" 95% interval {difference.low:+.3f} to {difference.high:+.3f}"
    )
    if not difference.is_settled:
        return f"No difference from the market is shown over {days} days ({figures})."
    which = "better" if difference.mean < 0 else "worse"
    if days < MIN_DAYS_FOR_CLAIM:
        return (
            f"So far {which} than the market over {days} days ({figures});"
            f" nothing is claimed below {MIN_DAYS_FOR_CLAIM} days."
        )
    return f"{which.capitalize()} than the market over {days} days ({figures})."
