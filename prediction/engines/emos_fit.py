"""From a station's finished days to one regression per horizon."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from boz.core.errors import InvalidDataError
from prediction.constants import OFFICIAL_SOURCES
from prediction.domain.arrays import FloatArray
from prediction.domain.emos import EmosModel, EmosSettings, TrainingTable, fit_emos
from prediction.domain.emos_features import Panel, centre_of, usual_inside, usual_products
from prediction.domain.emos_training import row_weights, usual_centre
from prediction.domain.horizons import Horizon
from prediction.engines.base import Parameters, require_temperature
from prediction.engines.past import Past, PastCase, PastForecast
from prediction.priors.source_prior import source_prior

#: Horizons that have a regression of their own.
FITTED = (Horizon.EARLY, Horizon.EVENING, Horizon.MORNING)
#: Days on which a raw model must have spoken before it is heard.
MIN_DAYS_OF_A_MODEL = 10
#: How many days the prior's usual spreads are worth.
SPREAD_DAYS = 20.0
#: A source that said nothing on the last days of the past has gone and is not waited for.
GONE_AFTER = dt.timedelta(days=30)


def fit_horizons(past: Past, *, settings: EmosSettings) -> Parameters | None:
    """Return the fits by horizon and the usual lead of each source in them, or None without days.

    Raises:
        InvalidDataError: If a day's official high cannot be true, or a day is not over.
    """
    models: dict[str, Any] = {}
    leads: dict[str, dict[str, float]] = {}
    for horizon in FITTED:
        cases = sorted(
            (case for case in past.cases if case.horizon is horizon),
            key=lambda case: case.climate_day,
        )
        sources = _sources(cases)
        if not sources:
            continue
        model = _fit(cases, sources, horizon=horizon, target=past.target_day, settings=settings)
        models[horizon.value] = model.as_json()
        leads[horizon.value] = _leads(cases, sources)
    return {"models": models, "leads": leads} if models else None


def says_spread(sd_f: float) -> bool:
    """Say whether a spread inside a source tells anything: members that are all equal do not."""
    return math.isfinite(sd_f) and sd_f > 0


def _sources(cases: Sequence[PastCase]) -> tuple[str, ...]:
    """Return the sources worth waiting for, sorted."""
    if not cases:
        return ()
    oldest = cases[-1].climate_day - GONE_AFTER
    count: dict[str, int] = {}
    recent: set[str] = set()
    for case in cases:
        for forecast in case.forecasts:
            if not _is_possible(forecast):
                continue
            count[forecast.source] = count.get(forecast.source, 0) + 1
            if case.climate_day > oldest:
                recent.add(forecast.source)
    return tuple(
        source
        for source in sorted(recent)
        if source in OFFICIAL_SOURCES or count[source] >= MIN_DAYS_OF_A_MODEL
    )


def _fit(
    cases: Sequence[PastCase],
    sources: tuple[str, ...],
    *,
    horizon: Horizon,
    target: dt.date,
    settings: EmosSettings,
) -> EmosModel:
    table = _table(cases, sources)
    prior = source_prior(sources, horizon=horizon, day=target, settings=settings)
    day = target.toordinal()
    return fit_emos(
        table, target_day=day, settings=settings, prior=_at_home(prior, table, target_day=day)
    )


def _table(cases: Sequence[PastCase], sources: tuple[str, ...]) -> TrainingTable:
    shape = (len(cases), len(sources))
    highs, sds = np.full(shape, np.nan), np.full(shape, np.nan)
    place = {source: index for index, source in enumerate(sources)}
    for row, case in enumerate(cases):
        for forecast in case.forecasts:
            index = place.get(forecast.source)
            if index is None or not _is_possible(forecast):
                continue
            highs[row, index] = forecast.high_f
            if forecast.sd_f is not None and says_spread(forecast.sd_f):
                sds[row, index] = forecast.sd_f
    observed = [
        require_temperature(case.observed_f, name=f"official high of {case.climate_day}")
        for case in cases
    ]
    return TrainingTable(
        days=np.array([case.climate_day.toordinal() for case in cases], dtype=np.int64),
        sources=sources,
        highs=highs,
        sds=sds,
        observed=np.array(observed),
        stations=np.zeros(len(cases), dtype=np.int64),
    )


def _at_home(prior: EmosModel, table: TrainingTable, *, target_day: int) -> EmosModel:
    """Return the prior centred on the station: its climate and its usual spreads.

    A prior on terms that count from another place's usual values would be one on the intercept,
    which costs more than it gives. The usual spreads are shrunk to the prior's.
    """
    panel = Panel(table.days[None], table.highs[None], table.sds[None])
    weight = row_weights(panel.days, target_day, prior.settings)
    centre = centre_of(panel, np.array([prior.bias]), np.array([prior.weight]))
    known = np.where(np.isnan(centre.mean), 0.0, weight)
    climate = usual_centre(panel.days, centre.mean, known, prior.settings.location_harmonics)
    has_sd = np.where(np.isnan(panel.sds[0]), 0.0, weight[0][:, None])
    there = (centre.shares[0] > 0).astype(np.float64)
    together = (there * weight[0][:, None]).T @ there
    products = np.array(prior.usual_products).reshape(together.shape)
    inside = _shrunk(usual_inside(panel, weight)[0], prior.usual_inside, has_sd.sum(axis=0))
    between = _shrunk(usual_products(centre, weight)[0], products, together)
    return replace(
        prior,
        climate=tuple(climate[0].tolist()),
        usual_inside=tuple(inside.tolist()),
        usual_products=tuple(between.ravel().tolist()),
    )


def _shrunk(
    found: FloatArray, prior: FloatArray | tuple[float, ...], days: FloatArray
) -> FloatArray:
    """Return what was found, held to the prior as by so many days."""
    share = days / (days + SPREAD_DAYS)
    shrunk: FloatArray = share * found + (1.0 - share) * np.asarray(prior)
    return shrunk


def _leads(cases: Sequence[PastCase], sources: tuple[str, ...]) -> dict[str, float]:
    """Return the mean lead of each source, hours to the day's end."""
    told: dict[str, list[float]] = {source: [] for source in sources}
    for case in cases:
        for forecast in case.forecasts:
            if forecast.source in told and math.isfinite(forecast.lead_hours):
                told[forecast.source].append(forecast.lead_hours)
    return {source: math.fsum(hours) / len(hours) for source, hours in told.items() if hours}


def _is_possible(forecast: PastForecast) -> bool:
    try:
        require_temperature(forecast.high_f, name="forecast")
    except InvalidDataError:
        return False
    return True
