"""Scores the beliefs that stood at each horizon, every engine's beside market and climatology."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from boz.core.schemas import Bracket
from markets.domain.brackets import prove_ladder
from markets.models import Event
from prediction.constants import CLIMATOLOGY_ENGINE, PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon
from prediction.domain.reliability import interval_hit, randomised_pit
from prediction.domain.scores import (
    brier_ladder,
    crps_pmf,
    log_score,
    ranked_probability_score,
)
from prediction.engines.base import canonical_hash, require_temperature
from prediction.engines.mixture import mixture_rank
from prediction.models import EngineBelief, Prediction, Verification
from prediction.selectors import latest_prediction, pmf_of, pooled_pmf_of
from prediction.services.market_views import ladder_edges

HOUR = dt.timedelta(hours=1)
#: Log scores are cut here (p = 1e-9), so that one impossible outcome cannot hide all the others.
MAX_LOG_SCORE = -math.log(1e-9)


def verify_event(*, event: Event, observed_high_f: int, now: dt.datetime) -> int:
    """Score the beliefs that stood at each horizon; again when the value changed.

    At each horizon the last prediction made before its reference moment is scored, where it is of
    that horizon's class: a belief much older says nothing about it, and a later one may have seen
    the outcome. The engines' beliefs beside other predictions of the day are then dropped.

    Returns:
        How many scores were written or corrected; 0 when no prediction stood or all are known.

    Raises:
        QuarantinedError: If the event's markets are no complete ladder.
        InvalidDataError: If the settled high is no possible temperature.
    """
    high = int(require_temperature(observed_high_f, name="settled high"))
    standing = {horizon: _standing(event, horizon) for horizon in Horizon}
    wanted = {horizon: row for horizon, row in standing.items() if row is not None}
    if not wanted:
        _drop_other_beliefs(event, kept=[])
        return 0
    ladder = prove_ladder([market.bracket for market in event.markets.all()])
    outcome = next(index for index, bracket in enumerate(ladder) if bracket.contains(high))
    with transaction.atomic():
        written = sum(
            _verify(prediction, horizon, event=event, answer=_Answer(ladder, high, outcome, now))
            for horizon, prediction in wanted.items()
        )
        _drop_other_beliefs(event, kept=list(wanted.values()))
    return written


@dataclass(frozen=True, slots=True)
class _Answer:
    """What beliefs are scored on."""

    ladder: tuple[Bracket, ...]
    high_f: int
    outcome: int
    known_at: dt.datetime


@dataclass(frozen=True, slots=True)
class _Scored:
    """One belief to score; ``weight`` is its weight in the combination, None outside of it."""

    engine: str
    pmf: IntegerPmf
    mean_f: float
    sd_f: float
    weight: float | None


def _standing(event: Event, horizon: Horizon) -> Prediction | None:
    station = event.series.station
    _, end = station.climate_day_bounds(event.climate_day)
    # Strictly before: a prediction at the hour itself may already use that hour's report.
    cut = end - REFERENCE_LEAD_HOURS[horizon] * HOUR - dt.timedelta(microseconds=1)
    latest = latest_prediction(station=station, climate_day=event.climate_day, as_of=cut)
    return latest if latest is not None and latest.horizon == horizon else None


def _verify(prediction: Prediction, horizon: Horizon, *, event: Event, answer: _Answer) -> int:
    rows = Verification.objects.filter(event=event, horizon=horizon)
    existing = {row.engine: row for row in rows}
    if existing and all(
        row.observed_high_f == answer.high_f and row.prediction_id == prediction.pk
        for row in existing.values()
    ):
        return 0
    beliefs = _beliefs(prediction)
    # A corrected score replaces all of the former ones, also of engines that said nothing now.
    rows.exclude(engine__in=[belief.engine for belief in beliefs]).delete()
    beside = _beside(prediction, beliefs, answer)
    mixture = _mixture_fields(prediction, beliefs, answer.high_f)
    for belief in beliefs:
        Verification.objects.update_or_create(
            event=event,
            horizon=horizon,
            engine=belief.engine,
            defaults={
                "prediction": prediction,
                "observed_high_f": answer.high_f,
                "verified_at": answer.known_at,
                "lead_hours": prediction.lead_hours,
                "n_train": prediction.n_train,
                "weight_present": prediction.weight_present,
                **_scores(belief, answer),
                **_ranks(belief, answer.high_f, draw=_draw(event, horizon, belief.engine)),
                **(mixture if belief.engine == PRIMARY_ENGINE else {}),
                **beside,
            },
        )
    return len(beliefs)


def _beliefs(prediction: Prediction) -> list[_Scored]:
    """Return the champion's belief, every engine's beside it, and the pool with the market."""
    found = [
        _Scored(prediction.engine, pmf_of(prediction), prediction.mean_f, prediction.sd_f, None)
    ]
    found += [
        _Scored(row.engine, pmf_of(row), row.mean_f, row.sd_f, row.weight)
        for row in prediction.beliefs.order_by("engine")
    ]
    pooled = pooled_pmf_of(prediction)
    if pooled is not None:
        found.append(_Scored(Verification.POOLED, pooled, pooled.mean_f, pooled.sd_f, None))
    return found


def _scores(belief: _Scored, answer: _Answer) -> dict[str, object]:
    shares = belief.pmf.ladder(answer.ladder)
    return {
        "crps_f": crps_pmf(belief.pmf, answer.high_f),
        "log_score": _log_score(shares, answer.outcome),
        "brier": brier_ladder(shares, answer.outcome),
        "rps": ranked_probability_score(shares, answer.outcome),
        "error_f": belief.mean_f - answer.high_f,
        "sd_f": belief.sd_f,
        "probabilities": list(shares),
        "outcome": answer.outcome,
        "weight": belief.weight,
    }


def _draw(event: Event, horizon: Horizon, engine: str) -> np.random.Generator:
    """Return the generator of a score's rank: the same for the same score, wherever it is made."""
    seed = canonical_hash([event.ticker, horizon.value, engine])
    return np.random.default_rng(int(seed, 16))


