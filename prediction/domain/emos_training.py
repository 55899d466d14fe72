"""What is learnt of the sources before the regression: row weights, outliers, biases, shares.

Rows are grouped as in :mod:`prediction.domain.emos_features`: shape (S, n), padded.
"""

from __future__ import annotations

import numpy as np

from prediction.domain.arrays import FloatArray
from prediction.domain.emos_features import Panel, with_intercept
from prediction.domain.emos_newton import BoolArray
from prediction.domain.emos_types import EmosSettings
from prediction.domain.harmonics import IntArray, season_distance

#: The median absolute deviation of a Gaussian times this is its standard deviation.
MAD_TO_SD = 1.4826
_CLIMATE_RIDGE_DAYS = 10.0
#: Bounds of how many days a station's prior is found to be worth.
_LEAST_DAYS, _MOST_DAYS = 1.0, 200.0


def row_weights(days: IntArray, target_day: int, settings: EmosSettings) -> FloatArray:
    """Return ``0.5^(age / half-life)`` times the seasonal kernel, shape of ``days``."""
    age = target_day - np.asarray(days, dtype=np.float64)
    distance = season_distance(days, target_day) / settings.season_scale_days
    season = settings.season_floor + (1.0 - settings.season_floor) * np.exp(-0.5 * distance**2)
    weight: FloatArray = 0.5 ** (age / settings.half_life_days) * season
    return weight


def winsorised(
    panel: Panel, observed: FloatArray, *, spreads: float, usual_sd: FloatArray | None
) -> tuple[Panel, FloatArray]:
    """Return the rows with impossible errors pulled in, so that a typing error moves little.

    The error of the sources' plain mean is pulled in to ``spreads`` robust spreads from its median
    by changing the observation; afterwards each source's own error likewise, by changing the
    source. The robust spread is 1.4826 times the median absolute deviation, but no less than
    ``usual_sd`` (S,), what errors were like before; medians are of each group.
    """
    count = (~np.isnan(panel.highs)).sum(axis=2)
    total = np.where(np.isnan(panel.highs), 0.0, panel.highs).sum(axis=2)
    error = total / np.where(count > 0, count, np.nan) - observed
    pulled = observed + error - _pulled_in(error, spreads, usual_sd)
    own = panel.highs - pulled[:, :, None]
    least = None if usual_sd is None else usual_sd[:, None]
    highs = pulled[:, :, None] + _pulled_in(own, spreads, least)
    highs = np.where(np.isnan(pulled)[:, :, None], panel.highs, highs)
    return Panel(panel.days, highs, panel.sds), pulled


def _pulled_in(error: FloatArray, spreads: float, least: FloatArray | None) -> FloatArray:
    """Return errors (S, n, ...) pulled in towards their median along the rows."""
    middle = median_of_known(error)
    away = np.abs(error - middle)
    spread = MAD_TO_SD * median_of_known(away)
    known = ~np.isnan(away)
    mean_away = np.where(known, away, 0.0).sum(axis=1) / np.maximum(1, known.sum(axis=1))
    spread = np.where(spread > 0, spread, mean_away[:, None])
    if least is not None:
        spread = np.maximum(spread, least[:, None])
    pulled: FloatArray = np.clip(error, middle - spreads * spread, middle + spreads * spread)
    return pulled


