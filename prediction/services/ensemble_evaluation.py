"""Walk-forward EMOS on a table of ensemble forecasts, with the settings of the product."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.domain.arrays import FloatArray
from prediction.domain.emos import EmosSettings, fit_stations
from prediction.domain.emos_features import Panel
from prediction.domain.emos_newton import IndexArray
from prediction.domain.ensemble_scores import crps_ensemble
from prediction.domain.gaussian_scores import crps_gaussian
from prediction.domain.reliability import (
    coverage,
    expected_reliability_index,
    reliability_index,
)
from prediction.services.ensemble_table import EnsembleTable

#: The product's settings but for the two that are degrees Fahrenheit: a table may have any unit.
SETTINGS = EmosSettings(min_sd=0.0, prior_sd=None)
#: Days with observations before the first forecast.
FEWEST_DAYS = 5
COVERAGES = (50, 80, 90)


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Forecasts made with nothing but what was known at their date.

    Attributes:
        rows: Positions in the table, shape (n,).
        mean: Shape (n,).
        sd: Shape (n,).
    """

    rows: IndexArray
    mean: FloatArray
    sd: FloatArray


@dataclass(frozen=True, slots=True)
class EnsembleScores:
    """Scores of a walk; temperatures in the unit of the table.

    Attributes:
        n: Forecasts scored.
        crps_raw: CRPS of the empirical distribution of all members.
        crps_emos: CRPS of the Gaussian.
        mae: Mean absolute error of its mean, which is its median.
        pit_reliability: Sum over ten bins of the distance between the share of probability
            integral transforms in the bin and 1/10.
        pit_reliability_expected: What sampling alone makes of that for a calibrated forecast,
            ``10 sqrt(2 / pi) sqrt(0.09 / n)``.
        coverage: Share of observations inside the central interval of each percentage.
    """

    n: int
    crps_raw: float
    crps_emos: float
    mae: float
    pit_reliability: float
    pit_reliability_expected: float
    coverage: dict[int, float]

    def as_json(self) -> dict[str, Any]:
        """Return the shape that ``evaluate_ensemble --json`` prints."""
        return {
            "n": self.n,
            "crps_raw": self.crps_raw,
            "crps_emos": self.crps_emos,
            "mae": self.mae,
            "pit_reliability": self.pit_reliability,
            "pit_reliability_expected": self.pit_reliability_expected,
            **{f"coverage_{percent}": share for percent, share in self.coverage.items()},
        }


def walk_forward(
    table: EnsembleTable,
    *,
    lag_days: int,
    first_day: int | None = None,
    settings: EmosSettings = SETTINGS,
    on_day: Callable[[int, int], None] = lambda day, rows: None,
) -> Walk:
    """Forecast every date of a table from the rows whose observation was known by then.

    Args:
        table: The table.
        lag_days: Days from a forecast's date until its observation is known, at least 1.
        first_day: Ordinal of the first date to forecast; earlier ones are only learnt from.
        settings: How to fit.
        on_day: Told after each date: the date's ordinal, and the forecasts made so far.

    Raises:
        InvalidDataError: If the lag is below 1.
        DataUnavailable: If no date has five days with observations before it.
    """
    if lag_days < 1:
        raise InvalidDataError("An observation is known one day after its forecast, or later.")
    training = table.training
    made: list[tuple[IndexArray, FloatArray, FloatArray]] = []
    count = 0
    for day in dates_to_forecast(table, first_day):
        end = int(np.searchsorted(training.days, day - lag_days, side="right"))
        if _days_known(table, end) >= FEWEST_DAYS:
            made.append(_forecasts(table, day, end, settings))
            count += len(made[-1][0])
        on_day(day, count)
    if not count:
        raise DataUnavailable(
            f"No date of the report has {FEWEST_DAYS} days with observations known before it."
        )
    rows, means, sds = (np.concatenate(parts) for parts in zip(*made, strict=True))
    return Walk(rows, means, sds)


def dates_to_forecast(table: EnsembleTable, first_day: int | None) -> list[int]:
    """Return the ordinals of the dates of a table, from the first that is wanted."""
    days = np.unique(table.training.days)
    return [int(day) for day in days if first_day is None or day >= first_day]


def score_walk(table: EnsembleTable, walk: Walk) -> EnsembleScores:
    """Score the forecasts whose observation is in the table.

    Raises:
        DataUnavailable: If there is none.
    """
    observed = table.training.observed[walk.rows]
    known = np.flatnonzero(~np.isnan(observed))
    if not known.size:
        raise DataUnavailable("None of the dates of the report has an observation to score with.")
    observed, mean, sd = observed[known], walk.mean[known], walk.sd[known]
    raw = crps_ensemble(table.members[walk.rows[known]], observed, mask_missing=True)
    pit = ndtr((observed - mean) / sd)
    return EnsembleScores(
        n=int(known.size),
        crps_raw=_mean(raw),
        crps_emos=_mean(crps_gaussian(mean, sd, observed)),
        mae=_mean(np.abs(observed - mean)),
        pit_reliability=reliability_index(pit),
        pit_reliability_expected=expected_reliability_index(int(known.size)),
        coverage={percent: coverage(pit, percent / 100.0) for percent in COVERAGES},
    )


def _days_known(table: EnsembleTable, end: int) -> int:
    """Return how many days before a row have an observation and a forecast."""
    training = table.training
    counts = ~np.isnan(training.observed[:end]) & ~np.isnan(training.highs[:end]).all(axis=1)
    return int(np.unique(training.days[:end][counts]).size)


def _forecasts(
    table: EnsembleTable, day: int, end: int, settings: EmosSettings
) -> tuple[IndexArray, FloatArray, FloatArray]:
    """Return the rows of one date that can be forecast, and their forecasts."""
    training = table.training
    batch = fit_stations(
        training.rows(slice(0, end)),
        target_day=day,
        settings=settings,
        stations=len(table.stations),
    )
    at = np.flatnonzero(training.days == day)
    at = at[~np.isnan(training.highs[at]).all(axis=1)]
    row = Panel(training.days[at][:, None], training.highs[at][:, None], training.sds[at][:, None])
    mean, sd, _ = batch.select(training.stations[at].astype(np.intp)).forecast(row)
    return at, mean[:, 0], sd[:, 0]


def _mean(values: FloatArray) -> float:
    return math.fsum(values) / values.size
