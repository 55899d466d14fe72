"""What the engines learn on the way: each morning per station, from days that were over by then.

The only place that is handed results. A day's result teaches from the moment at which its official
high counts as known, together with the beliefs that stood on that day.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from boz.core.clock import standard_day
from boz.core.errors import BozBaseException
from prediction.constants import ERROR_WINDOW, NOWCAST_ENGINE, PRIMARY_ENGINE
from prediction.domain.horizons import REFERENCE_LEAD_HOURS, Horizon, horizon_of
from prediction.domain.rise_fit import PastDay
from prediction.domain.scores import crps_pmf
from prediction.engines import ENGINES, Engine
from prediction.engines.base import EngineForecast, KnownForecast, Parameters
from prediction.engines.mixture import mixture_rank
from prediction.engines.past import Past, PastCase, PastForecast, ScoredBelief
from prediction.services.forecast_scoring.official_highs import (
    ONE_DAY,
    OfficialHighs,
    known_from,
    newest_known_day,
)
from prediction.services.forecast_scoring.report_days import ReportDays
from prediction.services.forecast_scoring.results import Result
from prediction.services.forecast_scoring.snapshots import Key, Snapshot, day_bounds
from prediction.services.past import LEARNED_HORIZONS
from weather.stations import StationFacts

HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Belief:
    """What was believed at a snapshot, from nothing later.

    Args:
        snapshot: The ladder and its moment.
        forecast: The engine's answer without the market; None when it had nothing to speak from.
        engine: Its probability per bracket, coldest first; None likewise.
        blend: The same after the pool with the market: one of both where the other is silent; None
            when both are.
    """

    snapshot: Snapshot
    forecast: EngineForecast | None
    engine: tuple[float, ...] | None
    blend: tuple[float, ...] | None

    @property
    def horizon(self) -> Horizon:
        """Return the class of lead it is learned in."""
        return horizon_of(max(0, self.snapshot.lead_hours // 1))


@dataclass(frozen=True, slots=True)
class _Taught:
    """A finished day: what it teaches, from which moment on."""

    known_from: dt.datetime
    station_code: str
    cases: tuple[PastCase, ...]
    scored: tuple[ScoredBelief, ...]


class Learner:
    """Collects beliefs, and fits the engines of a station once a morning when asked."""

    def __init__(
        self, *, highs: OfficialHighs, results: Mapping[Key, Result], report_days: ReportDays
    ) -> None:
        """Take what is known only later; it is handed out when its moment has come."""
        self._highs = highs
        self._results = results
        self._report_days = report_days
        self._effects: dict[str, tuple[tuple[PastDay, ...], Parameters | None]] = {}
        self._open: dict[tuple[dt.date, str], list[Belief]] = {}
        self._taught: list[_Taught] = []
        self._fits: dict[str, tuple[dt.date, dict[str, Parameters]]] = {}
        self.refused: Counter[str] = Counter()

    def remember(self, belief: Belief) -> None:
        """Keep a belief until its day is over."""
        snapshot = belief.snapshot
        day = (snapshot.climate_day, snapshot.station.code)
        self._open.setdefault(day, []).append(belief)

    def parameters(self, station: StationFacts, *, as_of: dt.datetime) -> dict[str, Parameters]:
        """Return what the engines of a station had learned by a moment.

        Moments are asked for in order of time; whatever stood at a snapshot was remembered before.
        """
        newest = newest_known_day(station, as_of)
        fitted = self._fits.get(station.code)
        if fitted is None or fitted[0] < newest:
            fitted = newest, self._fit(station, as_of=known_from(station, newest))
            self._fits[station.code] = fitted
        return fitted[1]

    def _fit(self, station: StationFacts, *, as_of: dt.datetime) -> dict[str, Parameters]:
        past = self._past(station, as_of=as_of)
        learned: dict[str, Parameters] = {}
        for name, engine in ENGINES.items():
            try:
                parameters = self._learned(engine, past)
            except BozBaseException as error:
                self.refused[f"{name}: {error.message}"] += 1
                continue
            if parameters is not None:
                learned[name] = parameters
        return learned

    def _learned(self, engine: Engine, past: Past) -> Parameters | None:
        """Let an engine learn; the nowcast, which reads reports alone, only where they are new."""
        if engine.name != NOWCAST_ENGINE:
            return engine.fit(past)
        kept = self._effects.get(past.station_code)
        if kept is None or kept[0] is not past.days:
            kept = past.days, engine.fit(past)
            self._effects[past.station_code] = kept
        return kept[1]

    def _past(self, station: StationFacts, *, as_of: dt.datetime) -> Past:
        self._close_days(as_of)
        offset = dt.timedelta(hours=station.standard_offset_hours)
        target_day = standard_day(as_of, offset=offset) + ONE_DAY
        since = target_day - ERROR_WINDOW
        taught = [day for day in self._taught if day.known_from <= as_of]
        return Past(
            station_code=station.code,
            as_of=as_of,
            target_day=target_day,
            cases=tuple(
                case
                for day in taught
                if day.station_code == station.code
                for case in day.cases
                if case.climate_day >= since
            ),
            scored=tuple(
                item for day in taught for item in day.scored if item.climate_day >= since
            ),
            days=self._report_days.known(station, as_of=as_of),
        )

    def _close_days(self, as_of: dt.datetime) -> None:
        """Let days that are over by now teach; they stay in order of day and station."""
        for key in sorted(self._open):
            beliefs = self._open[key]
            station = beliefs[0].snapshot.station
            moment = known_from(station, key[0])
            if moment > as_of:
                continue
            del self._open[key]
            observed = self._highs.of_day(station, key[0], as_of=moment)
            before = [item for item in beliefs if item.snapshot.at <= moment]
            if observed is not None and before:
                cases, scored = _cases(before, observed), self._scored(before, observed)
                self._taught.append(_Taught(moment, station.code, cases, scored))
        self._taught.sort(key=lambda day: (day.known_from, day.station_code))

    def _scored(self, beliefs: Sequence[Belief], observed_f: int) -> tuple[ScoredBelief, ...]:
        """Return one score per class of lead: of the belief nearest to its reference moment."""
        nearest: dict[Horizon, Belief] = {}
        for belief in sorted(beliefs, key=_distance, reverse=True):
            if belief.forecast is not None:
                nearest[belief.horizon] = belief
        scored = [
            self._scored_belief(nearest[horizon], observed_f)
            for horizon in sorted(nearest, key=lambda item: item.value)
        ]
        return tuple(item for item in scored if item is not None)

    def _scored_belief(self, belief: Belief, observed_f: int) -> ScoredBelief | None:
        snapshot, forecast = belief.snapshot, belief.forecast
        outcome = self._results[snapshot.key].outcome
        if forecast is None or belief.engine is None or outcome is None:
            return None
        market = snapshot.market
        pmfs = {part.engine: part.forecast.pmf for part in forecast.parts}
        pmfs[PRIMARY_ENGINE] = forecast.pmf
        parts = {part.engine: (part.weight, part.forecast.pmf) for part in forecast.parts}
        return ScoredBelief(
            station_code=snapshot.station.code,
            climate_day=snapshot.climate_day,
            horizon=belief.horizon,
            crps_f=tuple((name, crps_pmf(pmfs[name], observed_f)) for name in sorted(pmfs)),
            ladder=snapshot.ladder,
            model=belief.engine,
            market=market.probabilities if market is not None and market.is_sane else None,
            outcome=outcome,
            mixture_rank=mixture_rank(parts, observed_f=observed_f),
        )


def _distance(belief: Belief) -> tuple[float, Key]:
    reference = REFERENCE_LEAD_HOURS[belief.horizon]
    return abs(belief.snapshot.lead_hours - reference), belief.snapshot.key


def _cases(beliefs: Sequence[Belief], observed_f: int) -> tuple[PastCase, ...]:
    """Return the forecasts as they stood at the reference moment of each learned class."""
    cases = []
    for horizon in LEARNED_HORIZONS:
        forecasts = _standing(beliefs, horizon)
        if forecasts:
            day = beliefs[0].snapshot.climate_day
            cases.append(PastCase(day, horizon, forecasts, observed_f))
    return tuple(cases)


def _standing(beliefs: Sequence[Belief], horizon: Horizon) -> tuple[PastForecast, ...]:
    first = beliefs[0].snapshot
    _, end = day_bounds(first.station, first.climate_day)
    moment = end - REFERENCE_LEAD_HOURS[horizon] * HOUR
    latest: dict[str, KnownForecast] = {}
    for belief in sorted(beliefs, key=lambda item: (item.snapshot.at, item.snapshot.key)):
        for forecast in belief.snapshot.forecasts:
            before = latest.get(forecast.source)
            is_newer = before is None or forecast.issued_at >= before.issued_at
            if forecast.issued_at <= moment and is_newer:
                latest[forecast.source] = forecast
    return tuple(
        PastForecast(source, latest[source].high_f, float(latest[source].lead_hours))
        for source in sorted(latest)
    )
