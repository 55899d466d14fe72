"""Lets each night every engine learn from what is known by then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Max

from boz.core.agents import AgentResult, guarded
from boz.core.clock import require_utc
from boz.core.errors import DataUnavailable
from boz.core.logging import get_logger
from boz.core.schemas import SkippedSubject
from prediction.engines import ENGINES, Engine
from prediction.engines.base import Parameters, canonical_hash
from prediction.engines.past import Past, ScoredBelief
from prediction.models import EngineFit
from prediction.services.confidence import track_records
from prediction.services.past import assemble_past
from prediction.services.scored import scored_beliefs
from weather.models import Station

log = get_logger("MODEL")


def fit_station(
    *, station: Station, as_of: dt.datetime, scored: Sequence[ScoredBelief] | None = None
) -> list[EngineFit]:
    """Let every engine learn from a station's past; the same moment is learned once.

    Args:
        station: Where.
        as_of: Nothing known later is used.
        scored: What :func:`~prediction.services.scored.scored_beliefs` said at the same moment,
            when several stations are fitted; the answer is the same without it.

    Returns:
        One fit per engine that has learned something, in the order of the registry.

    Raises:
        DataUnavailable: If there is nothing to learn from yet; the shipped priors speak then.
        InvalidDataError: If the past cannot be true.
    """
    moment = require_utc(as_of, name="as_of")
    known = {fit.engine: fit for fit in EngineFit.objects.filter(station=station, as_of=moment)}
    past: Past | None = None
    fits = []
    for name, engine in ENGINES.items():
        fit = known.get(name)
        if fit is None:
            past = past or assemble_past(station=station, as_of=moment, scored=scored)
            fit = _learned(engine, station, past)
        if fit is not None:
            fits.append(fit)
    if not fits:
        raise DataUnavailable(
            f"No forecast of a finished day of {station.code} is known yet, so there is nothing to "
            "learn; the shipped priors speak.",
            {"station": station.code},
        )
    return fits


def fit_all(*, now: dt.datetime) -> AgentResult:
    """Fit every active station; one without a past to learn from is left out with the reason.

    The station fitted longest ago comes first, so that a run that is ended early goes on where it
    stopped when it is run again.
    """
    moment = require_utc(now, name="now")
    scored = scored_beliefs(as_of=moment)
    fitted = 0
    skipped: list[SkippedSubject] = []
    waiting = Station.objects.filter(is_active=True).annotate(fitted_at=Max("fits__as_of"))
    for station in waiting.order_by(F("fitted_at").asc(nulls_first=True), "code"):
        with guarded(station.code, skipped, log=log):
            fit_station(station=station, as_of=moment, scored=scored)
            fitted += 1
    return AgentResult(done={"fitted": fitted}, skipped=skipped)


def _learned(engine: Engine, station: Station, past: Past) -> EngineFit | None:
    parameters = engine.fit(past)
    if parameters is None:
        return None
    records = track_records(station=station, engine=engine.name, as_of=past.as_of)
    return _stored(engine, station, past, parameters=parameters, scores={"track_record": records})


def _stored(
    engine: Engine,
    station: Station,
    past: Past,
    *,
    parameters: Parameters,
    scores: dict[str, Any],
) -> EngineFit:
    days = {case.climate_day for case in past.cases} | {day.climate_day for day in past.days}
    days |= {item.climate_day for item in past.scored if item.station_code == station.code}
    with transaction.atomic():
        fits = EngineFit.objects.filter(engine=engine.name, station=station)
        version = (fits.aggregate(last=Max("version"))["last"] or 0) + 1
        return EngineFit.objects.create(
            engine=engine.name,
            engine_version=engine.version,
            version=version,
            station=station,
            as_of=past.as_of,
            window_start=min(days, default=None),
            window_end=max(days, default=None),
            n_train=len(days),
            parameters=parameters,
            parameters_hash=canonical_hash(parameters),
            scores=scores,
        )
