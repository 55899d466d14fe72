"""The belief we trade on: the best of what is known, never certain by modelling alone."""

from __future__ import annotations

from boz.core.errors import BozBaseException, DataUnavailable, InvalidDataError
from prediction.constants import CLIMATOLOGY_SHARE, PRIMARY_ENGINE
from prediction.domain.distribution import IntegerPmf, gaussian_pmf
from prediction.engines.base import EngineForecast, Inputs
from prediction.engines.climatology import ClimatologyEngine
from prediction.engines.forecast_gaussian import ForecastGaussianEngine
from prediction.engines.nowcast import NowcastEngine, conditioned

#: Spread of the stand-in for a climatology that is not known yet, °F: any weather of the season.
UNKNOWN_CLIMATE_SD_F = 12.0


class CombinedEngine:
    """Forecasts when there are any, else climatology; then what today has shown.

    A little climatology is mixed in before conditioning on the running maximum, so that only a
    physically dead bracket can get the probability zero.
    """

    name = PRIMARY_ENGINE

    def __init__(self) -> None:
        """Build the engines that are combined."""
        self._forecasts = ForecastGaussianEngine()
        self._climatology = ClimatologyEngine()
        self._nowcast = NowcastEngine()

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of the day's high from everything known."""
        climate, no_climate = _attempt(self._climatology, inputs)
        forecast, no_forecast = _attempt(self._forecasts, inputs)
        if forecast is not None:
            return conditioned(_with_climate(forecast, climate, no_climate), inputs)
        if climate is not None:
            return conditioned(_without_forecast(climate, no_forecast), inputs)
        return self._from_observations(inputs, no_forecast, no_climate)

    def _from_observations(
        self, inputs: Inputs, no_forecast: str, no_climate: str
    ) -> EngineForecast:
        observed, no_observation = _attempt(self._nowcast, inputs)
        if observed is None:
            raise DataUnavailable(
                f"Nothing is known about {inputs.station_code} on {inputs.climate_day}. "
                f"{no_forecast} {no_climate} {no_observation}",
                {"station": inputs.station_code, "climate_day": inputs.climate_day},
            )
        return _rebuilt(
            observed,
            pmf=observed.pmf,
            missing=(no_forecast, no_climate),
            weight_present=0.0,
        )


def _with_climate(
    forecast: EngineForecast, climate: EngineForecast | None, no_climate: str
) -> EngineForecast:
    if climate is None:
        background = gaussian_pmf(mean_f=forecast.mean, sd_f=UNKNOWN_CLIMATE_SD_F)
        missing = (*forecast.missing, no_climate)
    else:
        background, missing = climate.pmf, forecast.missing
    return _rebuilt(
        forecast,
        pmf=forecast.pmf.mixed_with(background, CLIMATOLOGY_SHARE),
        missing=missing,
        weight_present=forecast.weight_present,
    )


def _without_forecast(climate: EngineForecast, no_forecast: str) -> EngineForecast:
    return _rebuilt(
        climate,
        pmf=climate.pmf,
        missing=(*climate.missing, no_forecast),
        weight_present=0.0,
    )


def _rebuilt(
    forecast: EngineForecast, *, pmf: IntegerPmf, missing: tuple[str, ...], weight_present: float
) -> EngineForecast:
    return EngineForecast.of(
        pmf,
        spread=forecast.spread,
        sources=forecast.sources,
        missing=missing,
        n_train=forecast.n_train,
        weight_present=weight_present,
        note=forecast.note,
    )


def _attempt(
    engine: ClimatologyEngine | ForecastGaussianEngine | NowcastEngine, inputs: Inputs
) -> tuple[EngineForecast | None, str]:
    try:
        return engine.predict(inputs), ""
    except (DataUnavailable, InvalidDataError) as error:
        return None, _sentence(error)


def _sentence(error: BozBaseException) -> str:
    return error.message if error.message.endswith(".") else f"{error.message}."
