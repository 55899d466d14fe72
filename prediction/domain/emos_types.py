"""What goes into an EMOS fit, what comes out, and its settings.

Every temperature of one fit has one unit, whatever it is; standard deviations have the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from boz.core.errors import InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.harmonics import IntArray


@dataclass(frozen=True, slots=True)
class EmosSettings:
    """How past days are weighted and how far the parameters are held to their prior.

    A ridge is given in pseudo-days: a parameter held with 20 of them lies half way between its
    prior and the data after 20 days of full weight. The defaults were chosen on development data
    and are the same for every table (``docs/verification.md``).

    Attributes:
        half_life_days: Age at which a day counts half.
        season_scale_days: Spread of the seasonal kernel ``exp(-(d / scale)^2 / 2)``, d the distance
            in the year.
        season_floor: What a day of the opposite season still counts.
        location_harmonics: Harmonics of the year in the mean.
        bias_days: Ridge of each source's bias.
        intercept_days: Ridge of the mean's intercept.
        spread_days: Ridge of the level of the standard deviation.
        harmonic_days: Ridge of each harmonic of the mean.
        weight_days: Ridge of each source's weight.
        slope_days: Ridge of the slope on how unusual the forecast is.
        scale_slope_days: Ridge of the slopes of the standard deviation.
        ensemble_slope: Prior slope of the standard deviation on the ensembles' spread.
        sources_slope: Prior slope on the spread between the sources.
        missing_share: Prior rise of the standard deviation, as a share of its level, when all
            weight is missing; in proportion when some is.
        winsor_spreads: Errors further than this many robust spreads from their median are pulled
            in to that distance.
        min_sd_share: Least standard deviation as a share of the training errors' spread.
        min_sd: Least standard deviation in the unit of the data. The default is for whole-degree
            highs in Fahrenheit; tables of another unit or of unrounded values must say their own,
            0 for none.
        prior_sd: Spread expected before any day is seen, unit of the data; None when nothing is
            known, and then a fit without days and without a prior is refused.
        prior_sd_days: How many days ``prior_sd``, or the spread of a prior model, is worth.
        same_day_exponent: Rows of one day count in a pooled fit as their number to the power of one
            minus this: 0 as if they were independent, 1 as one day.
    """

    half_life_days: float = 365.0
    season_scale_days: float = 60.0
    season_floor: float = 0.3
    location_harmonics: int = 2
    bias_days: float = 20.0
    intercept_days: float = 20.0
    spread_days: float = 20.0
    harmonic_days: float = 60.0
    weight_days: float = 80.0
    slope_days: float = 80.0
    scale_slope_days: float = 80.0
    ensemble_slope: float = 0.3
    sources_slope: float = 0.3
    missing_share: float = 0.25
    winsor_spreads: float = 5.0
    min_sd_share: float = 0.25
    min_sd: float = 0.8
    prior_sd: float | None = 3.5
    prior_sd_days: float = 5.0
    same_day_exponent: float = 0.75

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        for name, value in asdict(self).items():
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise InvalidDataError(f"The setting {name} must be 0 or more, was {value}.")
        if not (self.half_life_days > 0 and self.season_scale_days > 0 and self.bias_days > 0):
            raise InvalidDataError("Half-life, season and bias ridge must be above 0.")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTable:
    """Past days, one row per station and day, in time order.

    Attributes:
        days: Ordinal day numbers, shape (n,).
        sources: Names of the K sources, sorted.
        highs: Each source's high (the mean of its ensemble), shape (n, K), NaN = missing.
        sds: Standard deviation inside each source's ensemble, shape (n, K), NaN = none.
        observed: What was observed, shape (n,), NaN = not known.
        stations: Index of the station, from 0, shape (n,); zeros for one station.
    """

    days: IntArray
    sources: tuple[str, ...]
    highs: FloatArray
    sds: FloatArray
    observed: FloatArray
    stations: IntArray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together, infinite values and unordered rows."""
        n, k = len(self.days), len(self.sources)
        shapes = [self.highs.shape == (n, k), self.sds.shape == (n, k)]
        shapes += [self.observed.shape == (n,), self.stations.shape == (n,)]
        if not all(shapes):
            raise InvalidDataError("The columns of a training table do not fit together.")
        if k == 0 or list(self.sources) != sorted(set(self.sources)):
            raise InvalidDataError("The sources of a table must be named, once each and sorted.")
        if np.isinf(self.highs).any() or np.isinf(self.sds).any() or np.isinf(self.observed).any():
            raise InvalidDataError("A training table holds an infinite value.")
        if (self.sds < 0).any():
            raise InvalidDataError("A standard deviation inside an ensemble is below 0.")
        if n and ((np.diff(self.days) < 0).any() or self.stations.min() < 0):
            raise InvalidDataError("The rows of a table must be in time order, stations from 0.")

    def before(self, day: int) -> Self:
        """Return the rows of earlier days."""
        end = int(np.searchsorted(self.days, day, side="left"))
        return self.rows(slice(0, end))

    def rows(self, index: slice | IntArray) -> Self:
        """Return some of the rows."""
        return type(self)(
            self.days[index],
            self.sources,
            self.highs[index],
            self.sds[index],
            self.observed[index],
            self.stations[index],
        )


