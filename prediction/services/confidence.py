"""Grades a prediction by the record of its class, as far as that was known at the time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from boz.core.errors import InvalidDataError
from boz.core.schemas import Bracket
from prediction.constants import HEALTH_WINDOW
from prediction.domain.confidence import ConfidenceGrade, TrackRecord, grade_confidence
from prediction.domain.distribution import IntegerPmf
from prediction.domain.horizons import Horizon
from prediction.engines.base import EngineForecast
from prediction.models import EngineFit, Verification
from weather.models import Station


def track_records(
    *, station: Station, engine: str, as_of: dt.datetime
) -> dict[str, dict[str, float]]:
    """Return, by horizon, how an engine's last scored beliefs about a station went.

    Only what was scored by ``as_of`` counts. Below a full window only their number counts, and the
    shares are zero.
    """
    return {
        horizon.value: asdict(_track_record(station, engine, horizon, as_of)) for horizon in Horizon
    }


def grade(
    forecast: EngineForecast, *, ladder: Sequence[Bracket], record: TrackRecord | None
) -> tuple[ConfidenceGrade, str]:
    """Return the grade and why, in sentences.

    Args:
        forecast: The engine's answer.
        ladder: Brackets of the event; without one the best two degrees stand for them.
        record: How the last predictions of the same station and horizon went, as known then.
    """
    top = top_probability(forecast.pmf, ladder)
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


def record_of(fit: EngineFit | None, *, horizon: Horizon) -> TrackRecord | None:
    """Read the record that was kept with a fit; None when there is none of this horizon.

    Raises:
        InvalidDataError: If it cannot be read.
    """
    records: Any = {} if fit is None else fit.scores.get("track_record", {})
    try:
        stored = records.get(horizon.value)
        return None if stored is None else TrackRecord(**stored)
    except (AttributeError, TypeError) as error:
        raise InvalidDataError(
            f"The track record kept with {fit} cannot be read; run the agent fit again."
        ) from error


def _track_record(
    station: Station, engine: str, horizon: Horizon, as_of: dt.datetime
) -> TrackRecord:
    rows = list(
        Verification.objects.filter(
            engine=engine,
            horizon=horizon,
            prediction__station=station,
            verified_at__lte=as_of,
            # Scores from before the outcome was kept say nothing about the best bracket.
            outcome__isnull=False,
        )
        .order_by("-event__climate_day", "-pk")
        .values_list("hit_80", "probabilities", "outcome")[:HEALTH_WINDOW]
    )
    n = len(rows)
    if n < HEALTH_WINDOW:
        return TrackRecord(n=n, coverage_80=0.0, top_hit_rate=0.0, mean_top_probability=0.0)
    tops = [max(probabilities) for _, probabilities, _ in rows]
    hits = [shares.index(top) == won for (_, shares, won), top in zip(rows, tops, strict=True)]
    return TrackRecord(
        n=n,
        coverage_80=sum(bool(hit) for hit, _, _ in rows) / n,
        top_hit_rate=sum(hits) / n,
        mean_top_probability=math.fsum(tops) / n,
    )