def _ranks(belief: _Scored, high_f: int, *, draw: np.random.Generator) -> dict[str, object]:
    """Return the randomised rank and which central intervals hold it.

    A high is a whole degree and a narrow belief gives one degree much probability, so that the
    middle of its rank would fall inside central intervals too often.
    """
    pit = randomised_pit(belief.pmf, high_f, draw)
    return {
        "pit": pit,
        "hit_50": interval_hit(pit, 0.50),
        "hit_80": interval_hit(pit, 0.80),
        "hit_90": interval_hit(pit, 0.90),
    }


def _mixture_fields(
    prediction: Prediction, beliefs: Sequence[_Scored], high_f: int
) -> dict[str, float | None]:
    """Return the ranks of the high in what the blend mixed, before it corrected anything.

    Weights add up to one. What they lack is the weight of the champion where that is one of the
    mixed engines: its belief is the prediction itself.
    """
    parts = {item.engine: (item.weight or 0.0, item.pmf) for item in beliefs}
    if prediction.engine != PRIMARY_ENGINE:
        others = math.fsum(weight for weight, _ in parts.values())
        parts[prediction.engine] = (max(0.0, 1.0 - others), pmf_of(prediction))
    below, upto = mixture_rank(parts, observed_f=high_f) or (None, None)
    return {"mixture_below": below, "mixture_upto": upto}


def _beside(
    prediction: Prediction, beliefs: Sequence[_Scored], answer: _Answer
) -> dict[str, float | None]:
    """Return the market's and climatology's scores of the same moment, for paired comparison."""
    market = prediction.market_probabilities
    is_known = _is_of_ladder(prediction, answer.ladder)
    climatology = next((item for item in beliefs if item.engine == CLIMATOLOGY_ENGINE), None)
    return {
        "market_brier": brier_ladder(market, answer.outcome) if is_known else None,
        "market_log_score": _log_score(market, answer.outcome) if is_known else None,
        "market_rps": ranked_probability_score(market, answer.outcome) if is_known else None,
        "climatology_brier": (
            None
            if climatology is None
            else brier_ladder(climatology.pmf.ladder(answer.ladder), answer.outcome)
        ),
    }


def _is_of_ladder(prediction: Prediction, ladder: Sequence[Bracket]) -> bool:
    """Say whether the market's probabilities are of this ladder.

    The ladder may have changed since, or be that of another event of the day. Of rows from before
    the brackets were kept only their number can be compared.
    """
    if prediction.market_ladder:
        return bool(prediction.market_ladder == ladder_edges(ladder))
    return len(prediction.market_probabilities) == len(ladder)


def _drop_other_beliefs(event: Event, *, kept: Sequence[Prediction]) -> None:
    """Drop what engines believed beside predictions that no horizon scores.

    The predictions stay: decisions refer to them, and they can be made again as of their moment.
    """
    EngineBelief.objects.filter(
        prediction__station=event.series.station, prediction__climate_day=event.climate_day
    ).exclude(prediction__in=[prediction.pk for prediction in kept]).delete()


def _log_score(shares: Sequence[float], outcome: int) -> float:
    return min(MAX_LOG_SCORE, log_score(shares, outcome))