@dataclass(frozen=True, slots=True)
class EmosModel:
    """A fitted model of one station, or of all stations pooled.

    Attributes:
        sources: Names of the K sources, sorted.
        bias: Each source's expected high minus observed.
        weight: Each source's share of the centre, adding up to 1.
        climate: Intercept and harmonics of the usual centre, from which the slope counts.
        location: Terms of the mean: intercept, harmonics, one per source, slope.
        scale: Terms of the standard deviation: level, spread inside the ensembles, spread between
            the sources, share of weight missing.
        usual_inside: Usual standard deviation inside each source's ensemble.
        usual_products: Mean products of the sources' anomalies, K rows of K.
        reference_sd: Spread of the training errors of the centre, the yardstick of ridges.
        column_size: Mean square of each column but the intercepts', mean terms first; with it a
            pseudo-day means the same in every fit that starts from this model.
        minimum_sd: Least standard deviation.
        settings: How it was fitted.
        n_train: Rows that counted.
        effective_n: Sum of their weights.
        widening: Factor on the standard deviation for the terms that the rows had to decide:
            ``sqrt((1 + r) / (1 - r))`` with r terms of the mean per effective row, as errors of
            the training rows are too small and terms uncertain.
    """

    sources: tuple[str, ...]
    bias: tuple[float, ...]
    weight: tuple[float, ...]
    climate: tuple[float, ...]
    location: tuple[float, ...]
    scale: tuple[float, ...]
    usual_inside: tuple[float, ...]
    usual_products: tuple[float, ...]
    reference_sd: float
    column_size: tuple[float, ...]
    minimum_sd: float
    settings: EmosSettings = field(default_factory=EmosSettings)
    n_train: int = 0
    effective_n: float = 0.0
    widening: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """Return a plain dictionary; floats keep every bit."""
        plain = asdict(self)
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the model that :meth:`as_json` wrote.

        Raises:
            InvalidDataError: If it is no such dictionary.
        """
        try:
            values: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in document.items()
            }
            values["settings"] = EmosSettings(**values["settings"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise InvalidDataError(f"This is no stored EMOS model: {error}.") from error


@dataclass(frozen=True, slots=True)
class GaussianForecast:
    """A forecast of one day.

    Attributes:
        mean: Unit of the data.
        sd: Standard deviation, above 0.
        spread: Standard deviation between the bias-corrected sources.
        weight_present: Share of the model's weight whose sources are there, above 0 to 1.
        used: Sources used, sorted.
        missing: Sources of the model that are not there, sorted.
        ignored: Sources given that the model was not fitted with, so that neither their bias nor
            their weight is known; they are left out. Sorted.
    """

    mean: float
    sd: float
    spread: float
    weight_present: float
    used: tuple[str, ...]
    missing: tuple[str, ...]
    ignored: tuple[str, ...]
