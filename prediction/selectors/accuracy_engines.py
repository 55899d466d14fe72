"""How good each engine's beliefs were, beside the market and climatology on the same cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import fsum, sqrt
from typing import NamedTuple

from prediction.constants import CLIMATOLOGY_ENGINE, MARKET_ENGINE
from prediction.domain.horizons import Horizon
from prediction.selectors.accuracy import AccuracyScope, Figure, figure, mean_of, share_of
from prediction.selectors.accuracy_verdict import verdict_on

_ORDER = {horizon.value: position for position, horizon in enumerate(Horizon)}


class _Row(NamedTuple):
    """One scored belief, in the order of the columns that are read."""

    horizon: str
    engine: str
    event__climate_day: dt.date
    brier: float
    log_score: float
    rps: float
    crps_f: float
    error_f: float | None
    sd_f: float | None
    hit_50: bool | None
    hit_80: bool | None
    hit_90: bool | None
    market_brier: float | None
    market_log_score: float | None
    market_rps: float | None
    climatology_brier: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Scores against a reference, only on the cases that have both.

    ``skill`` is 1 less the ratio of the mean scores: positive is better than the reference, None
    where the reference was perfect. ``difference`` is ours less the reference's: negative is
    better.
    """

    cases: int
    days: int
    skill: float | None
    difference: Figure


@dataclass(frozen=True, slots=True)
class EngineAccuracy:
    """One engine at one horizon.

    Attributes:
        cases: Events scored.
        days: Climate days among them; cities share their weather.
        brier: Summed over a ladder.
        log_score: Nats.
        rps: Divided by the rungs less one.
        crps_f: Degrees Fahrenheit.
        bias_f: Mean of belief less observed, °F: positive is too warm.
        mae_f: Mean absolute error of the belief's mean, °F.
        error_sd_f: Standard deviation of the errors about the bias, °F.
        stated_sd_f: The beliefs' own standard deviation, root mean square, °F.
        coverage_50: Share of highs inside the central interval; likewise 80 and 90 %.
        market_brier: Brier score against the market's; None for the market itself.
        market_log_score: The same for the log score.
        market_rps: The same for the RPS.
        climatology_brier: Brier score against climatology's; None for climatology itself.
        verdict: What may be said, in one sentence.
    """

    engine: str
    horizon: Horizon
    cases: int
    days: int
    brier: Figure
    log_score: Figure
    rps: Figure
    crps_f: Figure
    bias_f: float | None
    mae_f: float | None
    error_sd_f: float | None
    stated_sd_f: float | None
    coverage_50: float | None
    coverage_80: float | None
    coverage_90: float | None
    market_brier: Comparison | None
    market_log_score: Comparison | None
    market_rps: Comparison | None
    climatology_brier: Comparison | None
    verdict: str


def engine_accuracy(
    scope: AccuracyScope, *, horizon: Horizon | None = None, engine: str | None = None
) -> list[EngineAccuracy]:
    """Return the accuracy of each engine at each horizon, in one query.

    Args:
        scope: Which days.
        horizon: Only this one; None for each.
        engine: Only this one; None for each.

    Returns:
        By horizon, the earliest first; the best mean Brier score first. Names that stand on
        different cases are not ranked by it: the comparisons are.
    """
    rows = [
        _Row._make(values)
        for values in scope.scored(horizon=horizon, engine=engine)
        .exclude(horizon="")
        .order_by()
        .values_list(*_Row._fields)
    ]
    rows.sort(key=lambda row: (_ORDER[row.horizon], row.engine, row.event__climate_day))
    found = [
        _accuracy(name, Horizon(at), list(group))
        for (at, name), group in groupby(rows, key=lambda row: (row.horizon, row.engine))
    ]
    return sorted(found, key=lambda item: (_ORDER[item.horizon], item.brier.mean, item.engine))


def _accuracy(engine: str, horizon: Horizon, rows: Sequence[_Row]) -> EngineAccuracy:
    days = [row.event__climate_day for row in rows]
    errors = [row.error_f for row in rows if row.error_f is not None]
    against_market = _against_market(engine, rows)
    return EngineAccuracy(
        engine=engine,
        horizon=horizon,
        cases=len(rows),
        days=len(set(days)),
        brier=figure([row.brier for row in rows], days),
        log_score=figure([row.log_score for row in rows], days),
        rps=figure([row.rps for row in rows], days),
        crps_f=figure([row.crps_f for row in rows], days),
        bias_f=mean_of(errors) if errors else None,
        mae_f=mean_of([abs(error) for error in errors]) if errors else None,
        error_sd_f=_spread(errors),
        stated_sd_f=_root_mean_square([row.sd_f for row in rows if row.sd_f is not None]),
        coverage_50=share_of([row.hit_50 for row in rows]),
        coverage_80=share_of([row.hit_80 for row in rows]),
        coverage_90=share_of([row.hit_90 for row in rows]),
        climatology_brier=None
        if engine == CLIMATOLOGY_ENGINE
        else _comparison(rows, lambda row: row.brier, lambda row: row.climatology_brier),
        verdict=_verdict(engine, against_market["market_brier"]),
        **against_market,
    )


def _verdict(engine: str, against_market: Comparison | None) -> str:
    if engine == MARKET_ENGINE:
        return "The market itself: what the others are measured against."
    if against_market is None:
        return verdict_on(days=0, difference=None)
    return verdict_on(days=against_market.days, difference=against_market.difference)


def _against_market(engine: str, rows: Sequence[_Row]) -> dict[str, Comparison | None]:
    if engine == MARKET_ENGINE:
        return {"market_brier": None, "market_log_score": None, "market_rps": None}
    return {
        "market_brier": _comparison(rows, lambda row: row.brier, lambda row: row.market_brier),
        "market_log_score": _comparison(
            rows, lambda row: row.log_score, lambda row: row.market_log_score
        ),
        "market_rps": _comparison(rows, lambda row: row.rps, lambda row: row.market_rps),
    }


def _comparison(
    rows: Sequence[_Row],
    ours: Callable[[_Row], float],
    theirs: Callable[[_Row], float | None],
) -> Comparison | None:
    """Return a comparison on the rows whose reference is known; None where none is."""
    pairs = [
        (row.event__climate_day, ours(row), reference)
        for row in rows
        if (reference := theirs(row)) is not None
    ]
    if not pairs:
        return None
    days = [day for day, _, _ in pairs]
    reference = mean_of([theirs for _, _, theirs in pairs])
    score = mean_of([ours for _, ours, _ in pairs])
    return Comparison(
        cases=len(pairs),
        days=len(set(days)),
        skill=1.0 - score / reference if reference > 0.0 else None,
        difference=figure([ours - theirs for _, ours, theirs in pairs], days),
    )


def _spread(errors: Sequence[float]) -> float | None:
    """Return the standard deviation about the mean; None below two errors."""
    if len(errors) < 2:
        return None
    bias = mean_of(errors)
    return sqrt(fsum((error - bias) ** 2 for error in errors) / (len(errors) - 1))


def _root_mean_square(values: Sequence[float]) -> float | None:
    return sqrt(mean_of([value * value for value in values])) if values else None