def median_of_known(values: FloatArray) -> FloatArray:
    """Return the median along axis 1 of what is not NaN, that axis kept; 0 where nothing is."""
    ordered = np.sort(values, axis=1)  # NaN goes last
    count = (~np.isnan(values)).sum(axis=1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(0, (count - 1) // 2), axis=1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, np.maximum(0, count - 1)), axis=1)
    middle: FloatArray = np.where(count > 0, 0.5 * (low + high), 0.0)
    return middle


def shrunk_biases(
    error: FloatArray, weight: FloatArray, *, prior: FloatArray, ridge_days: float
) -> FloatArray:
    """Return ``(W b0 + sum w e) / (W + sum w)`` of each source, shape (S, K).

    Args:
        error: Source minus observed, shape (S, n, K), NaN = not known.
        weight: Shape (S, n).
        prior: b0, shape (S, K).
        ridge_days: W.
    """
    share = np.where(np.isnan(error), 0.0, weight[:, :, None])
    total = (share * np.where(np.isnan(error), 0.0, error)).sum(axis=1)
    bias: FloatArray = (ridge_days * prior + total) / (ridge_days + share.sum(axis=1))
    return bias


def shrunk_shares(
    error: FloatArray, weight: FloatArray, *, prior: FloatArray, ridge_days: float
) -> FloatArray:
    """Return each source's share of the centre, shape (S, K), adding up to 1.

    A share is the prior share over the source's mean square error relative to that of all, both
    shrunk: a source with no days counts as an average one, and one that was seldom there has to
    earn its share.

    Args:
        error: Bias-corrected source minus observed, shape (S, n, K), NaN = not known.
        weight: Shape (S, n).
        prior: Shares before, shape (S, K).
        ridge_days: Days the average source is worth.
    """
    share = np.where(np.isnan(error), 0.0, weight[:, :, None])
    days = share.sum(axis=1)
    squares = (share * np.where(np.isnan(error), 0.0, error) ** 2).sum(axis=1)
    all_days = days.sum(axis=1, keepdims=True)
    usual = squares.sum(axis=1, keepdims=True) / np.where(all_days > 0, all_days, 1.0)
    usual = np.where(usual > 0, usual, 1.0)
    relative = (ridge_days + squares / usual) / (ridge_days + days)
    seen = (ridge_days + days) / (ridge_days + days.max(axis=1, keepdims=True))
    merit = prior * seen / relative
    shares: FloatArray = merit / merit.sum(axis=1, keepdims=True)
    return shares


def usual_centre(days: IntArray, centre: FloatArray, weight: FloatArray, order: int) -> FloatArray:
    """Return intercept and harmonics of the centre, shape (S, 1 + 2 * order).

    Weighted least squares; the harmonics are held to 0 with a ridge of 10 pseudo-days, the mean is
    free.
    """
    counts = weight > 0
    total = weight.sum(axis=1)
    mean = (weight * np.where(counts, centre, 0.0)).sum(axis=1) / np.where(total > 0, total, 1.0)
    left = np.where(counts, centre - mean[:, None], 0.0)
    columns = with_intercept(days, order)
    weighted = columns * weight[:, :, None]
    normal = weighted.transpose(0, 2, 1) @ columns
    diagonal = np.arange(normal.shape[1])
    normal[:, diagonal, diagonal] += np.where(diagonal > 0, _CLIMATE_RIDGE_DAYS, 1e-9)
    right = np.einsum("snh,sn->sh", weighted, left)
    climate: FloatArray = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    climate[:, 0] += mean
    return climate


def days_worth(values: FloatArray, weight: FloatArray) -> float:
    """Return how many days of one group the mean of all groups is worth, 1 to 200.

    It is the variance within groups over the variance between their true means, by the method of
    moments of one-way analysis of variance; with fewer than two groups it is the most.

    Source:
        Efron and Morris (1973), doi:10.1080/01621459.1973.10481350, for shrinkage of many means;
        Searle, Casella and McCulloch (1992), doi:10.1002/9780470316856, for the moments.
    """
    counts = weight > 0
    n = counts.sum(axis=1)
    groups = np.flatnonzero(n > 0)
    rows = int(n.sum())
    if groups.size < 2 or rows <= groups.size:
        return _MOST_DAYS
    known = np.where(counts, values, 0.0)
    means = known.sum(axis=1)[groups] / n[groups]
    within = float(
        (np.where(counts, values, 0.0)[groups] ** 2).sum() - (n[groups] * means**2).sum()
    )
    within /= rows - groups.size
    grand = float((n[groups] * means).sum() / rows)
    between = float((n[groups] * (means - grand) ** 2).sum()) / (groups.size - 1)
    typical = (rows - float((n[groups] ** 2).sum()) / rows) / (groups.size - 1)
    variance = (between - within) / typical
    if not variance > 0:
        return _MOST_DAYS
    return float(np.clip(within / variance, _LEAST_DAYS, _MOST_DAYS))


def counting_rows(panel: Panel, observed: FloatArray) -> BoolArray:
    """Return which rows have an observation and at least one source, shape (S, n)."""
    is_there: BoolArray = ~np.isnan(panel.highs).all(axis=2) & ~np.isnan(observed)
    return is_there
