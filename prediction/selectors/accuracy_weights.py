"""How the weights of the combined engines moved from day to day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import F

from prediction.domain.horizons import Horizon
from prediction.selectors.accuracy import DEFAULT_HORIZON, AccuracyScope, mean_of


@dataclass(frozen=True, slots=True)
class EngineWeights:
    """One engine's weight, the mean over the stations of each day.

    Attributes:
        engine: Its name.
        points: Climate day and weight 0..1, oldest first.
    """

    engine: str
    points: tuple[tuple[dt.date, float], ...]

    @property
    def latest(self) -> float:
        """Return the weight of the last day."""
        return self.points[-1][1]

    @property
    def mean(self) -> float:
        """Return the mean over the days."""
        return mean_of([weight for _, weight in self.points])


def engine_weights(
    scope: AccuracyScope, *, horizon: Horizon = DEFAULT_HORIZON
) -> list[EngineWeights]:
    """Return the weights of the champion's combinations that were scored, heaviest latest first.

    An engine that was absent from a combination had no weight in it and counts as 0 there, so that
    the weights of a day add up to 1.
    """
    rows = (
        scope.scored(horizon=horizon)
        .filter(engine=F("prediction__engine"))
        .order_by("event__climate_day", "pk")
        .values_list("event__climate_day", "prediction__engine_weights")
    )
    by_day: dict[dt.date, list[dict[str, float]]] = {}
    for day, weights in rows:
        if weights:
            by_day.setdefault(day, []).append(weights)
    names = sorted({name for combined in by_day.values() for one in combined for name in one})
    found = [
        EngineWeights(
            engine=name,
            points=tuple(
                (day, mean_of([one.get(name, 0.0) for one in combined]))
                for day, combined in by_day.items()
            ),
        )
        for name in names
    ]
    return sorted(found, key=lambda item: (-item.latest, item.engine))
