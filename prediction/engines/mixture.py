"""What the blend mixes of the day-ahead engines, before any correction and the day's reports.

The correction is learned from the ranks of settled highs in this mixture, so that it never sees
its own success.
"""

from __future__ import annotations

from collections.abc import Mapping

from prediction.constants import (
    EMOS_FAST_ENGINE,
    EMOS_SLOW_ENGINE,
    NBM_ENGINE,
    WEIGHTED_MEAN_ENGINE,
)
from prediction.domain.distribution import IntegerPmf, linear_pool

#: The engines that are mixed, in the order in which they are, with their weights before any belief
#: of theirs was scored. The two regressions are one method and together hold most, the long memory
#: more; the national blend is a peer of its own; the uncorrected consensus is there to be heard
#: should the others fail.
PRIOR_WEIGHTS: dict[str, float] = {
    EMOS_SLOW_ENGINE: 0.40,
    NBM_ENGINE: 0.28,
    EMOS_FAST_ENGINE: 0.24,
    WEIGHTED_MEAN_ENGINE: 0.08,
}


#: Weight and distribution of engines, by name.
Parts = Mapping[str, tuple[float, IntegerPmf]]


def day_ahead_mixture(parts: Parts) -> IntegerPmf:
    """Return the mixture of the day-ahead engines; other engines are left out.

    Raises:
        DataUnavailable: If no day-ahead engine has a weight.
    """
    mixed = [parts[name] for name in PRIOR_WEIGHTS if _counts(parts, name)]
    return linear_pool([pmf for _, pmf in mixed], [weight for weight, _ in mixed])


def mixture_rank(parts: Parts, *, observed_f: int) -> tuple[float, float] | None:
    """Return ``F(y - 1)`` and ``F(y)`` of an official high in the mixture.

    Returns:
        None where no day-ahead engine has a weight, so that there is no mixture.
    """
    if not any(_counts(parts, name) for name in PRIOR_WEIGHTS):
        return None
    mixture = day_ahead_mixture(parts)
    return mixture.cdf(observed_f - 1), mixture.cdf(observed_f)


def _counts(parts: Parts, name: str) -> bool:
    return name in parts and parts[name][0] > 0
