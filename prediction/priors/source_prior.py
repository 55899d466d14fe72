"""The prior of the day-ahead regressions: sources before any of their errors here is known.

``sources.json`` holds what was fitted (:mod:`prediction.priors.build_sources`). Weights, slopes and
column sizes are set by hand where no data with many sources is at hand; each says why.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from prediction.constants import OFFICIAL_SOURCES
from prediction.domain.emos import EmosModel, EmosSettings
from prediction.domain.harmonics import harmonics
from prediction.domain.horizons import Horizon

_FILE = Path(__file__).with_name("sources.json")

#: Groups of sources that err together: a group's weight is shared by those of it that are there,
#: so that a dozen runs of one model do not outvote another service. The weather service and the
#: national blend share most: made for the place, and half as wrong squared as raw models beside
#: them (``raw_models`` in the file). ECMWF leads among the raw ones, as it has in every published
#: comparison; the rest follow roughly by the inverse of their squared errors.
GROUPS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.30, ("nws-grid", "nws-hourly", "nws-periods")),
    (0.30, ("nbm-nbp", "nbm-nbs", "nbm-nbe", "nbm")),
    (0.18, ("ecmwf-ifs", "ecmwf-ens", "ecmwf-aifs", "aifs-ens")),
    (0.10, ("gfs", "gefs", "hrrr")),
    (0.07, ("icon", "icon-eps")),
    (0.03, ("gem", "geps")),
    (0.02, ("ukmo",)),
)
#: Weight of a source of no group, on its own.
OTHER_WEIGHT = 0.02
#: How far a source usually lies from what all of them share, °F. Beside the weather service's highs
#: raw models scatter by 2.4 °F, of which the service's own share is small (``raw_models``).
OFFICIAL_SCATTER_F, RAW_SCATTER_F = 0.8, 2.0
#: Mean squares of the regression's columns, °F squared: anomalies of sources from their centre,
#: the centre from its usual value, spread inside the ensembles, spread between sources. They only
#: set how much a pseudo-day weighs.
ANOMALY_SIZE, UNUSUAL_SIZE, INSIDE_SIZE, BETWEEN_SIZE = 1.0, 80.0, 0.5, 0.3


def reference_lead_hours(horizon: Horizon) -> float:
    """Return the lead of the forecasts from which a horizon's prior was fitted, hours."""
    return float(_document()["horizons"][_fitted(horizon).value]["lead_hours"])


def source_prior(
    sources: Collection[str], *, horizon: Horizon, day: dt.date, settings: EmosSettings
) -> EmosModel:
    """Return the model that speaks for these sources before any of their errors is known.

    Its usual spread inside a source is its own spread, so that a source which states a wider one
    widens it, and its usual disagreement that of sources which scatter independently.

    Args:
        sources: At least one.
        horizon: AFTERNOON has the prior of MORNING.
        day: The climate day forecast, whose season the spread has.
        settings: Of the fit that it is a prior for.
    """
    names = tuple(sorted(sources))
    weight = _shares(names)
    sd = _sd_f(names, weight, horizon=horizon, day=day)
    turns = 2 * settings.location_harmonics
    return EmosModel(
        sources=names,
        bias=tuple(_bias_f(name, horizon) for name in names),
        weight=weight,
        climate=tuple(_document()["climate_f"][: 1 + turns]),
        location=(0.0,) * (2 + turns + len(names)),
        scale=(sd, settings.ensemble_slope, settings.sources_slope, settings.missing_share * sd),
        usual_inside=(sd,) * len(names),
        usual_products=_products(names, weight),
        reference_sd=sd,
        column_size=(
            *(1.0,) * (1 + turns),
            *(ANOMALY_SIZE,) * len(names),
            UNUSUAL_SIZE,
            1.0,
            INSIDE_SIZE,
            BETWEEN_SIZE,
            1.0,
        ),
        minimum_sd=settings.min_sd,
        settings=settings,
    )


def _shares(names: tuple[str, ...]) -> tuple[float, ...]:
    """Return each source's weight, adding up to one."""
    shares = dict.fromkeys(names, OTHER_WEIGHT)
    for weight, members in GROUPS:
        present = [name for name in members if name in shares]
        shares.update(dict.fromkeys(present, weight / max(1, len(present))))
    total = math.fsum(shares.values())
    return tuple(shares[name] / total for name in names)


def _products(names: tuple[str, ...], weight: tuple[float, ...]) -> tuple[float, ...]:
    """Return the mean products of the sources' anomalies from their weighted mean, row by row."""
    scatter = [OFFICIAL_SCATTER_F if name in OFFICIAL_SOURCES else RAW_SCATTER_F for name in names]
    own = np.array(scatter) ** 2
    share = np.array(weight)
    common = math.fsum(share**2 * own)
    products = np.diag(own) - np.add.outer(share * own, share * own) + common
    return tuple(products.ravel().tolist())


def _bias_f(name: str, horizon: Horizon) -> float:
    """Return the expected high minus observed, °F."""
    bias = float(_document()["horizons"][_fitted(horizon).value]["bias_f"])
    if name in OFFICIAL_SOURCES:
        return bias
    return bias + float(_document()["raw_models"]["bias_beside_official_f"])


def _sd_f(
    names: tuple[str, ...], weight: tuple[float, ...], *, horizon: Horizon, day: dt.date
) -> float:
    """Return the spread of the centre's error on a day of the year, °F."""
    fitted = _document()["horizons"][_fitted(horizon).value]
    cosine, sine = harmonics(np.array(day.toordinal()), 1)
    sd = fitted["sd_f"] + fitted["sd_cos_f"] * cosine + fitted["sd_sin_f"] * sine
    raw = math.fsum(
        share for name, share in zip(names, weight, strict=True) if name not in OFFICIAL_SOURCES
    )
    return float(sd) * (1.0 + raw * (_document()["raw_models"]["sd_beside_official"] - 1.0))


def _fitted(horizon: Horizon) -> Horizon:
    return Horizon.MORNING if horizon is Horizon.AFTERNOON else horizon


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return document
