"""EMOS: a calibrated Gaussian from any number of forecast sources of which some may be missing.

    mu    = m + a + harmonics + sum_k w_k (x_k - bias_k - m) + b (m - usual m)
    sigma = c + d1 (ensemble spread - usual) + d2 (spread between sources - usual) + d3 missing

m is the weighted mean of the bias-corrected sources present. All terms are found together by
minimum CRPS (:mod:`prediction.domain.emos_regression`), each held to its prior by a ridge counted
in pseudo-days, with target and predictors centred first; ``d1, d2, d3 >= 0``.

Source:
    Gneiting, Raftery, Westveld and Goldman (2005), doi:10.1175/MWR2904.1; Lang, Lerch, Mayr, Simon,
    Stauffer and Zeileis (2020), doi:10.5194/npg-27-23-2020, for long memory with seasonal terms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.emos_batch import EmosBatch, generic_prior
from prediction.domain.emos_features import Panel
from prediction.domain.emos_fit import Ridges, fit_batch
from prediction.domain.emos_training import counting_rows, days_worth
from prediction.domain.emos_types import (
    EmosModel,
    EmosSettings,
    GaussianForecast,
    TrainingTable,
)

__all__ = [
    "EmosModel",
    "EmosSettings",
    "GaussianForecast",
    "TrainingTable",
    "fit_emos",
    "fit_emos_stations",
    "fit_stations",
    "predict_emos",
]


def fit_emos(
    table: TrainingTable,
    *,
    target_day: int,
    settings: EmosSettings,
    prior: EmosModel | None = None,
) -> EmosModel:
    """Fit one model to all rows of a table, whatever their station.

    Without a row that counts (an observation and at least one source) the prior alone is returned,
    with ``n_train`` 0, or, without one, a generic prior: no bias, equal weights, spread
    ``settings.prior_sd``.

    Args:
        table: Past days.
        target_day: Ordinal of the day to be forecast; rows from that day on are refused.
        settings: Weights and ridges.
        prior: What the fit is held to, for example a pooled fit. Its sources may differ: those it
            does not know start with its mean bias and an average weight.

    Raises:
        InvalidDataError: If a row is not before the target day, or prior and settings differ in
            their harmonics.
        DataUnavailable: If there is no row, no prior, and no ``settings.prior_sd``.
    """
    _require_past(table, target_day)
    panel, observed = _one_panel(table)
    before = None if prior is None else _aligned(prior, table.sources, settings)
    if not counting_rows(panel, observed).any():
        alone = _prior_alone(before, table.sources, settings).model(0)
        return replace(alone, n_train=0, effective_n=0.0)
    return fit_batch(
        panel,
        observed,
        target_day=target_day,
        sources=table.sources,
        settings=settings,
        prior=before,
        row_share=_row_share(table, settings),
    ).model(0)


def fit_emos_stations(
    table: TrainingTable,
    *,
    target_day: int,
    settings: EmosSettings,
    prior: EmosModel | None = None,
) -> tuple[EmosModel, ...]:
    """Fit one model to each station, held to the fit of all stations pooled.

    How many days the pooled bias and spread are worth to a station is estimated from how much the
    stations differ (empirical Bayes). Stations are numbered as in ``table.stations``; one without
    rows has the pooled model.

    Raises:
        InvalidDataError: As :func:`fit_emos`.
        DataUnavailable: As :func:`fit_emos`.
    """
    batch = fit_stations(table, target_day=target_day, settings=settings, prior=prior)
    return tuple(batch.model(group) for group in range(len(batch.theta)))


def fit_stations(
    table: TrainingTable,
    *,
    target_day: int,
    settings: EmosSettings,
    prior: EmosModel | None = None,
    stations: int | None = None,
) -> EmosBatch:
    """Do the work of :func:`fit_emos_stations`; the models stay arrays.

    Args:
        table: Past days.
        target_day: Ordinal of the day to be forecast.
        settings: Weights and ridges.
        prior: What the pooled fit is held to.
        stations: Number of stations; None for as many as the table names.
    """
    pooled = EmosBatch.of([fit_emos(table, target_day=target_day, settings=settings, prior=prior)])
    if stations is None:
        stations = int(table.stations.max()) + 1 if len(table.stations) else 1
    if stations == 1 or not pooled.n_train[0]:
        return pooled.repeated(stations)
    panel, observed = _station_panel(table, stations)
    shift_days, ridges = _found_ridges(panel, observed, pooled.repeated(stations))
    return fit_batch(
        panel,
        observed,
        target_day=target_day,
        sources=table.sources,
        settings=settings,
        prior=pooled.repeated(stations),
        shift_days=shift_days,
        ridges=ridges,
    )


def predict_emos(
    model: EmosModel, *, day: int, highs: Mapping[str, float], sds: Mapping[str, float]
) -> GaussianForecast:
    """Return the forecast of one day.

    A source that is missing (absent or NaN) is left out and the spread widened by its weight; one
    that the model was not fitted with is left out and named in ``ignored``, as neither its bias
    nor its weight is known.

    Args:
        model: Fitted model.
        day: Ordinal of the day forecast.
        highs: Each source's high, the mean of its ensemble.
        sds: Standard deviation inside each source's ensemble, for those that have one.

    Raises:
        InvalidDataError: If a value is infinite or a standard deviation negative.
        DataUnavailable: If no source of the model is there.
    """
    given = {name: value for name, value in highs.items() if not math.isnan(value)}
    used = tuple(name for name in model.sources if name in given)
    if not used:
        raise DataUnavailable(
            "None of the forecast sources that the model knows is there.",
            {"sources": list(model.sources), "given": sorted(given)},
        )
    inside = {name: value for name, value in sds.items() if not math.isnan(value)}
    if any(math.isinf(value) for value in (*given.values(), *inside.values())):
        raise InvalidDataError("A forecast source holds an infinite value.")
    if any(value < 0 for value in inside.values()):
        raise InvalidDataError("A standard deviation inside an ensemble is below 0.")
    row = Panel(np.array([[day]]), _row(model, given), _row(model, inside))
    mean, sd, centre = EmosBatch.of([model]).forecast(row)
    return GaussianForecast(
        mean=float(mean[0, 0]),
        sd=float(sd[0, 0]),
        spread=float(centre.between[0, 0]),
        weight_present=float(min(1.0, centre.present[0, 0])),
        used=used,
        missing=tuple(name for name in model.sources if name not in given),
        ignored=tuple(sorted(set(given) - set(model.sources))),
    )


def _row(model: EmosModel, values: Mapping[str, float]) -> FloatArray:
    return np.array([[[values.get(name, math.nan) for name in model.sources]]])


def _require_past(table: TrainingTable, target_day: int) -> None:
    if len(table.days) and int(table.days[-1]) >= target_day:
        raise InvalidDataError(
            "A training row is not before the day to be forecast; it cannot be known.",
            {"last_day": int(table.days[-1]), "target_day": target_day},
        )


def _one_panel(table: TrainingTable) -> tuple[Panel, FloatArray]:
    return Panel(table.days[None], table.highs[None], table.sds[None]), table.observed[None]


def _station_panel(table: TrainingTable, stations: int) -> tuple[Panel, FloatArray]:
    """Return the rows of each station side by side, padded with NaN at the end."""
    order = np.argsort(table.stations, kind="stable")
    group = table.stations[order]
    count = np.bincount(group, minlength=stations)
    place = np.arange(len(order)) - (np.cumsum(count) - count)[group]
    shape = (stations, max(1, int(count.max())))
    days = np.full(shape, table.days[-1])
    days[group, place] = table.days[order]
    highs = np.full((*shape, len(table.sources)), np.nan)
    highs[group, place] = table.highs[order]
    sds = np.full_like(highs, np.nan)
    sds[group, place] = table.sds[order]
    observed = np.full(shape, np.nan)
    observed[group, place] = table.observed[order]
    return Panel(days, highs, sds), observed


def _found_ridges(panel: Panel, observed: FloatArray, pooled: EmosBatch) -> tuple[float, Ridges]:
    """Return what the pooled bias and spread are worth to a station, from how stations differ."""
    mean, _, _ = pooled.forecast(panel)
    weight = counting_rows(panel, observed).astype(np.float64)
    error = np.where(weight > 0, observed - mean, 0.0)
    limit = pooled.settings.winsor_spreads * pooled.reference_sd[0]
    error = np.clip(error, -limit, limit)
    shift_days = days_worth(error, weight)
    total = weight.sum(axis=1)
    own = error.sum(axis=1) / (shift_days + total)
    size = np.abs(error - own[:, None])
    return shift_days, Ridges(pooled.settings.intercept_days, days_worth(size, weight))


def _aligned(prior: EmosModel, sources: Sequence[str], settings: EmosSettings) -> EmosBatch:
    """Return a prior for these sources: those it lacks have its mean bias and an average weight."""
    turns = 2 * settings.location_harmonics
    if prior.sources == tuple(sources) and prior.settings == settings:
        return EmosBatch.of([prior])
    if prior.settings.location_harmonics != settings.location_harmonics:
        raise InvalidDataError("A fit and its prior must have the same harmonics.")
    place = {name: index for index, name in enumerate(prior.sources)}
    bias = sum(prior.bias) / len(prior.bias)
    first = 1 + turns
    known = [place.get(name) for name in sources]
    weight = np.array(
        [1.0 / len(prior.sources) if at is None else prior.weight[at] for at in known]
    )
    size = prior.column_size[first]
    inside, products = _aligned_spreads(prior, known)
    aligned = EmosModel(
        sources=tuple(sources),
        bias=tuple(bias if at is None else prior.bias[at] for at in known),
        weight=tuple((weight / weight.sum()).tolist()),
        climate=prior.climate,
        location=(
            *prior.location[:first],
            *(0.0 if at is None else prior.location[first + at] for at in known),
            prior.location[-1],
        ),
        scale=prior.scale,
        usual_inside=inside,
        usual_products=products,
        reference_sd=prior.reference_sd,
        column_size=(
            *prior.column_size[:first],
            *(size for _ in known),
            *prior.column_size[first + len(prior.sources) :],
        ),
        minimum_sd=prior.minimum_sd,
        settings=settings,
        n_train=prior.n_train,
        effective_n=prior.effective_n,
        widening=prior.widening,
    )
    return EmosBatch.of([aligned])


def _aligned_spreads(
    prior: EmosModel, known: Sequence[int | None]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the usual spreads for these sources; a new one is as far off as others, on its own."""
    k = len(prior.sources)
    products = np.array(prior.usual_products).reshape(k, k)
    mean_inside, mean_square = sum(prior.usual_inside) / k, float(np.trace(products)) / k
    aligned = [
        0.0 if at is None or other is None else float(products[at, other])
        for at in known
        for other in known
    ]
    for place, at in enumerate(known):
        if at is None:
            aligned[place * len(known) + place] = mean_square
    inside = [mean_inside if at is None else prior.usual_inside[at] for at in known]
    return tuple(inside), tuple(aligned)


def _prior_alone(
    before: EmosBatch | None, sources: tuple[str, ...], settings: EmosSettings
) -> EmosBatch:
    if before is not None:
        return before
    if settings.prior_sd is None:
        raise DataUnavailable(
            "There is no past day to learn from, no prior, and no spread to start with."
        )
    return generic_prior(1, sources, settings)


def _row_share(table: TrainingTable, settings: EmosSettings) -> FloatArray:
    """Return what each row of a pooled fit counts, shape (1, n).

    Stations err together on a day, so n rows of one day count as ``n^(1 - exponent)``.
    """
    _, at, count = np.unique(table.days, return_inverse=True, return_counts=True)
    share: FloatArray = count[at].astype(np.float64) ** -settings.same_day_exponent
    return share[None]
