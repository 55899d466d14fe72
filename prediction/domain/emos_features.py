"""The columns of an EMOS regression, made of any number of sources of which some are missing.

Rows are grouped: shape (S, n), S groups (stations) of n rows, padded with NaN. A source that is
missing is never imputed: the centre is the weighted mean of those present, with their weights
renormalised, and the anomaly of one that is missing is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prediction.domain.arrays import FloatArray
from prediction.domain.emos_newton import IndexArray
from prediction.domain.harmonics import IntArray, harmonics

#: Places of the scale columns.
LEVEL, ENSEMBLE, BETWEEN, MISSING = range(4)
SCALE_COLUMNS = 4
#: Sources whose usual spread is below this share of that of all say nothing of disagreement.
SAME_SPREAD = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Rows of S groups.

    Attributes:
        days: Ordinal day numbers, shape (S, n).
        highs: Shape (S, n, K), NaN = missing.
        sds: Shape (S, n, K), NaN = none.
    """

    days: IntArray
    highs: FloatArray
    sds: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SourceTerms:
    """What is known of the sources of each group.

    Attributes:
        bias: Expected high minus observed, shape (S, K).
        weight: Share of the centre, shape (S, K), adding up to 1.
        climate: Intercept and harmonics of the usual centre, shape (S, 1 + 2 * order).
        inside: Usual standard deviation inside each source's ensemble, shape (S, K).
        products: Mean product of each two sources' anomalies, shape (S, K, K): how far apart they
            usually are.
    """

    bias: FloatArray
    weight: FloatArray
    climate: FloatArray
    inside: FloatArray
    products: FloatArray

    def select(self, index: IndexArray) -> SourceTerms:
        """Return the terms of the groups at these positions."""
        return SourceTerms(
            self.bias[index],
            self.weight[index],
            self.climate[index],
            self.inside[index],
            self.products[index],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """The weighted mean of the sources, and what lies around it.

    Attributes:
        mean: Weighted mean of the bias-corrected sources present, shape (S, n); NaN without any.
        anomalies: Each source minus the mean, 0 where missing, shape (S, n, K).
        between: Weighted standard deviation between the sources present, shape (S, n).
        shares: Weight of each source present, 0 where missing, shape (S, n, K).
    """

    mean: FloatArray
    anomalies: FloatArray
    between: FloatArray
    shares: FloatArray

    @property
    def present(self) -> FloatArray:
        """Return the share of weight present, shape (S, n)."""
        total: FloatArray = self.shares.sum(axis=2)
        return total


def centre_of(panel: Panel, bias: FloatArray, weight: FloatArray) -> Centre:
    """Return the centre of every row, from each group's biases and weights (S, K)."""
    corrected = panel.highs - bias[:, None, :]
    is_there = ~np.isnan(corrected)
    shares = np.where(is_there, weight[:, None, :], 0.0)
    total = _above_zero(shares.sum(axis=2))
    mean = np.where(is_there, corrected * shares, 0.0).sum(axis=2) / total
    anomalies = np.where(is_there, corrected - mean[:, :, None], 0.0)
    between = np.sqrt((shares * anomalies**2).sum(axis=2) / total)
    return Centre(mean, anomalies, between, shares)


def location_columns(panel: Panel, centre: Centre, climate: FloatArray, order: int) -> FloatArray:
    """Return intercept, harmonics, anomalies and slope, shape (S, n, 2 + 2 * order + K)."""
    turns = with_intercept(panel.days, order)
    usual = np.einsum("snh,sh->sn", turns, climate)
    unusual = centre.mean - usual
    columns: FloatArray = np.concatenate([turns, centre.anomalies, unusual[:, :, None]], axis=2)
    return columns


def scale_columns(panel: Panel, centre: Centre, terms: SourceTerms) -> FloatArray:
    """Return level, both spreads around their usual values, and the share missing, (S, n, 4)."""
    columns = [
        np.ones_like(centre.mean),
        _unusual_inside(panel, centre, terms.inside),
        _unusual_between(centre, terms),
        1.0 - centre.present,
    ]
    return np.stack(columns, axis=2)


def _unusual_inside(panel: Panel, centre: Centre, usual: FloatArray) -> FloatArray:
    """Return how much wider than usual the ensembles present are; 0 where none has a spread."""
    unusual = panel.sds - usual[:, None, :]
    is_there = ~np.isnan(unusual)
    shares = np.where(is_there, centre.shares, 0.0)
    total = shares.sum(axis=2)
    wider: FloatArray = np.where(is_there, unusual * shares, 0.0).sum(axis=2) / np.where(
        total > 0, total, 1.0
    )
    return wider


def _unusual_between(centre: Centre, terms: SourceTerms) -> FloatArray:
    """Return how much further apart than usual the sources are.

    Fewer sources lie closer together, or further apart, for no other reason than which they are.
    So the spread between those present counts relative to the usual one of just these, and a single
    source, which says nothing of it, counts as usual.
    """
    usual = np.sqrt(np.einsum("sk,skk->s", terms.weight, terms.products))[:, None]
    part = centre.shares / _above_zero(centre.present)[:, :, None]
    squares = np.einsum("snk,skk->sn", part, terms.products)
    squares = squares - np.einsum("snk,skl,snl->sn", part, terms.products, part)
    own = np.sqrt(np.maximum(squares, 0.0))
    is_known = own > SAME_SPREAD * usual
    relative = np.divide(centre.between, own, out=np.ones_like(own), where=is_known)
    further: FloatArray = usual * (relative - 1.0)
    return further


def usual_inside(panel: Panel, weight: FloatArray) -> FloatArray:
    """Return the mean standard deviation inside each ensemble, shape (S, K); 0 without any."""
    is_there = ~np.isnan(panel.sds)
    share = np.where(is_there, weight[:, :, None], 0.0)
    total = share.sum(axis=1)
    mean: FloatArray = np.where(is_there, panel.sds * share, 0.0).sum(axis=1) / np.where(
        total > 0, total, 1.0
    )
    return mean


def usual_products(centre: Centre, weight: FloatArray) -> FloatArray:
    """Return the mean product of each two sources' anomalies, shape (S, K, K).

    Of the rows in which both are present; 0 without any.
    """
    is_there = (centre.shares > 0).astype(np.float64)
    weighted = centre.anomalies * weight[:, :, None]
    total = (is_there * weight[:, :, None]).transpose(0, 2, 1) @ is_there
    products: FloatArray = weighted.transpose(0, 2, 1) @ centre.anomalies
    return products / np.where(total > 0, total, 1.0)


def _above_zero(total: FloatArray) -> FloatArray:
    """Return NaN where a sum of weights is nothing."""
    return np.where(total > 0, total, np.nan)


def with_intercept(days: IntArray, order: int) -> FloatArray:
    """Return a column of ones and the harmonics, shape ``days.shape + (1 + 2 * order,)``."""
    ones = np.ones((*days.shape, 1))
    columns: FloatArray = np.concatenate([ones, harmonics(days, order)], axis=-1)
    return columns
