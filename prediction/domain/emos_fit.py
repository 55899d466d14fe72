"""The fit of EMOS models of many groups at once, each held to its prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.emos_batch import EmosBatch, columns_of, generic_prior
from prediction.domain.emos_features import (
    LEVEL,
    MISSING,
    SCALE_COLUMNS,
    Centre,
    Panel,
    SourceTerms,
    centre_of,
    usual_inside,
    usual_products,
)
from prediction.domain.emos_newton import RELATIVE_JITTER
from prediction.domain.emos_regression import Regressions, fit_regressions, regressions
from prediction.domain.emos_training import (
    counting_rows,
    row_weights,
    shrunk_biases,
    shrunk_shares,
    usual_centre,
    winsorised,
)
from prediction.domain.emos_types import EmosSettings

#: Mean of ``2 phi(z)`` for a calibrated forecast: the curvature a day adds in the mean, times sd.
MEAN_CURVATURE = 0.5641895835477563
#: Mean of ``2 phi(z) z^2``: the same in the standard deviation.
SPREAD_CURVATURE = 0.5 * MEAN_CURVATURE
#: Least mean square of a column beside the square of the spread.
LEAST_COLUMN_SIZE = 0.05
#: Most terms per row that the widening of a young fit allows for: a factor of 1.73.
_MOST_FREEDOM = 0.5


@dataclass(frozen=True, slots=True)
class Ridges:
    """Pseudo-days that differ between a fit on its own and one held to a pooled fit."""

    intercept_days: float
    spread_days: float


def fit_batch(
    panel: Panel,
    observed: FloatArray,
    *,
    target_day: int,
    sources: tuple[str, ...],
    settings: EmosSettings,
    prior: EmosBatch | None = None,
    shift_days: float | None = None,
    ridges: Ridges | None = None,
    row_share: FloatArray | None = None,
) -> EmosBatch:
    """Fit the models of S groups.

    Args:
        panel: Rows before the target day, padded with NaN.
        observed: Shape (S, n), NaN = not known.
        target_day: Ordinal of the day to be forecast; ages count back from it.
        sources: Names of the K sources.
        settings: Weights and ridges.
        prior: What each group's fit is held to; None for the generic prior, whose spread and
            scales are then taken from the data.
        shift_days: What the prior of a bias common to all sources of a group is worth; None when
            there is no such common bias.
        ridges: Instead of the settings' ridges of both intercepts.
        row_share: What each row counts beside its age and season, shape (S, n); None for 1.
    """
    groups = len(observed)
    before = generic_prior(groups, sources, settings) if prior is None else prior
    counts = counting_rows(panel, observed)
    weight = np.where(counts, row_weights(panel.days, target_day, settings), 0.0)
    if row_share is not None:
        weight = weight * row_share
    tame, target = winsorised(
        panel,
        np.where(counts, observed, np.nan),
        spreads=settings.winsor_spreads,
        usual_sd=None if np.isnan(before.reference_sd).any() else before.reference_sd,
    )
    terms = _source_terms(tame, target, weight, before, shift_days, is_first=prior is None)
    centre = centre_of(tame, terms.bias, terms.weight)
    reference = _reference_sd(target - centre.mean, weight, before, settings)
    if prior is None:
        before = _scaled_to(before, reference)
    terms = _with_usual(terms, panel, centre, weight, before, is_first=prior is None)
    location, scale = columns_of(tame, centre, terms, settings)
    size = _column_size(location, scale, weight, before) if prior is None else before.column_size
    problems = regressions(
        location,
        scale,
        target,
        weight=weight,
        offset=centre.mean,
        minimum=np.maximum(settings.min_sd, settings.min_sd_share * reference),
        ridge=_ridge(settings, ridges, size, reference, len(sources)),
        prior=before.theta,
    )
    p = location.shape[2]
    fitted = fit_regressions(problems, non_negative=range(p + 1, p + SCALE_COLUMNS))
    freedom = location_freedom(problems, fitted.theta) / np.maximum(1.0, rows_worth(weight))
    freedom = np.minimum(freedom, _MOST_FREEDOM)
    return EmosBatch(
        sources,
        settings,
        terms,
        fitted.theta,
        size,
        reference,
        np.asarray(problems.minimum),
        counts.sum(axis=1),
        weight.sum(axis=1),
        np.sqrt((1.0 + freedom) / (1.0 - freedom)),
    )


def _source_terms(
    panel: Panel,
    target: FloatArray,
    weight: FloatArray,
    before: EmosBatch,
    shift_days: float | None,
    *,
    is_first: bool,
) -> SourceTerms:
    """Return biases and shares learnt from the rows; the rest is still the prior's."""
    days = before.settings.bias_days
    error = panel.highs - target[:, :, None]
    bias = before.terms.bias
    if shift_days is not None:
        common = centre_of(panel, bias, before.terms.weight).mean - target
        nothing = np.zeros((len(bias), 1))
        bias = bias + shrunk_biases(
            common[:, :, None], weight, prior=nothing, ridge_days=shift_days
        )
    bias = shrunk_biases(error, weight, prior=bias, ridge_days=days)
    shares = before.terms.weight
    if is_first:
        shares = shrunk_shares(error - bias[:, None, :], weight, prior=shares, ridge_days=days)
    return SourceTerms(
        bias, shares, before.terms.climate, before.terms.inside, before.terms.products
    )


