"""EMOS models of many groups at once: their arrays, their forecasts, the generic prior.

The one implementation behind :mod:`prediction.domain.emos`, whose functions handle single models,
and behind the evaluation of whole tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prediction.domain.arrays import FloatArray
from prediction.domain.emos_features import (
    BETWEEN,
    ENSEMBLE,
    LEVEL,
    MISSING,
    SCALE_COLUMNS,
    Centre,
    Panel,
    SourceTerms,
    centre_of,
    location_columns,
    scale_columns,
)
from prediction.domain.emos_newton import IndexArray
from prediction.domain.emos_types import EmosModel, EmosSettings


@dataclass(frozen=True, slots=True, eq=False)
class EmosBatch:
    """Models of S groups that share sources and settings; see :class:`EmosModel` for the terms.

    ``theta`` (S, d) and ``column_size`` (S, d) hold the mean's terms first, then the scale's; the
    others have shape (S,).
    """

    sources: tuple[str, ...]
    settings: EmosSettings
    terms: SourceTerms
    theta: FloatArray
    column_size: FloatArray
    reference_sd: FloatArray
    minimum_sd: FloatArray
    n_train: IndexArray
    effective_n: FloatArray
    widening: FloatArray

    @classmethod
    def of(cls, models: Sequence[EmosModel]) -> EmosBatch:
        """Return models of the same sources and settings as one batch."""
        first = models[0]
        k = len(first.sources)
        return cls(
            first.sources,
            first.settings,
            SourceTerms(
                np.array([model.bias for model in models]),
                np.array([model.weight for model in models]),
                np.array([model.climate for model in models]),
                np.array([model.usual_inside for model in models]),
                np.array([model.usual_products for model in models]).reshape(len(models), k, k),
            ),
            np.array([model.location + model.scale for model in models]),
            np.array([model.column_size for model in models]),
            np.array([model.reference_sd for model in models]),
            np.array([model.minimum_sd for model in models]),
            np.array([model.n_train for model in models], dtype=np.intp),
            np.array([model.effective_n for model in models]),
            np.array([model.widening for model in models]),
        )

    def model(self, group: int) -> EmosModel:
        """Return the model of one group."""
        p = self.theta.shape[1] - SCALE_COLUMNS
        return EmosModel(
            sources=self.sources,
            bias=_plain(self.terms.bias[group]),
            weight=_plain(self.terms.weight[group]),
            climate=_plain(self.terms.climate[group]),
            location=_plain(self.theta[group, :p]),
            scale=_plain(self.theta[group, p:]),
            usual_inside=_plain(self.terms.inside[group]),
            usual_products=_plain(self.terms.products[group].ravel()),
            reference_sd=float(self.reference_sd[group]),
            column_size=_plain(self.column_size[group]),
            minimum_sd=float(self.minimum_sd[group]),
            settings=self.settings,
            n_train=int(self.n_train[group]),
            effective_n=float(self.effective_n[group]),
            widening=float(self.widening[group]),
        )

    def repeated(self, groups: int) -> EmosBatch:
        """Return a batch in which the only model stands for each of several groups."""
        return self.select(np.zeros(groups, dtype=np.intp))

    def select(self, index: IndexArray) -> EmosBatch:
        """Return the models at these positions."""
        return EmosBatch(
            self.sources,
            self.settings,
            self.terms.select(index),
            self.theta[index],
            self.column_size[index],
            self.reference_sd[index],
            self.minimum_sd[index],
            self.n_train[index],
            self.effective_n[index],
            self.widening[index],
        )

    def forecast(self, panel: Panel) -> tuple[FloatArray, FloatArray, Centre]:
        """Return mean and standard deviation of every row, shape (S, n), and its centre.

        The mean is NaN where no source of positive weight is there.
        """
        centre = centre_of(panel, self.terms.bias, self.terms.weight)
        location, scale = columns_of(panel, centre, self.terms, self.settings)
        p = location.shape[2]
        mean = centre.mean + np.einsum("snp,sp->sn", location, self.theta[:, :p])
        sd = np.einsum("snq,sq->sn", scale, self.theta[:, p:])
        return mean, np.maximum(sd, self.minimum_sd[:, None]) * self.widening[:, None], centre


def columns_of(
    panel: Panel, centre: Centre, terms: SourceTerms, settings: EmosSettings
) -> tuple[FloatArray, FloatArray]:
    """Return the columns of the mean and of the standard deviation."""
    return (
        location_columns(panel, centre, terms.climate, settings.location_harmonics),
        scale_columns(panel, centre, terms),
    )


def generic_prior(groups: int, sources: tuple[str, ...], settings: EmosSettings) -> EmosBatch:
    """Return what is believed before any day is seen: no bias, equal weights, a wide spread.

    The spread is ``settings.prior_sd``; without one it is NaN, to be replaced by the data's.
    """
    k, turns = len(sources), 2 * settings.location_harmonics
    spread = np.nan if settings.prior_sd is None else settings.prior_sd
    scale = np.zeros(SCALE_COLUMNS)
    scale[LEVEL] = spread
    scale[[ENSEMBLE, BETWEEN]] = settings.ensemble_slope, settings.sources_slope
    scale[MISSING] = settings.missing_share * spread
    theta = np.concatenate([np.zeros(2 + turns + k), scale])
    return EmosBatch(
        sources,
        settings,
        SourceTerms(
            np.zeros((groups, k)),
            np.full((groups, k), 1.0 / k),
            np.zeros((groups, 1 + turns)),
            np.zeros((groups, k)),
            np.zeros((groups, k, k)),
        ),
        np.tile(theta, (groups, 1)),
        np.ones((groups, theta.size)),
        np.full(groups, spread),
        np.full(groups, settings.min_sd),
        np.zeros(groups, dtype=np.intp),
        np.zeros(groups),
        np.ones(groups),
    )


def _plain(values: FloatArray) -> tuple[float, ...]:
    return tuple(values.tolist())
