"""The score of samples, many forecasts at once. Lower is better."""

from __future__ import annotations

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray

#: Rows worked on at a time: their members stay in the processor's cache.
_BLOCK_ROWS = 8_000


def crps_ensemble(
    members_f: FloatArray,
    observed_f: FloatArray,
    *,
    fair: bool = False,
    mask_missing: bool = False,
) -> FloatArray:
    """Return the CRPS of ensembles, in °F, in ``O(m log m)`` per forecast.

    ``mean |x_i - y| - sum_ij |x_i - x_j| / (2 m^2)``, or with ``2 m (m - 1)`` when fair: then it is
    unbiased in the number of members, and may be a little below zero for a single case.

    Args:
        members_f: Member highs, shape ``(..., m)``.
        observed_f: Verifying highs, shape ``(...)``.
        fair: Whether to score what an ensemble of any size drawn alike would get on average.
        mask_missing: Whether NaN members are left out, forecast by forecast, instead of refused.

    Returns:
        One score per forecast, shape ``(...)``.

    Raises:
        InvalidDataError: If shapes differ, a number is infinite, an observation is missing, or a
            member is missing and not masked.
        DataUnavailable: If a forecast has no member, or only one and the score is fair.

    Source:
        Gneiting and Raftery (2007), doi:10.1198/016214506000001437; Ferro (2014),
        doi:10.1002/qj.2270.
    """
    members = np.asarray(members_f, dtype=np.float64)
    observed = np.asarray(observed_f, dtype=np.float64)
    if members.ndim == 0 or members.shape[:-1] != observed.shape:
        raise InvalidDataError(f"Shapes differ: {members.shape} and {observed.shape}.")
    rows = members.reshape(observed.size, members.shape[-1])
    truth = observed.reshape(-1)
    scores = np.empty(truth.size)
    # One workspace for all blocks: fresh memory for each would cost a third of the time.
    workspace = np.empty((min(_BLOCK_ROWS, truth.size), rows.shape[1]))
    for start in range(0, truth.size, _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        size = truth[block].size
        distances = np.subtract(rows[block], truth[block, None], out=workspace[:size])
        scores[block] = _block_scores(distances, truth[block], fair, mask_missing)
    return scores.reshape(observed.shape)


def _block_scores(
    distances: FloatArray, observed: FloatArray, fair: bool, mask_missing: bool
) -> FloatArray:
    """Return the scores of a block from its members' distances to the observation, ``(n, m)``.

    Their differences are those of the members, without the offset that would cost digits.
    """
    distances.sort(axis=1)
    # What is not finite comes first or last.
    if np.isfinite(distances[:, :1]).all() and np.isfinite(distances[:, -1:]).all():
        return _sorted_scores(distances, fair)
    if np.isnan(observed).any() or np.isinf(distances).any():
        raise InvalidDataError("An observation is missing, or a number is infinite.")
    if not mask_missing:
        missing = int(np.count_nonzero(np.isnan(distances)))
        raise InvalidDataError(f"The ensembles hold {missing} missing member(s).")
    scores = np.empty(observed.size)
    # Sorting puts missing members last.
    present = np.count_nonzero(~np.isnan(distances), axis=1)
    for count in np.unique(present):
        chosen = present == count
        scores[chosen] = _sorted_scores(distances[chosen, :count], fair)
    return scores


def _sorted_scores(distances: FloatArray, fair: bool) -> FloatArray:
    """Return the scores of rising distances, shape ``(n, m)``; the array is used up."""
    size = distances.shape[1]
    if size < (2 if fair else 1):
        raise DataUnavailable(f"An ensemble of {size} member(s) cannot be scored.")
    # In sorted order the i-th member is the larger of i pairs and the smaller of m - 1 - i.
    ranks = 2.0 * np.arange(size) - (size - 1)
    pairs = np.einsum("ij,j->i", distances, ranks)
    np.abs(distances, out=distances)
    miss = np.einsum("ij->i", distances)
    score: FloatArray = miss / size - pairs / (size * (size - 1 if fair else size))
    return score
