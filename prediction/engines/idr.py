"""What followed like forecasts of the weather service: the yardstick that assumes least.

A distribution is read off past days by isotonic regression, whose one assumption is that a higher
forecast makes higher temperatures likelier: no bias, spread or shape is modelled. A regression that
does not beat it has learned nothing from its other sources.

Source:
    EasyUQ: Walz, Henzi, Ziegel and Gneiting (2024), doi:10.1137/22M1541915.
"""

from __future__ import annotations

import functools

import numpy as np

from boz.core.errors import DataUnavailable, InvalidDataError
from boz.core.schemas import PLAUSIBLE_HIGH_F, PLAUSIBLE_LOW_F
from prediction.constants import IDR_ENGINE, NWS_SOURCES
from prediction.domain.horizons import Horizon
from prediction.domain.recalibration.idr import LEAST_DAYS, Idr, fit_idr
from prediction.engines.base import (
    EngineForecast,
    EngineKind,
    Inputs,
    KnownForecast,
    Parameters,
    reading_parameters,
    require_temperature,
)
from prediction.engines.emos import fitted_horizon
from prediction.engines.emos_fit import FITTED
from prediction.engines.heard import heard
from prediction.engines.past import Past, PastCase

#: Forecast and official high of past days, °F.
Pairs = tuple[tuple[float, float], ...]
#: Regressions kept at hand: making one takes ten times as long as asking it.
_KEPT = 64


class IdrEngine:
    """Isotonic distributional regression on the high of the weather service's own forecast.

    What is kept of the past are its pairs of forecast and high; the regression is made of them when
    it is asked, since it is a hundred times larger.
    """

    name = IDR_ENGINE
    version = 1
    kind = EngineKind.MODEL

    def fit(self, past: Past) -> Parameters | None:
        """Return the pairs of each horizon that has enough days, or None.

        Raises:
            InvalidDataError: If a day's official high cannot be true, or a day is not over.
        """
        pairs = {horizon.value: _pairs(past, horizon) for horizon in FITTED}
        enough = {name: found for name, found in pairs.items() if len(found) >= LEAST_DAYS}
        return {"pairs": enough} if enough else None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return what followed forecasts like that of the weather service.

        Raises:
            DataUnavailable: If too few days are known at this horizon or no such forecast is.
            InvalidDataError: If that forecast or what was learned cannot be true.
        """
        regression = self._learned(inputs)
        forecast, refused = _spoken(inputs)
        return EngineForecast.of(
            regression.predict(forecast.high_f),
            sources=(forecast.source,),
            missing=refused,
            n_train=regression.n_train,
            note="The highs of past days for which the weather service forecast about the same.",
        )

    def _learned(self, inputs: Inputs) -> Idr:
        horizon = fitted_horizon(inputs.horizon).value
        with reading_parameters(self.name):
            stored = inputs.parameters.get(self.name, {}).get("pairs", {}).get(horizon)
            if stored is not None:
                return _regression(tuple((float(high), float(seen)) for high, seen in stored))
        raise DataUnavailable(
            f"Fewer than {LEAST_DAYS} days of {inputs.station_code} with a forecast of the weather "
            f"service at the horizon {horizon} have been learned from.",
            {"station": inputs.station_code, "horizon": horizon},
        )


@functools.lru_cache(maxsize=_KEPT)
def _regression(pairs: Pairs) -> Idr:
    forecasts, highs = np.array(pairs, dtype=np.float64).T
    return fit_idr(forecasts, highs)


def _pairs(past: Past, horizon: Horizon) -> list[list[float]]:
    """Return forecast and official high of every day that has both, in rising order.

    Raises:
        InvalidDataError: If a day's official high cannot be true, or a day is not over.
    """
    found: list[list[float]] = []
    for case in (item for item in past.cases if item.horizon is horizon):
        if case.climate_day >= past.target_day:
            raise InvalidDataError(f"The official high of {case.climate_day} cannot be known yet.")
        require_temperature(case.observed_f, name=f"official high of {case.climate_day}")
        high = _forecast_high(case)
        if high is not None:
            found.append([high, case.observed_f])
    return sorted(found)


def _forecast_high(case: PastCase) -> float | None:
    """Return what the weather service said of a past day; None where nothing possible."""
    said = {
        forecast.source: float(forecast.high_f)
        for forecast in case.forecasts
        if PLAUSIBLE_LOW_F <= forecast.high_f <= PLAUSIBLE_HIGH_F
    }
    return next((said[source] for source in NWS_SOURCES if source in said), None)


def _spoken(inputs: Inputs) -> tuple[KnownForecast, tuple[str, ...]]:
    """Return the weather service's forecast and why others of it are not believed.

    Raises:
        DataUnavailable: If it did not speak.
        InvalidDataError: If what it said cannot be true.
    """
    found = heard(inputs)
    refused = tuple(found.reasons[source] for source in NWS_SOURCES if source in found.reasons)
    forecast = found.first_of(NWS_SOURCES)
    facts = {"station": inputs.station_code, "climate_day": inputs.climate_day}
    if forecast is not None:
        return forecast, refused
    if refused:
        raise InvalidDataError(" ".join(refused), facts)
    raise DataUnavailable(
        f"No forecast of the weather service for {inputs.station_code} on {inputs.climate_day} "
        "was heard.",
        facts,
    )
