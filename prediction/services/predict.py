"""Makes and keeps predictions: again only when what is known has changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, replace

from boz.core.agents import AgentResult, guarded
from boz.core.clock import require_utc
from boz.core.errors import DataUnavailable, InvalidDataError
from boz.core.logging import get_logger
from boz.core.schemas import Confidence, SkippedSubject
from markets.selectors import tradeable_events
from prediction.constants import CLIMATOLOGY_ENGINE, PRIMARY_ENGINE
from prediction.engines import get_engine
from prediction.engines.base import EngineForecast, Inputs, canonical_hash
from prediction.models import Prediction
from prediction.selectors import latest_predictions
from prediction.services.confidence import grade
from prediction.services.inputs import HOUR, Known, StationPast, assemble_inputs, station_past
from weather.models import Station

log = get_logger("MODEL")


def predict(*, station: Station, climate_day: dt.date, as_of: dt.datetime) -> Prediction:
    """Return the belief about a climate day as of a moment, making it only when inputs changed.

    Climatology's prediction is kept beside it, to be scored against. The time to the end of the
    day counts in whole hours, so an unchanged world gives one row an hour.

    Raises:
        DataUnavailable: If nothing is known from which to predict.
        InvalidDataError: If all that is known cannot be true.
    """
    moment = require_utc(as_of, name="as_of")
    return _predict(
        assemble_inputs(station=station, climate_day=climate_day, as_of=moment), station=station
    )


def predict_all(*, now: dt.datetime) -> AgentResult:
    """Predict the day of every tradeable event; one that cannot be predicted is left out."""
    predicted = made = 0
    skipped: list[SkippedSubject] = []
    moment = require_utc(now, name="now")
    pasts: dict[str, StationPast] = {}
    # The oldest day of a station comes first, so that its past reaches far enough for all.
    for station, climate_day in _wanted(moment):
        with guarded(f"{station.code} {climate_day}", skipped, log=log):
            if station.code not in pasts:
                pasts[station.code] = station_past(
                    station=station, first_day=climate_day, as_of=moment
                )
            known = assemble_inputs(
                station=station, climate_day=climate_day, as_of=moment, past=pasts[station.code]
            )
            prediction = _predict(known, station=station)
            predicted += 1
            made += prediction.as_of == moment
    return AgentResult(
        done={"predicted": predicted, "new": made, "unchanged": predicted - made}, skipped=skipped
    )


def _wanted(now: dt.datetime) -> list[tuple[Station, dt.date]]:
    """Return each station and day once, in a stable order."""
    wanted = {
        (event.series.station.code, event.climate_day): event.series.station
        for event in tradeable_events(now=now)
    }
    return [(wanted[key], key[1]) for key in sorted(wanted)]


def _climatology_only(known: Known) -> Known:
    """Return the inputs of climatology alone: nothing else may make a new row of it."""
    inputs = replace(known.inputs, lead_hours=0, forecasts=(), skills=(), reached=None)
    return Known(inputs=inputs, fit=None, ladder=known.ladder)


def _predict(known: Known, *, station: Station) -> Prediction:
    """Return the primary belief; it and climatology's are stored where inputs changed."""
    inputs = known.inputs
    latest = latest_predictions(
        station=station,
        climate_day=inputs.climate_day,
        as_of=inputs.as_of,
        engines=(PRIMARY_ENGINE, CLIMATOLOGY_ENGINE),
    )
    beliefs = []
    try:
        alone = _climatology_only(known)
        beliefs.append(_belief(alone, latest, station=station, engine=CLIMATOLOGY_ENGINE))
    except (DataUnavailable, InvalidDataError) as error:
        log.debug("No climatology", station=station.code, reason=error.message)
    primary = _belief(known, latest, station=station, engine=PRIMARY_ENGINE)
    new = [belief for belief in (*beliefs, primary) if belief.pk is None]
    if new:
        Prediction.objects.bulk_create(new)
    return primary


def _belief(
    known: Known, latest: dict[str, Prediction], *, station: Station, engine: str
) -> Prediction:
    """Return the stored belief when nothing changed since, else an unsaved one."""
    inputs = known.inputs
    inputs_hash = _hash(known, engine=engine)
    stored = latest.get(engine)
    # A stored belief never changes: decisions refer to it.
    if stored is not None and (stored.inputs_hash == inputs_hash or stored.as_of == inputs.as_of):
        return stored
    forecast = get_engine(engine).predict(inputs)
    start, end = station.climate_day_bounds(inputs.climate_day)
    confidence, reason = _confidence(forecast, known, engine=engine, start=start)
    return Prediction(
        station=station,
        climate_day=inputs.climate_day,
        engine=engine,
        as_of=inputs.as_of,
        pmf_low_f=forecast.pmf.low_f,
        pmf=[float(p) for p in forecast.pmf.probabilities],
        mean_f=forecast.mean,
        sd_f=forecast.sd,
        spread_f=forecast.spread,
        lead_hours=(end - inputs.as_of) / HOUR,
        confidence=confidence,
        confidence_reason=f"{reason} {forecast.note}",
        sources=list(forecast.sources),
        missing=list(forecast.missing),
        weight_present=forecast.weight_present,
        n_train=forecast.n_train,
        observed_max_low_f=None if inputs.reached is None else inputs.reached.low_f,
        observed_until=_observed_until(inputs, start=start),
        inputs_hash=inputs_hash,
        fit=known.fit,
    )


def _observed_until(inputs: Inputs, *, start: dt.datetime) -> dt.datetime | None:
    reached = inputs.reached
    if reached is None or reached.hour_lst is None:
        return None
    return start + reached.hour_lst * HOUR


def _confidence(
    forecast: EngineForecast, known: Known, *, engine: str, start: dt.datetime
) -> tuple[Confidence, str]:
    if engine == CLIMATOLOGY_ENGINE:
        return Confidence.LOW, "Climatology is a yardstick, not a belief."
    graded, reason = grade(
        forecast,
        ladder=known.ladder,
        fit=known.fit,
        hours_into_day=(known.inputs.as_of - start) / HOUR,
    )
    return graded.confidence, reason


def _hash(known: Known, *, engine: str) -> str:
    inputs = known.inputs
    # The moment itself acts only through what was known by then and the whole hours left.
    content = {
        "station": inputs.station_code,
        "climate_day": inputs.climate_day,
        "lead_hours": inputs.lead_hours,
        "forecasts": [asdict(forecast) for forecast in inputs.forecasts],
        "skills": [asdict(skill) for skill in inputs.skills],
        "official_highs": [(day.toordinal(), high) for day, high in inputs.official_highs],
        "reached": None if inputs.reached is None else asdict(inputs.reached),
    }
    return canonical_hash(
        {
            "engine": engine,
            "inputs": content,
            "ladder": [[bracket.low_f, bracket.high_f] for bracket in known.ladder],
            "track_record": None if known.fit is None else known.fit.scores.get("track_record"),
        }
    )
