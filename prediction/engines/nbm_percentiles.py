"""The National Blend of Models as it states its own distribution: a member and a peer."""

from __future__ import annotations

from boz.core.errors import DataUnavailable, InvalidDataError
from prediction.constants import NBM_ENGINE
from prediction.domain.discretised import gaussian_pmf, quantile_pmf
from prediction.domain.distribution import IntegerPmf
from prediction.domain.errors_model import MIN_SD_F, prior_sd_f
from prediction.engines.base import EngineForecast, EngineKind, Inputs, KnownForecast, Parameters
from prediction.engines.heard import heard
from prediction.engines.past import Past

#: In this order: percentiles say more than a spread, and the short-range bulletin more than the
#: extended one.
SOURCES = ("nbm-nbp", "nbm-nbs", "nbm-nbe")
#: No city's forecasts err less than this share of the pooled spread (Miami Beach, the surest of
#: 137 cities, .59); a smaller stated one is not believed.
LEAST_SHARE = 0.5


class NbmPercentilesEngine:
    """Published percentiles, else a Gaussian with the published spread."""

    name = NBM_ENGINE
    version = 1
    kind = EngineKind.MODEL

    def fit(self, past: Past) -> Parameters | None:
        """Learn nothing: the blend states its own spread."""
        return None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return what the first source that states a distribution says."""
        found = heard(inputs)
        by_source = {forecast.source: forecast for forecast in found.forecasts}
        refused = [found.reasons[source] for source in SOURCES if source in found.reasons]
        for source in SOURCES:
            forecast = by_source.get(source)
            if forecast is None or not (forecast.quantiles_f or forecast.sd_f is not None):
                continue
            try:
                pmf = _stated(forecast)
            except InvalidDataError as error:
                refused.append(f"{source}: {error.message}")
                continue
            return _answer(pmf, forecast, inputs, refused=tuple(refused))
        if refused:
            raise InvalidDataError(" ".join(refused), {"station": inputs.station_code})
        raise DataUnavailable(
            f"The National Blend of Models states no spread for {inputs.station_code} on "
            f"{inputs.climate_day}.",
            {"station": inputs.station_code, "climate_day": inputs.climate_day},
        )


def _stated(forecast: KnownForecast) -> IntegerPmf:
    if forecast.quantiles_f:
        levels, temps = zip(*forecast.quantiles_f, strict=True)
        return quantile_pmf(levels, temps)
    if forecast.sd_f is None:
        raise InvalidDataError("Neither percentiles nor a spread are stated.")
    return gaussian_pmf(mean_f=forecast.high_f, sd_f=max(forecast.sd_f, MIN_SD_F))


def _answer(
    pmf: IntegerPmf, forecast: KnownForecast, inputs: Inputs, *, refused: tuple[str, ...]
) -> EngineForecast:
    pooled = prior_sd_f(lead_hours=forecast.lead_hours, month=inputs.climate_day.month)
    least = max(MIN_SD_F, LEAST_SHARE * pooled)
    note = "Its percentiles." if forecast.quantiles_f else "A Gaussian with its stated spread."
    if pmf.sd_f < least:
        pmf = gaussian_pmf(mean_f=pmf.mean_f, sd_f=least)
        note = "It was implausibly sure; half the usual spread around its mean was taken."
    return EngineForecast.of(
        pmf, sources=(forecast.source,), missing=refused, note=f"National Blend of Models: {note}"
    )
