"""The recent official highs alone: what to believe without any forecast."""

from __future__ import annotations

from boz.core.errors import DataUnavailable
from prediction.constants import CLIMATOLOGY_ENGINE, CLIMATOLOGY_WINDOW
from prediction.domain.climatology import climatology_pmf
from prediction.engines.base import (
    EngineForecast,
    EngineKind,
    Inputs,
    Parameters,
    require_temperature,
)
from prediction.engines.past import Past


class ClimatologyEngine:
    """A smoothed distribution of the station's recent official highs."""

    name = CLIMATOLOGY_ENGINE
    version = 1
    kind = EngineKind.MODEL

    def fit(self, past: Past) -> Parameters | None:
        """Learn nothing: the highs of the last weeks are the belief."""
        return None

    def predict(self, inputs: Inputs) -> EngineForecast:
        """Return the distribution of recent highs, wider the older they are."""
        oldest = inputs.climate_day - CLIMATOLOGY_WINDOW
        known = [
            (day, require_temperature(high, name=f"official high of {day}"))
            for day, high in sorted(inputs.official_highs)
            if oldest <= day < inputs.climate_day
        ]
        if not known:
            raise DataUnavailable(
                f"No official high of {inputs.station_code} before {inputs.climate_day} is known.",
                {"station": inputs.station_code, "climate_day": inputs.climate_day},
            )
        pmf = climatology_pmf(
            highs_f=[high for _, high in known],
            ages_days=[float((inputs.climate_day - day).days) for day, _ in known],
        )
        return EngineForecast.of(
            pmf,
            sources=(f"{len(known)} official highs to {known[-1][0]}",),
            n_train=len(known),
            note="The belief rests on recent official highs, the newest counting most.",
        )
