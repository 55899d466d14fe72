"""Reads of predictions and of how good they were; every read is as of a moment."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Q, Subquery

from boz.core.errors import DataUnavailable, QuarantinedError
from boz.core.schemas import BracketPrediction, BracketProbability, Confidence
from markets.domain.brackets import prove_ladder
from markets.models import Event, Market
from prediction.constants import MIN_DAYS_FOR_CLAIM, MIN_DAYS_FOR_VERDICT, PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf
from prediction.models import Prediction, Verification
from weather.models import Station


def latest_prediction(
    *,
    station: Station,
    climate_day: dt.date,
    as_of: dt.datetime,
    engine: str = PRIMARY_ENGINE,
) -> Prediction | None:
    """Return the newest prediction for one climate day known at ``as_of``.

    The climate day is part of the question: the newest prediction of a station is usually about
    tomorrow.
    """
    return latest_predictions(
        station=station, climate_day=climate_day, as_of=as_of, engines=(engine,)
    ).get(engine)


def latest_predictions(
    *, station: Station, climate_day: dt.date, as_of: dt.datetime, engines: Sequence[str]
) -> dict[str, Prediction]:
    """Return the newest prediction of each engine known at ``as_of``, in one query."""
    wanted = Q()
    for engine in engines:
        known = Prediction.objects.filter(
            station=station, climate_day=climate_day, engine=engine, as_of__lte=as_of
        )
        wanted |= Q(pk=Subquery(known.order_by("-as_of").values("pk")[:1]))
    found = Prediction.objects.filter(wanted).select_related("station")
    return {prediction.engine: prediction for prediction in found}


def pmf_of(prediction: Prediction) -> IntegerPmf:
    """Return a prediction's distribution."""
    return IntegerPmf(prediction.pmf_low_f, np.asarray(prediction.pmf, dtype=np.float64))


def bracket_prediction(*, prediction: Prediction, markets: Sequence[Market]) -> BracketPrediction:
    """Return the probability of each market of a proven ladder, coldest first.

    Raises:
        QuarantinedError: If the markets do not tile the whole degrees.
    """
    by_bracket = {market.bracket: market for market in markets}
    if len(by_bracket) != len(markets):
        raise QuarantinedError(
            "Two markets of the ladder have the same bracket.",
            {"markets": [market.ticker for market in markets]},
        )
    ladder = prove_ladder(list(by_bracket))
    shares = pmf_of(prediction).ladder(ladder)
    return BracketPrediction(
        city=prediction.station.code,
        climate_day=prediction.climate_day,
        as_of=prediction.as_of,
        brackets=tuple(
            BracketProbability(
                market_ticker=by_bracket[bracket].ticker, bracket=bracket, probability=share
            )
            for bracket, share in zip(ladder, shares, strict=True)
        ),
        mean_f=prediction.mean_f,
        sd_f=prediction.sd_f,
        confidence=Confidence(prediction.confidence),
        sources=tuple(prediction.sources),
    )


def ladder_prediction(prediction: Prediction) -> BracketPrediction:
    """Return the probabilities of the ladder that is listed for a prediction's station and day.

    Raises:
        DataUnavailable: If none is listed, or what is listed is not proven to be a ladder.
    """
    events = Event.objects.filter(
        series__station=prediction.station_id, climate_day=prediction.climate_day
    )
    problem = "No event is listed."
    for event in events.order_by("ticker").prefetch_related("markets"):
        problem = event.quarantine_reason
        if not problem:
            try:
                return bracket_prediction(prediction=prediction, markets=list(event.markets.all()))
            except QuarantinedError as error:
                problem = error.message
    code, day = prediction.station.code, prediction.climate_day
    raise DataUnavailable(
        f"There is no proven ladder for {code} on {day}: {problem}",
        {"station": code, "climate_day": day.isoformat()},
    )


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
    engine: str = PRIMARY_ENGINE,
) -> SkillSummary:
    """Return how predictions did against the market, of those verified by ``as_of``.

    Args:
        as_of: Verifications written later are not counted.
        since: Only those verified from then on; None for all.
        station: Only this one; None for all.
        engine: Registry name of the engine.
    """
    rows = Verification.objects.filter(prediction__engine=engine, verified_at__lte=as_of)
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
    """Say what the paired scores allow to be said; differences are averaged per day first."""
    by_day: dict[dt.date, list[float]] = {}
    for day, model, market in paired:
        by_day.setdefault(day, []).append(model - market)
    n = len(by_day)
    if n < MIN_DAYS_FOR_VERDICT:
        return (
            f"No verdict: {n} settled days can be compared with the market, "
            f"{MIN_DAYS_FOR_VERDICT} are needed."
        )
    daily = np.array([math.fsum(values) / len(values) for values in by_day.values()])
    difference = float(daily.mean())
    error = float(daily.std(ddof=1)) / math.sqrt(n)
    figures = f"Brier {difference:+.3f} against the market, two standard errors {2 * error:.3f}"
    if abs(difference) <= 2 * error:
        return f"No difference from the market is shown over {n} days ({figures})."
    which = "better" if difference < 0 else "worse"
    if n < MIN_DAYS_FOR_CLAIM:
        return (
            f"So far {which} than the market over {n} days ({figures}); "
            f"nothing is claimed below {MIN_DAYS_FOR_CLAIM} days."
        )
    return f"The model was {which} than the market over {n} days ({figures})."
