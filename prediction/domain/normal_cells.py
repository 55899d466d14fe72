"""Probabilities of cells between edges by way of normal scores, precise in both tails."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from prediction.domain.arrays import FloatArray


def normal_scores(below: FloatArray, above: FloatArray) -> FloatArray:
    """Return the normal scores of probabilities given from both sides, precise in both tails."""
    scores: FloatArray = np.where(
        below < above, ndtri(np.clip(below, 0.0, 0.5)), -ndtri(np.clip(above, 0.0, 0.5))
    )
    return scores


def place_of_median(scores: FloatArray, masses: FloatArray) -> float:
    """Return where the score is 0, counted in degrees from the first edge."""
    cell = int(np.clip(np.searchsorted(scores, 0.0) - 1, 0, masses.size - 1))
    low, high = scores[cell], scores[cell + 1]
    if np.isfinite(low) and np.isfinite(high):
        return cell - float(low / (high - low))
    return cell + float((0.5 - ndtr(low)) / masses[cell])


def scores_between(scores: FloatArray, masses: FloatArray, places: FloatArray) -> FloatArray:
    """Return the scores at places between the edges; infinite outside."""
    cell = np.clip(places.astype(np.int64), 0, masses.size - 1)
    share = np.clip(places - cell, 0.0, 1.0)
    low, high = scores[cell], scores[cell + 1]
    straight = normal_scores(
        ndtr(low) + share * masses[cell], ndtr(-high) + (1.0 - share) * masses[cell]
    )
    with np.errstate(invalid="ignore"):
        smooth = low + share * (high - low)
    inside: FloatArray = np.where(np.isfinite(low) & np.isfinite(high), smooth, straight)
    return inside


def normal_masses(z: FloatArray) -> FloatArray:
    """Return the normal probability of each cell between rising edges, shape ``(rows, edges + 1)``.

    The first and the last cell reach to infinity.
    """
    z = np.pad(z, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
    below = np.diff(ndtr(z), axis=1)
    above = -np.diff(ndtr(-z), axis=1)
    masses: FloatArray = np.where(z[:, :-1] > 0, above, below)
    return masses
