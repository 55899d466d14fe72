"""What the market believes, as one more distribution: scored beside ours, never traded on."""

from __future__ import annotations

from boz.core.errors import DataUnavailable
from prediction.constants import MARKET_ENGINE
from prediction.domain.ladder_pmf import ladder_pmf
from prediction.engines.base import EngineForecast, EngineKind, Inputs, Parameters
from prediction.engines.past import Past


class MarketEngine:
    """The market's ladder, spread smoothly over the degrees inside each bracket."""

    name = MARKET_ENGINE
    version = 1
    kind = EngineKind.EXPERT

    def fit(self, past: Past) -> Parameters | None:
        """Learn nothing: the market is taken at its word."""
        return None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution that the market's prices imply."""
        market = inputs.market
        if market is None:
            raise DataUnavailable(
                f"The market of {inputs.station_code} on {inputs.climate_day} is silent.",
                {"station": inputs.station_code, "climate_day": inputs.climate_day},
            )
        return EngineForecast.of(
            ladder_pmf(market.ladder, market.probabilities),
            sources=("market",),
            note="What the market's prices imply, spread smoothly inside each bracket.",
        )
