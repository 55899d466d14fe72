"""Grades a prediction by its own record, as far as that was known at the time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

from boz.core.schemas import Bracket
from prediction.constants import HEALTH_WINDOW, PRIMARY_ENGINE, VERIFICATION_HOUR_LST
from prediction.domain.confidence import ConfidenceGrade, TrackRecord, grade_confidence
from prediction.domain.distribution import IntegerPmf
from prediction.engines.base import EngineForecast
from prediction.models import EngineFit, Verification
from prediction.selectors import pmf_of
from weather.models import Station

#: Central interval of nominal coverage 0.8, on the mid-value of the PIT.
_INTERVAL_80 = (0.1, 0.9)


def track_record(*, station: Station, as_of: dt.datetime) -> TrackRecord:
    """Return how the last verified predictions of a station went, of those known at ``as_of``.

    Verified predictions all stand at the fixed time before the peak, so they form one class.
    Below a full window only their number counts, and the shares are zero.
    """
    rows = Verification.objects.filter(
        prediction__station=station,
        prediction__engine=PRIMARY_ENGINE,
        verified_at__lte=as_of,
    ).order_by("-event__climate_day")[:HEALTH_WINDOW]
    known = list(rows.select_related("prediction", "event").prefetch_related("event__markets"))
    if len(known) < HEALTH_WINDOW:
        return TrackRecord(
            n=len(known), coverage_80=0.0, top_hit_rate=0.0, mean_top_probability=0.0
        )
    low, high = _INTERVAL_80
    tops = [_top(row) for row in known]
    return TrackRecord(
        n=len(known),
        coverage_80=sum(low <= row.pit <= high for row in known) / len(known),
        top_hit_rate=sum(hit for _, hit in tops) / len(known),
        mean_top_probability=math.fsum(p for p, _ in tops) / len(known),
    )


def grade(
    forecast: EngineForecast,
    *,
    ladder: Sequence[Bracket],
    fit: EngineFit | None,
    hours_into_day: float,
) -> tuple[ConfidenceGrade, str]:
    """Return the grade and why, in sentences.

    Args:
        forecast: The engine's answer.
        ladder: Brackets of the event; without one the best two degrees stand for them.
        fit: Parameters used, which carry the track record known with them.
        hours_into_day: Hours from the start of the climate day to the prediction; from the
            verification hour on no record of its class exists.
    """
    top = top_probability(forecast.pmf, ladder)
    record = None
    if fit is not None and hours_into_day < VERIFICATION_HOUR_LST:
        record = record_from(fit.scores.get("track_record"))
    graded = grade_confidence(
        top_probability=top,
        n_train=forecast.n_train,
        member_weight=forecast.weight_present,
        record=record,
    )
    return graded, " ".join((f"The most probable bracket has {top:.0%}.", *graded.failed_tests))


def top_probability(pmf: IntegerPmf, ladder: Sequence[Bracket]) -> float:
    """Return the probability of the most probable bracket, or of the best two degrees."""
    if ladder:
        return min(1.0, max(pmf.ladder(ladder)))
    pairs = pmf.probabilities[:-1] + pmf.probabilities[1:]
    return min(1.0, float(pairs.max())) if pairs.size else 1.0


def record_from(stored: dict[str, Any] | None) -> TrackRecord | None:
    """Read a record kept with a fit."""
    return None if stored is None else TrackRecord(**stored)


def _top(row: Verification) -> tuple[float, bool]:
    brackets = [market.bracket for market in row.event.markets.all()]
    pmf = pmf_of(row.prediction)
    best = max(brackets, key=pmf.probability)
    return pmf.probability(best), best.contains(row.observed_high_f)
