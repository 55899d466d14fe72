"""How good predictions were beside the market; every read is as of a moment."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F

from prediction.domain.horizons import Horizon
from prediction.models import Verification
from prediction.selectors.accuracy import figure
from prediction.selectors.accuracy_verdict import verdict_on
from weather.models import Station


@dataclass(frozen=True, slots=True)
class SkillSummary:
    """Mean Brier scores (summed over a ladder, lower is better), model beside market.

    ``model_brier`` covers all verified events. The ``paired_`` figures cover only the events on
    which the market had a complete quote at the same moment; days are climate days, since cities
    share their weather.
    """

    events: int
    days: int
    model_brier: float | None
    climatology_brier: float | None
    paired_events: int
    paired_days: int
    paired_model_brier: float | None
    paired_market_brier: float | None
    verdict: str


def skill_summary(
    *,
    as_of: dt.datetime,
    since: dt.datetime | None = None,
    station: Station | None = None,
    engine: str | None = None,
    horizon: Horizon = Horizon.MORNING,
) -> SkillSummary:
    """Return how predictions did against the market, of those verified by ``as_of``.

    Args:
        as_of: Verifications written later are not counted.
        since: Only those verified from then on; None for all.
        station: Only this one; None for all.
        engine: Registry name of the engine, or ``Verification.POOLED``; None for whichever was
            champion when the prediction was made.
        horizon: Class of lead and hour; one at a time, so that no day counts twice.
    """
    name = F("prediction__engine") if engine is None else engine
    rows = Verification.objects.filter(engine=name, horizon=horizon, verified_at__lte=as_of)
    if since is not None:
        rows = rows.filter(verified_at__gte=since)
    if station is not None:
        rows = rows.filter(prediction__station=station)
    known = list(
        rows.values_list("event__climate_day", "brier", "market_brier", "climatology_brier")
    )
    paired = [(day, model, market) for day, model, market, _ in known if market is not None]
    summary = {
        "model_brier": _mean(row[1] for row in known),
        "climatology_brier": _mean(row[3] for row in known if row[3] is not None),
        "paired_model_brier": _mean(row[1] for row in paired),
        "paired_market_brier": _mean(row[2] for row in paired),
    }
    return SkillSummary(
        events=len(known),
        days=len({row[0] for row in known}),
        paired_events=len(paired),
        paired_days=len({row[0] for row in paired}),
        verdict=_verdict(paired),
        **summary,
    )


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers) if numbers else None


def _verdict(paired: Sequence[tuple[dt.date, float, float]]) -> str:
    """Say what the paired scores allow to be said."""
    days = [day for day, _, _ in paired]
    differences = [model - market for _, model, market in paired]
    return verdict_on(days=len(set(days)), difference=figure(differences, days) if paired else None)