def _reference_sd(
    error: FloatArray, weight: FloatArray, before: EmosBatch, settings: EmosSettings
) -> FloatArray:
    """Return the spread of the centre's errors, shrunk to the one expected before, if any."""
    is_known = ~np.isnan(before.reference_sd)
    expected = np.where(is_known, before.reference_sd, 0.0)
    prior_days = np.where(is_known, settings.prior_sd_days, 0.0)
    squares = (weight * np.where(weight > 0, error, 0.0) ** 2).sum(axis=1)
    total = prior_days + weight.sum(axis=1)
    variance = (prior_days * expected**2 + squares) / np.where(total > 0, total, np.nan)
    if not (variance > 0).all():
        raise InvalidDataError(
            "The errors of the training days have no spread, and none was given to start from."
        )
    reference: FloatArray = np.sqrt(variance)
    return reference


def _scaled_to(before: EmosBatch, reference: FloatArray) -> EmosBatch:
    """Return the generic prior with the spread that was found."""
    theta = before.theta.copy()
    scale = theta[:, -SCALE_COLUMNS:]
    scale[:, LEVEL] = reference
    scale[:, MISSING] = before.settings.missing_share * reference
    return EmosBatch(
        before.sources,
        before.settings,
        before.terms,
        theta,
        before.column_size,
        reference,
        before.minimum_sd,
        before.n_train,
        before.effective_n,
        before.widening,
    )


def _with_usual(
    terms: SourceTerms,
    panel: Panel,
    centre: Centre,
    weight: FloatArray,
    before: EmosBatch,
    *,
    is_first: bool,
) -> SourceTerms:
    """Return the terms with the usual centre and spreads, of these rows or of the prior."""
    if not is_first:
        return terms
    order = before.settings.location_harmonics
    climate = usual_centre(panel.days, centre.mean, weight, order)
    return SourceTerms(
        terms.bias,
        terms.weight,
        climate,
        usual_inside(panel, weight),
        usual_products(centre, weight),
    )


def _column_size(
    location: FloatArray, scale: FloatArray, weight: FloatArray, before: EmosBatch
) -> FloatArray:
    """Return the mean square of each column, one common size for the anomalies of all sources.

    A column that hardly moved counts as having moved by a part of the spread: its slope cannot be
    known, and must not become large for a day on which it does move.
    """
    columns = np.concatenate([location, scale], axis=2)
    known = np.where(weight[:, :, None] > 0, columns, 0.0)
    total = weight.sum(axis=1)[:, None]
    size = (weight[:, :, None] * known**2).sum(axis=1) / np.where(total > 0, total, 1.0)
    first = 1 + 2 * before.settings.location_harmonics
    anomalies = slice(first, first + len(before.sources))
    size[:, :first] = 1.0
    size[:, anomalies] = size[:, anomalies].mean(axis=1, keepdims=True)
    size[:, location.shape[2] + LEVEL] = 1.0
    size[:, location.shape[2] + MISSING] = 1.0
    usual = before.reference_sd[:, None] ** 2
    sized: FloatArray = np.maximum(size, LEAST_COLUMN_SIZE * usual)
    return sized


def _ridge(
    settings: EmosSettings,
    ridges: Ridges | None,
    size: FloatArray,
    reference: FloatArray,
    sources: int,
) -> FloatArray:
    """Return lambda, shape (S, d): pseudo-days times what a usual day adds to the curvature."""
    held = ridges or Ridges(settings.intercept_days, settings.spread_days)
    location = [held.intercept_days]
    location += [settings.harmonic_days] * (2 * settings.location_harmonics)
    location += [settings.weight_days] * sources + [settings.slope_days]
    scale = [held.spread_days] + [settings.scale_slope_days] * (SCALE_COLUMNS - 1)
    curvature = [MEAN_CURVATURE] * len(location) + [SPREAD_CURVATURE] * len(scale)
    days = np.array(location + scale) * np.array(curvature)
    ridge: FloatArray = days * size / reference[:, None]
    return ridge


def location_freedom(problems: Regressions, theta: FloatArray) -> FloatArray:
    """Return how many terms of the mean the rows really decided, shape (B,).

    The trace of the rows' part of the mean's Hessian times the inverse of all of it: the number of
    terms without ridge, less the more the prior holds them.
    """
    p = problems.location.shape[2]
    whole = problems.derivatives(theta).hessian[:, :p, :p]
    places = np.arange(p)
    ridge = problems.ridge[:, :p]
    tiny = RELATIVE_JITTER * np.einsum("bii->b", whole)[:, None] + np.finfo(np.float64).tiny
    whole[:, places, places] += tiny
    held = np.einsum("bii,bi->b", np.linalg.inv(whole), ridge + tiny)
    freedom: FloatArray = np.clip(p - held, 0.0, p)
    return freedom


def rows_worth(weight: FloatArray) -> FloatArray:
    """Return Kish's effective number of rows of each group, ``(sum w)^2 / sum w^2``."""
    squares = (weight * weight).sum(axis=1)
    worth: FloatArray = weight.sum(axis=1) ** 2 / np.where(squares > 0, squares, 1.0)
    return worth
