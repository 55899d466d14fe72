"""The scores of one settled ladder: ours, the market's and those of both together."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prediction.domain.scores import brier_ladder, ranked_probability_score
from prediction.services.forecast_scoring.learning import Belief
from prediction.services.forecast_scoring.results import Result
from prediction.services.forecast_scoring.snapshots import Key

#: Who is scored, and on what; lower is better everywhere.
SIDES = ("engine", "market", "blend")
METRICS = ("brier", "log_loss", "rps")
#: A probability below this costs no more than this in the log loss.
LOG_FLOOR = 0.005


@dataclass(frozen=True, slots=True)
class Scored:
    """A ladder on which the market spoke and of which the result is known.

    Args:
        city: As the file calls it.
        group: What the snapshot is reported under.
        climate_day: The day.
        scores: Per side one value per metric, in the order of :data:`METRICS`; the engine has none
            where it was silent.
    """

    city: str
    group: str
    climate_day: dt.date
    scores: Mapping[str, tuple[float, ...]]


def score_beliefs(
    beliefs: Iterable[Belief], results: Mapping[Key, Result], *, report_from: dt.date | None
) -> list[Scored]:
    """Score the beliefs of days from ``report_from`` on that can be compared.

    Left out are those without a known result or without a sane market.
    """
    return [
        scored
        for belief in beliefs
        if report_from is None or belief.snapshot.climate_day >= report_from
        if (scored := _scored(belief, results[belief.snapshot.key])) is not None
    ]


def ladder_scores(probabilities: Sequence[float], outcome: int) -> tuple[float, ...]:
    """Return Brier score over the ladder, log loss with its floor, and RPS by ``n - 1``."""
    return (
        brier_ladder(probabilities, outcome),
        -math.log(max(probabilities[outcome], LOG_FLOOR)),
        ranked_probability_score(probabilities, outcome),
    )


def _scored(belief: Belief, result: Result) -> Scored | None:
    market, outcome = belief.snapshot.market, result.outcome
    if outcome is None or market is None or not market.is_sane:
        return None
    ladders = zip(SIDES, (belief.engine, market.probabilities, belief.blend), strict=True)
    return Scored(
        city=belief.snapshot.city,
        group=belief.snapshot.group,
        climate_day=belief.snapshot.climate_day,
        scores={
            side: ladder_scores(ladder, outcome) for side, ladder in ladders if ladder is not None
        },
    )
