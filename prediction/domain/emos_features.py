"""The columns of an EMOS regression, made of any number of sources of which some are missing.

Rows are grouped: shape (S, n), S groups (stations) of n rows, padded with NaN. A source that is
missing is never imputed: the centre is the weighted mean of those present, with their weights
renormalised, and the anomaly of one that is missing is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prediction.domain.arrays import FloatArray
from prediction.domain.harmonics import IntArray, harmonics

#: Places of the scale columns.
LEVEL, ENSEMBLE, BETWEEN, MISSING = range(4)
SCALE_COLUMNS = 4


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
        scale_centre: Usual spread inside the ensembles and between the sources, shape (S, 2).
    """

    bias: FloatArray
    weight: FloatArray
    climate: FloatArray
    scale_centre: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """The weighted mean of the sources, and what lies around it.

    Attributes:
        mean: Weighted mean of the bias-corrected sources present, shape (S, n); NaN without any.
        anomalies: Each source minus the mean, 0 where missing, shape (S, n, K).
        between: Weighted standard deviation between the sources present, shape (S, n).
        inside: Weighted mean of the standard deviations inside the ensembles, shape (S, n), NaN
            where no source has one.
        present: Share of weight present, shape (S, n).
    """

    mean: FloatArray
    anomalies: FloatArray
    between: FloatArray
    inside: FloatArray
    present: FloatArray


def centre_of(panel: Panel, bias: FloatArray, weight: FloatArray) -> Centre:
    """Return the centre of every row, from each group's biases and weights (S, K)."""
    corrected = panel.highs - bias[:, None, :]
    is_there = ~np.isnan(corrected)
    shares = np.where(is_there, weight[:, None, :], 0.0)
    present = shares.sum(axis=2)
    total = np.where(present > 0, present, np.nan)
    mean = np.where(is_there, corrected * shares, 0.0).sum(axis=2) / total
    anomalies = np.where(is_there, corrected - mean[:, :, None], 0.0)
    between = np.sqrt((shares * anomalies**2).sum(axis=2) / total)
    has_sd = is_there & ~np.isnan(panel.sds)
    sd_shares = np.where(has_sd, weight[:, None, :], 0.0)
    sd_total = sd_shares.sum(axis=2)
    inside = np.where(has_sd, panel.sds * sd_shares, 0.0).sum(axis=2) / np.where(
        sd_total > 0, sd_total, np.nan
    )
    return Centre(mean, anomalies, between, inside, present)


def location_columns(panel: Panel, centre: Centre, climate: FloatArray, order: int) -> FloatArray:
    """Return intercept, harmonics, anomalies and slope, shape (S, n, 2 + 2 * order + K)."""
    turns = with_intercept(panel.days, order)
    usual = np.einsum("snh,sh->sn", turns, climate)
    unusual = centre.mean - usual
    columns: FloatArray = np.concatenate([turns, centre.anomalies, unusual[:, :, None]], axis=2)
    return columns


def scale_columns(centre: Centre, scale_centre: FloatArray) -> FloatArray:
    """Return level, both spreads around their usual value, and the share missing, (S, n, 4).

    A row in which no source has a standard deviation counts as one with the usual one.
    """
    inside = centre.inside - scale_centre[:, None, 0]
    columns = [
        np.ones_like(centre.mean),
        np.where(np.isnan(inside), 0.0, inside),
        centre.between - scale_centre[:, None, 1],
        1.0 - centre.present,
    ]
    return np.stack(columns, axis=2)


def with_intercept(days: IntArray, order: int) -> FloatArray:
    """Return a column of ones and the harmonics, shape ``days.shape + (1 + 2 * order,)``."""
    ones = np.ones((*days.shape, 1))
    columns: FloatArray = np.concatenate([ones, harmonics(days, order)], axis=-1)
    return columns
