"""From what is known to what is stored: the champion's belief, beside it every engine's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from boz.core.errors import DataUnavailable, InvalidDataError
from boz.core.logging import get_logger
from boz.core.schemas import Bracket
from prediction.constants import CLIMATOLOGY_ENGINE, NOWCAST_ENGINE, PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf
from prediction.engines import ENGINES, get_engine
from prediction.engines.base import EngineForecast, Inputs, Part, canonical_hash
from prediction.engines.market_pool import Pooled, pool_with_market
from prediction.engines.nowcast import conditioned
from prediction.models import EngineBelief, Prediction
from prediction.services.confidence import grade, record_of
from prediction.services.inputs import Known
from prediction.services.market_views import ladder_edges
from prediction.services.readings import HOUR
from weather.models import Station

log = get_logger("MODEL")

#: Engines that know nothing but past highs or the day's reports.
_WITHOUT_FORECASTS = frozenset({CLIMATOLOGY_ENGINE, NOWCAST_ENGINE})
#: Engines whose answer has heeded the day's reports already.
_HEEDING_THE_DAY = frozenset({PRIMARY_ENGINE, NOWCAST_ENGINE})


def inputs_hash(known: Known, *, champion: str) -> str:
    """Return the hash of everything that the belief, its grade and its pool rest on.

    The moment itself acts only through what was known by then and the whole hours left.
    """
    inputs = known.inputs
    ladder = () if known.ladder is None else known.ladder.brackets
    return canonical_hash(
        {
            "champion": champion,
            "engines": {name: engine.version for name, engine in ENGINES.items()},
            "parameters": {name: fit.parameters_hash for name, fit in known.fits.items()},
            "track_records": {
                name: fit.scores.get("track_record") for name, fit in known.fits.items()
            },
            "station": inputs.station_code,
            "climate_day": inputs.climate_day,
            "lead_hours": inputs.lead_hours,
            "forecasts": [asdict(forecast) for forecast in inputs.forecasts],
            "stale": inputs.stale,
            "official_highs": [(day.toordinal(), high) for day, high in inputs.official_highs],
            "reached": None if inputs.reached is None else asdict(inputs.reached),
            "readings": [asdict(reading) for reading in inputs.readings],
            "ladder": [[bracket.low_f, bracket.high_f] for bracket in ladder],
            "market": None if inputs.market is None else inputs.market.probabilities,
        }
    )


def stored_belief(
    known: Known, *, station: Station, champion: str, hashed: str
) -> tuple[Prediction, list[EngineBelief]]:
    """Return the champion's belief and those of the other engines, ready to be stored.

    Raises:
        DataUnavailable: If nothing is known from which to predict.
        InvalidDataError: If all that is known cannot be true.
    """
    forecast = _spoken(champion, known.inputs)
    pooled = pool_with_market(forecast, known.inputs)
    beside = _beside(forecast, known, champion=champion)
    prediction = _prediction(
        forecast, pooled, known, station=station, champion=champion, hashed=hashed
    )
    return prediction, [_belief(part) for part in beside]


def _spoken(champion: str, inputs: Inputs) -> EngineForecast:
    """Return the belief that is traded on: whoever speaks, it heeds the day so far as the blend's.

    An engine that reads no forecast says so, since the market does and nobody may trade against it
    as if we had.
    """
    forecast = get_engine(champion).predict(inputs)
    if champion in _WITHOUT_FORECASTS:
        forecast = replace(forecast, weight_present=0.0)
    return forecast if champion in _HEEDING_THE_DAY else conditioned(forecast, inputs)


def _beside(forecast: EngineForecast, known: Known, *, champion: str) -> list[Part]:
    """Return what every other engine said; where the blend is not champion, it is asked, too."""
    parts = list(forecast.parts)
    if champion != PRIMARY_ENGINE:
        try:
            blended = get_engine(PRIMARY_ENGINE).predict(known.inputs)
            parts = [*blended.parts, Part(engine=PRIMARY_ENGINE, weight=0.0, forecast=blended)]
        except (DataUnavailable, InvalidDataError) as error:
            log.debug("No blend", station=known.inputs.station_code, reason=error.message)
    return sorted((part for part in parts if part.engine != champion), key=lambda part: part.engine)


def _belief(part: Part) -> EngineBelief:
    pmf = part.forecast.pmf.trimmed()
    return EngineBelief(
        engine=part.engine,
        engine_version=get_engine(part.engine).version,
        weight=part.weight,
        pmf_low_f=pmf.low_f,
        pmf=_plain(pmf),
        mean_f=part.forecast.mean,
        sd_f=part.forecast.sd,
    )


def _prediction(
    forecast: EngineForecast,
    pooled: Pooled | None,
    known: Known,
    *,
    station: Station,
    champion: str,
    hashed: str,
) -> Prediction:
    inputs = known.inputs
    _, end = station.climate_day_bounds(inputs.climate_day)
    graded, reason = grade(
        forecast,
        ladder=() if known.ladder is None else known.ladder.brackets,
        record=record_of(known.fits.get(champion), horizon=inputs.horizon),
    )
    return Prediction(
        station=station,
        climate_day=inputs.climate_day,
        engine=champion,
        engine_version=get_engine(champion).version,
        as_of=inputs.as_of,
        horizon=inputs.horizon.value,
        pmf_low_f=forecast.pmf.low_f,
        pmf=_plain(forecast.pmf),
        mean_f=forecast.mean,
        sd_f=forecast.sd,
        spread_f=forecast.spread,
        lead_hours=(end - inputs.as_of) / HOUR,
        confidence=graded.confidence,
        confidence_reason=f"{reason} {forecast.note}",
        sources=list(forecast.sources),
        missing=list(forecast.missing),
        weight_present=forecast.weight_present,
        n_train=forecast.n_train,
        engine_weights={part.engine: part.weight for part in forecast.parts},
        fits={name: fit.version for name, fit in known.fits.items()},
        inputs_hash=hashed,
        **_market_fields(pooled, () if inputs.market is None else inputs.market.ladder),
        **_day_so_far(known),
    )


def _market_fields(pooled: Pooled | None, ladder: Sequence[Bracket]) -> dict[str, Any]:
    if pooled is None:
        return {}
    return {
        "pooled_low_f": pooled.pmf.low_f,
        "pooled_pmf": _plain(pooled.pmf),
        "market_ladder": ladder_edges(ladder),
        "market_probabilities": list(pooled.market),
        "pool_weights": {"model": pooled.weights.model, "market": pooled.weights.market},
    }


def _day_so_far(known: Known) -> dict[str, int | dt.datetime | None]:
    maximum = known.running_maximum
    if maximum is None:
        return {}
    return {
        "observed_max_low_f": maximum.low_f,
        "observed_max_high_f": maximum.high_f,
        "observed_until": maximum.observed_until,
    }


def _plain(pmf: IntegerPmf) -> list[float]:
    return [float(probability) for probability in pmf.probabilities]
